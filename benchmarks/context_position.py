"""One position of a latent under a context model, as a compiled cell: what `context.py`'s plain loop runs."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.nn.stage import Stage


class Position(Stage):
    """A position's neighbourhood, 1,C,5,5, and side information, 1,S,1,1, to means and raw scales, 1,2C,1,1."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(network)
        self.channels = network.context.in_channels

    def construct(self, seen: Tensor, side: Tensor) -> Tensor:
        context = self.network.context(seen)[:, :, 2:3, 2:3]
        return self.network.parameters_of(ops.concat((side, context), 1))

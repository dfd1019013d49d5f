"""A cell to differentiate; importing this imports MindSpore."""

from __future__ import annotations

from mindspore import Tensor, nn, ops


class SquaresOf(nn.Cell):
    """The sum of squares of what a network gives."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__()
        self.network = network

    def construct(self, x: Tensor) -> Tensor:
        return ops.square(self.network(x)).sum()

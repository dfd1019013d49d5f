"""The order in which the elements of a latent are coded, and what the first tell of those that follow (section
3.3)."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from core.codec import HALVES, FineGaussianConditional, Order, PartedLatent
from core.nn import Conv2d

from .blocks import Chain, HyperScales, block, blocks

QUARTERS: Order = (
    ((0,), (1,), (2,), (3,)),
    ((3,), (2,), (1,), (0,)),
    ((2,), (3,), (0,), (1,)),
    ((1,), (0,), (3,), (2,)),
)


class SpatialPrior(PartedLatent):
    """What is common to both orders."""

    tells_scales = False

    def __init__(self, order: Order, scales: HyperScales | None) -> None:
        super().__init__(order, FineGaussianConditional(), None if scales is None else scales.scales_of)

    def hint(self, expected: Tensor) -> Tensor:
        """What is looked at beside the elements that are known, of what was expected of all."""
        return expected


class TwoSteps(SpatialPrior):
    """A checkerboard: the first half tells the second one's means."""

    def __init__(self, channels: int, expected: int, scales: HyperScales | None) -> None:
        super().__init__(HALVES, scales)
        cells = blocks(channels + expected, 2 * channels, 2, narrow=True)
        self.network = Chain([*cells, Conv2d(2 * channels, channels, 1)])

    def expect(self, number: int, y_hat: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        return (self.network(ops.concat((y_hat, known), 1)),)


class FourSteps(SpatialPrior):
    """Quarters: each tells the next one's means, and scales where ``tells_scales``."""

    def __init__(
        self, channels: int, expected: int, scales: HyperScales | None, tells_scales: bool = False
    ) -> None:
        super().__init__(QUARTERS, scales)
        width = 2 * channels
        self.reduction = Conv2d(expected, channels, 1)
        self.adaptors = nn.CellList([block(width, width, adaptor=True) for _ in self.order[1:]])
        self.network = Chain(
            [*blocks(width, width, 3), Conv2d(width, width if tells_scales else channels, 1)]
        )
        self.tells_scales = tells_scales

    def hint(self, expected: Tensor) -> Tensor:
        return self.reduction(expected)

    def expect(self, number: int, y_hat: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        told = self.network(self.adaptors[number - 1](ops.concat((y_hat, known), 1)))
        if not self.tells_scales:
            return (told,)
        scales, means = ops.chunk(told, 2, 1)
        return means, scales

"""In which order the elements of a latent are coded, and what the first tell of those that follow (section 3.3)."""

from __future__ import annotations

from functools import cache

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr
from numpy.typing import NDArray

from core.codec import round_straight_through
from core.nn import Conv2d

from .blocks import Chain, block, blocks

Places = NDArray[np.bool_]
Step = tuple[tuple[int, ...], ...]

TWO = (((0, 3), (1, 2)), ((1, 2), (0, 3)))
FOUR = (
    ((0,), (1,), (2,), (3,)),
    ((3,), (2,), (1,), (0,)),
    ((2,), (3,), (0,), (1,)),
    ((1,), (0,), (3,), (2,)),
)
"""Steps of coding: for each equal share of the channels, places of a cell of 2x2, row by row, that are coded now."""


class SpatialPrior(nn.Cell):
    """What is common to both orders."""

    order: tuple[Step, ...]

    def hint(self, expected: Tensor) -> Tensor:
        """What is looked at beside the elements that are known, of what was expected of all."""
        raise NotImplementedError

    def expect(self, step: int, y_hat: Tensor, hint: Tensor) -> tuple[Tensor, ...]:
        """Means, and scales unless all are known, of the elements of ``step``, 1 or later, from those before it."""
        raise NotImplementedError

    def mask(self, step: int, y: Tensor) -> Tensor:
        """1 where an element of ``y`` is coded in ``step``, else 0: 1,C,h,w."""
        return _mask(self.order[step], *y.shape[1:])

    def places(self, channels: int, height: int, width: int) -> list[Places]:
        """The elements of each step, (C,h,w)."""
        return [_places(step, channels, height, width) for step in self.order]

    def construct(self, y: Tensor, expected: Tensor, means: Tensor, scales: Tensor) -> tuple[Tensor, ...]:
        """All steps of a latent that is known, N,C,h,w, from what is expected of all, and of the first.

        Returns the quantised latent, the distances from the means before rounding, means and scales, N,C,h,w each.
        """
        hint = self.hint(expected)
        y_hat, distances, of_means, of_scales = 0.0, 0.0, 0.0, 0.0
        for step in range(len(self.order)):
            if step > 0:
                told = self.expect(step, y_hat, hint)
                means, scales = (told + (scales,))[:2]
            mask = self.mask(step, y)
            distance = (y - means) * mask
            y_hat = y_hat + (round_straight_through(distance) + means) * mask
            distances, of_means, of_scales = (
                distances + distance,
                of_means + means * mask,
                of_scales + scales * mask,
            )
        return y_hat, distances, of_means, of_scales


class TwoSteps(SpatialPrior):
    """A checkerboard: the first half tells the second one's means."""

    order = TWO

    def __init__(self, channels: int, expected: int) -> None:
        super().__init__()
        cells = blocks(channels + expected, 2 * channels, 2, narrow=True)
        self.network = Chain([*cells, Conv2d(2 * channels, channels, 1)])

    def hint(self, expected: Tensor) -> Tensor:
        return expected

    def expect(self, step: int, y_hat: Tensor, hint: Tensor) -> tuple[Tensor, ...]:
        return (self.network(ops.concat((y_hat, hint), 1)),)


class FourSteps(SpatialPrior):
    """Quarters: each tells the next one's means, and scales where ``tells_scales``."""

    order = FOUR

    def __init__(self, channels: int, expected: int, tells_scales: bool) -> None:
        super().__init__()
        width = 2 * channels
        self.reduction = Conv2d(expected, channels, 1)
        self.adaptors = nn.CellList([block(width, width, adaptor=True) for _ in self.order[1:]])
        self.network = Chain(
            [*blocks(width, width, 3), Conv2d(width, width if tells_scales else channels, 1)]
        )
        self.tells_scales = tells_scales

    def hint(self, expected: Tensor) -> Tensor:
        return self.reduction(expected)

    def expect(self, step: int, y_hat: Tensor, hint: Tensor) -> tuple[Tensor, ...]:
        told = self.network(self.adaptors[step - 1](ops.concat((y_hat, hint), 1)))
        if not self.tells_scales:
            return (told,)
        scales, means = ops.chunk(told, 2, 1)
        return means, scales


@cache
def _places(step: Step, channels: int, height: int, width: int) -> Places:
    rows, columns = np.arange(height)[:, None] % 2, np.arange(width)[None] % 2
    shares = [np.isin(2 * rows + columns, share) for share in step]
    return np.repeat(np.array(shares), channels // len(step), 0)


@constexpr
def _mask(step: Step, channels: int, height: int, width: int) -> Tensor:
    return Tensor(_places(step, channels, height, width)[None].astype(np.float32))

"""Large pictures a strip of rows at a time: memory is bounded, and the result is the whole picture's up to rounding.

Strips overlap by as many rows as the network sees beyond a row, so no row that is kept has seen a strip's end. All
strips of a picture have one height, so that a compiled network is compiled once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

Array = NDArray[np.float32]

POSITIONS = 1600
"""Places of the coarsest plane in a strip, about: 208 rows of 1920 pixels where a place stands for 16x16 pixels."""


@dataclass(frozen=True)
class Strip:
    """Rows ``origin`` to ``origin + height`` of the coarsest plane; those from ``first`` to ``last`` are kept."""

    origin: int
    height: int
    first: int
    last: int


def plan_strips(rows: int, columns: int, halo: int) -> list[Strip]:
    """Strips of a plane, of about `POSITIONS` places each, whose rows depend on ``halo`` rows around them."""
    most = max(POSITIONS // columns, 4 * halo)
    if rows <= most:
        return [Strip(0, rows, 0, rows)]
    count = -(-(rows - 2 * halo) // (most - 2 * halo))
    height = -(-(rows + 2 * halo * (count - 1)) // count)
    strips: list[Strip] = []
    for number in range(count):
        origin = min(number * (height - 2 * halo), rows - height)
        first = strips[-1].last if strips else 0
        last = rows if number == count - 1 else origin + height - halo
        strips.append(Strip(origin, height, first, last))
    return strips


class InStrips:
    """A function of tensors 1,C,H,W that gives a tuple of such, all whole multiples of a coarsest plane.

    Args:
        function: what is computed strip by strip.
        halo: rows of the coarsest plane, above and below, that a row of any result depends on.
        unit: rows of the first input for each of the coarsest plane.
    """

    def __init__(self, function: Callable[..., tuple[Tensor, ...]], halo: int, unit: int = 1) -> None:
        self._function = function
        self._halo = halo
        self._unit = unit

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        rows, columns = (side // self._unit for side in inputs[0].shape[2:])
        strips = plan_strips(rows, columns, self._halo)
        if len(strips) == 1:
            return self._function(*inputs)
        arrays = [x.asnumpy() for x in inputs]
        wholes: list[Array] = []
        for strip in strips:
            end = strip.origin + strip.height
            parts = [np.ascontiguousarray(_rows(array, strip.origin, end, rows)) for array in arrays]
            made = [tensor.asnumpy() for tensor in self._function(*map(Tensor.from_numpy, parts))]
            wholes = wholes or [_whole(part, rows, strip.height) for part in made]
            for whole, part in zip(wholes, made, strict=True):
                kept = _rows(part, strip.first - strip.origin, strip.last - strip.origin, strip.height)
                _rows(whole, strip.first, strip.last, rows)[...] = kept
        return tuple(map(Tensor.from_numpy, wholes))  # without a copy


def _rows(plane: Array, first: int, last: int, rows: int) -> Array:
    """A view of what belongs to these rows of the coarsest plane, which has so many of them."""
    unit = plane.shape[2] // rows
    return plane[:, :, first * unit : last * unit]


def _whole(part: Array, rows: int, height: int) -> Array:
    """Room for all rows of a result of which a strip has ``height``."""
    batch, channels, side, width = part.shape
    return np.empty((batch, channels, side // height * rows, width), np.float32)

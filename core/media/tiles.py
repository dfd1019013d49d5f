"""Working on large pictures tile by tile, with memory bounded by the tile and no visible seams.

All tiles of a plan have one shape, so that a compiled network is compiled once. Neighbours overlap. A pixel
close to the border of a tile lacks context there, so of every overlap the outer quarter of each tile is thrown
away, and over the half between, one tile fades linearly into the next::

    |<------- overlap ------->|
    |  left   |  fade  | right |
    1111111111\\
               \\_______________   weight of the left tile
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError

Array = NDArray[np.float32]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class AxisPlan:
    """Tiles along one axis: ``origins`` of tiles of ``tile`` pixels that cover ``size`` pixels."""

    size: int
    tile: int
    origins: tuple[int, ...]

    def weights(self, scale: int = 1) -> list[NDArray[np.float64]]:
        """The weight of each tile at each of its ``scale * tile`` output pixels; over all tiles they sum to 1."""
        entering = np.ones(self.size * scale)
        weights = []
        for number, origin in enumerate(self.origins):
            leaving = np.minimum(entering, self._fade_in(number + 1, scale))
            weights.append((entering - leaving)[origin * scale : (origin + self.tile) * scale])
            entering = leaving
        return weights

    def _fade_in(self, number: int, scale: int) -> NDArray[np.float64]:
        """How far tile ``number`` has taken over from the one before it, at each output pixel of the whole axis."""
        positions = (np.arange(self.size * scale) + 0.5) / scale
        if number == len(self.origins):
            return np.zeros_like(positions)
        begin, end = self.origins[number], self.origins[number - 1] + self.tile
        quarter = (end - begin) / 4
        return np.clip((positions - (begin + quarter)) / (end - begin - 2 * quarter), 0.0, 1.0)


@dataclass(frozen=True)
class TilePlan:
    """Tiles of one shape over a picture; made by `plan_tiles`."""

    rows: AxisPlan
    columns: AxisPlan

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Height and width of every tile."""
        return self.rows.tile, self.columns.tile

    def __len__(self) -> int:
        return len(self.rows.origins) * len(self.columns.origins)

    def run(self, function: Callable[..., Array], *frames: Array, scale: int = 1) -> Array:
        """``function`` of whole pictures (...,H,W), computed tile by tile: (...,scale*H,scale*W), float32.

        ``function`` gets one tile of each of ``frames`` and returns an array ``scale`` times as high and wide.
        """
        return self.run_named(lambda *tiles: {"": function(*tiles)}, *frames, scales={"": scale})[""]

    def run_named(
        self, function: Callable[..., Mapping[Key, Array]], *frames: Array, scales: Mapping[Key, int]
    ) -> dict[Key, Array]:
        """Like `run`, for a function that returns several arrays by name, each with its scale."""
        for frame in frames:
            if frame.shape[-2:] != (self.rows.size, self.columns.size):
                raise ValueError(
                    f"the plan is for {self.rows.size}x{self.columns.size}, not {frame.shape[-2:]}"
                )
        wholes: dict[Key, Array] = {}
        weights = {
            name: (self.rows.weights(scale), self.columns.weights(scale)) for name, scale in scales.items()
        }
        for row, column, window in self._windows():
            outputs = function(*(np.ascontiguousarray(frame[..., window[0], window[1]]) for frame in frames))
            for name, scale in scales.items():
                expected = (self.rows.tile * scale, self.columns.tile * scale)
                if outputs[name].shape[-2:] != expected:
                    raise ValueError(f"a tile came back as {outputs[name].shape[-2:]}, not {expected}")
                if name not in wholes:
                    shape = (*outputs[name].shape[:-2], self.rows.size * scale, self.columns.size * scale)
                    wholes[name] = np.zeros(shape, np.float32)
                top, left = self.rows.origins[row] * scale, self.columns.origins[column] * scale
                _blend(
                    wholes[name], outputs[name], (top, left), weights[name][0][row], weights[name][1][column]
                )
        return wholes

    def _windows(self) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
        """Row and column number of each tile, and where it lies."""
        for row, top in enumerate(self.rows.origins):
            for column, left in enumerate(self.columns.origins):
                yield row, column, (slice(top, top + self.rows.tile), slice(left, left + self.columns.tile))


def plan_tiles(height: int, width: int, *, tile: int, overlap: int, alignment: int = 1) -> TilePlan:
    """Cover a picture with tiles of at most ``tile`` x ``tile`` pixels that overlap by at least ``overlap``.

    Tiles start at multiples of ``alignment``, and their size equals the picture's modulo ``alignment``, so a
    network that pads to multiples pads a tile at the far border as it would pad the whole picture. An axis not
    longer than ``tile`` is not cut. Raises `ConfigError` when the tile is too small for overlap and alignment.
    """
    if min(height, width, tile, alignment) < 1 or overlap < 0:
        raise ConfigError(f"cannot cut {height}x{width} into tiles of {tile} with overlap {overlap}")
    return TilePlan(
        _plan_axis(height, tile, overlap, alignment),
        _plan_axis(width, tile, overlap, alignment),
    )


def _plan_axis(size: int, tile: int, overlap: int, alignment: int) -> AxisPlan:
    if size <= tile:
        return AxisPlan(size, size, (0,))
    tile -= (tile - size) % alignment
    step = (tile - overlap) // alignment
    if step < 1:
        raise ConfigError(
            f"tiles are too small for an overlap of {overlap} at alignment {alignment}: "
            f"use at least {overlap + 2 * alignment - 1}"
        )
    # In units of the alignment: as few tiles as reach the end, at even distances of at most one step.
    last = (size - tile) // alignment
    gaps = -(-last // step)
    return AxisPlan(size, tile, tuple(last * number // gaps * alignment for number in range(gaps + 1)))


def _blend(
    whole: Array, tile: Array, corner: tuple[int, int], down: NDArray[np.float64], across: NDArray[np.float64]
) -> None:
    """Add the part of a tile that has weight to the whole picture."""
    rows, columns = _support(down), _support(across)
    weight = (down[rows, None] * across[None, columns]).astype(np.float32)
    top, left = corner
    target = (
        ...,
        slice(top + rows.start, top + rows.stop),
        slice(left + columns.start, left + columns.stop),
    )
    whole[target] += weight * tile[..., rows, columns]


def _support(weights: NDArray[np.float64]) -> slice:
    """The first to the last pixel with any weight."""
    used = np.flatnonzero(weights)
    return slice(int(used[0]), int(used[-1]) + 1)

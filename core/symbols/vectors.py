"""Vectors of blocks through the range coder, under an adaptive model in integers: the same on every machine.

The plane of vectors is coded from coarse to fine: first every 64th vector of every 64th row, then, step by step,
those in the middle of four, and those between two and two. Each component is predicted by the middle of its
neighbours that are coded already, and what remains of it has a Laplace distribution. Its class is told by how far
those neighbours lie apart and, of the second component, by what remained of the first; the mean size of what remained
in a class so far chooses the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import LAPLACE_SCALES, TableSet, laplace_tables

Ints = NDArray[np.int64]
Place = tuple[Ints, Ints]
"""Rows and columns, one of each for every vector."""

_COARSEST = 64
"""Vectors between two that are coded first."""
_SPREADS = 7
"""Classes of how far neighbours lie apart: 0, 1, 2 to 3, 4 to 7, … quarters of a pixel."""
_REMAINDERS = 3
"""Classes of what remained of the first component: nothing, 1, more; one for the first component itself."""
_CLASSES = _SPREADS * (_REMAINDERS + 1)
_BITS = 16
"""Fraction bits of mean sizes."""
_FIRST_COUNT = 4
"""Number of vectors that a class's first guess counts as."""


def mean_sizes() -> Ints:
    """The mean size of the whole numbers that each Laplace table is for, fixed point of 16 bits."""
    sizes = 0.5 / np.sinh(0.5 / LAPLACE_SCALES.astype(np.float64))
    return np.rint(np.ldexp(sizes, _BITS)).astype(np.int64)


class VectorModel:
    """Codes planes of vectors (2,h,w), whole numbers, to the right and down."""

    def __init__(self, tables: TableSet, sizes: Ints) -> None:
        self._tables, self._sizes = tables, sizes

    def encode(self, vectors: NDArray[np.int32], encoder: SymbolEncoder) -> float:
        """Add a plane; returns about how many bits it takes."""
        spent = 0.0

        def code(place: Place, component: int, predicted: Ints, indices: Ints) -> Ints:
            nonlocal spent
            remaining = vectors[component][place] - predicted
            encoder.encode(remaining, self._tables, indices)
            spent += _bits(remaining, LAPLACE_SCALES[indices])
            return remaining

        _, height, width = vectors.shape
        self._run(height, width, code)
        return spent

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> NDArray[np.int32]:
        """The next plane; raises `StreamError` on damage."""

        def code(place: Place, component: int, predicted: Ints, indices: Ints) -> Ints:
            return decoder.decode(self._tables, indices).astype(np.int64)

        return self._run(height, width, code)

    def _run(
        self, height: int, width: int, code: Callable[[Place, int, Ints, Ints], Ints]
    ) -> NDArray[np.int32]:
        """What encoder and decoder share; ``code`` tells what remains of a component at some places."""
        plane = np.zeros((2, height, width), np.int64)
        counts = np.full(_CLASSES, _FIRST_COUNT, np.int64)
        sums = (_FIRST_COUNT << np.tile(np.arange(_SPREADS), _REMAINDERS + 1)) >> 2
        for place, around in _passes(height, width):
            kinds = np.zeros(place[0].size, np.int64)
            for component in (0, 1):
                known = np.stack([plane[component][each] for each in around])
                predicted, spread = _middle(known)
                classes = kinds * _SPREADS + np.minimum(_length(spread), _SPREADS - 1)
                means = (sums[classes] << _BITS) // counts[classes]
                indices = np.minimum(np.searchsorted(self._sizes, means), self._sizes.size - 1)
                remaining = code(place, component, predicted, indices)
                plane[component][place] = predicted + remaining
                counts += np.bincount(classes, minlength=_CLASSES)
                sizes = np.minimum(np.abs(remaining), 1 << 20)
                sums += np.bincount(classes, sizes, _CLASSES).astype(np.int64)
                kinds = 1 + np.minimum(np.abs(remaining), _REMAINDERS - 1)
        return plane.astype(np.int32)


def _passes(height: int, width: int) -> Iterator[tuple[Place, list[Place]]]:
    """Places that are coded together, and for each their four neighbours that are coded before."""
    first = _grid(height, width, 0, 0, _COARSEST)
    yield first, [first] * 4  # nothing is known yet: all are zero
    step = _COARSEST // 2
    while step:
        middle = _grid(height, width, step, step, 2 * step)
        yield (
            middle,
            _neighbours(middle, height, width, ((-step, -step), (-step, step), (step, -step), (step, step))),
        )
        rows, columns = (
            np.concatenate(parts)
            for parts in zip(
                _grid(height, width, 0, step, 2 * step), _grid(height, width, step, 0, 2 * step), strict=True
            )
        )
        yield (
            (rows, columns),
            _neighbours((rows, columns), height, width, ((-step, 0), (step, 0), (0, -step), (0, step))),
        )
        step //= 2


def _grid(height: int, width: int, top: int, left: int, step: int) -> Place:
    rows, columns = np.meshgrid(np.arange(top, height, step), np.arange(left, width, step), indexing="ij")
    return rows.ravel(), columns.ravel()


def _neighbours(place: Place, height: int, width: int, offsets: tuple[tuple[int, int], ...]) -> list[Place]:
    rows, columns = place
    return [(_within(rows, down, height), _within(columns, across, width)) for down, across in offsets]


def _within(places: Ints, offset: int, size: int) -> Ints:
    """Places moved by an offset or, where that leads out of the plane, the other way; else where they are, at zero."""
    moved, other = places + offset, places - offset
    inside = (moved >= 0) & (moved < size)
    return np.where(inside, moved, np.where((other >= 0) & (other < size), other, places))


def _middle(known: Ints) -> tuple[Ints, Ints]:
    """The mean of the middle two of four numbers, rounded down, and how far the outer two lie apart."""
    least, most = known.min(0), known.max(0)
    return (known.sum(0) - least - most) >> 1, most - least


def _length(numbers: Ints) -> Ints:
    """Number of binary digits of each number."""
    return np.frexp(numbers.astype(np.float64))[1].astype(np.int64)


def _bits(values: Ints, scales: NDArray[np.float32]) -> float:
    """Information content under Laplace distributions integrated over unit intervals."""
    scales = scales.astype(np.float64)
    sizes = np.abs(values)
    zero = -np.expm1(-0.5 / scales)
    others = np.sinh(0.5 / scales) * np.exp(-sizes / scales)
    return float(-np.log2(np.maximum(np.where(sizes == 0, zero, others), 2.0**-20)).sum())


def vector_tables() -> TableSet:
    """The tables that `VectorModel` codes by."""
    return laplace_tables()

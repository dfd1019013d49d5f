"""Exact products of integer matrices, to the last bit: by the library of kernels once it is started, else by numpy."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from core.kernels import library

_ROWS = 16
"""The library makes so many rows at a time."""


class IntegerMatrix:
    """A matrix (rows, depth) of int16 that is multiplied by matrices of integers held in float64.

    Every partial sum must stay below 2^53 in magnitude; then the result is exact, by whatever way it is made. Raises
    ValueError for other shapes and types.
    """

    def __init__(self, values: NDArray[np.int16]) -> None:
        if values.ndim != 2 or values.dtype != np.int16:
            raise ValueError(f"A matrix of int16 is wanted, not {values.shape} of {values.dtype}.")
        self._rows, self._depth = values.shape
        padding = -self._rows % _ROWS
        self._transposed = np.ascontiguousarray(np.pad(values, ((0, padding), (0, 0))).T)
        self._doubles: NDArray[np.float64] | None = None

    def __matmul__(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """(depth, count) -> (rows, count)."""
        if columns.ndim != 2 or len(columns) != self._depth or columns.dtype != np.float64:
            raise ValueError(
                f"Columns ({self._depth}, count) of float64 are wanted, not {columns.shape} of {columns.dtype}."
            )
        kernels = library.running()
        if kernels is None:
            return self.by_numpy(columns)
        columns = np.ascontiguousarray(columns)
        padded, count = self._transposed.shape[1], columns.shape[1]
        sums = np.empty((padded, count))
        arrays = (ctypes.c_void_p(array.ctypes.data) for array in (self._transposed, columns, sums))
        sizes = (ctypes.c_int64(size) for size in (padded, self._depth, count))
        if kernels.functions.IntegerProduct(*arrays, *sizes) != 0:
            raise RuntimeError("A kernel failed; its own message stands above.")
        return sums[: self._rows]

    def by_numpy(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """The product without the library."""
        if self._doubles is None:
            self._doubles = self._transposed[:, : self._rows].T.astype(np.float64)
        return self._doubles @ columns

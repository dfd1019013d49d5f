"""Products of integer matrices: the kernel and numpy agree to the last bit."""

import numpy as np
import pytest

from core.kernels import library
from core.kernels.integers import IntegerMatrix


@pytest.mark.parametrize(
    "shape", [(16, 9, 1), (192, 36, 4), (17, 5, 13), (3, 1728, 64), (1, 1, 1), (40, 7, 6)]
)
def test_both_ways_are_exact(kernels, shape, monkeypatch):
    rows, depth, count = shape
    rng = np.random.default_rng(rows)
    values = rng.integers(-(2**15) + 1, 2**15, (rows, depth)).astype(np.int16)
    columns = rng.integers(-(2**24), 2**24, (depth, count))
    expected = values.astype(np.int64) @ columns
    matrix = IntegerMatrix(values)
    np.testing.assert_array_equal(matrix @ columns.astype(np.float64), expected)
    np.testing.assert_array_equal(matrix.by_numpy(columns.astype(np.float64)), expected)
    monkeypatch.setattr(library, "_started", None)
    np.testing.assert_array_equal(matrix @ columns.astype(np.float64), expected)


def test_columns_need_not_lie_in_order(kernels):
    values = np.arange(32, dtype=np.int16).reshape(16, 2)
    columns = np.arange(12.0).reshape(6, 2).T
    np.testing.assert_array_equal(IntegerMatrix(values) @ columns, values @ columns)

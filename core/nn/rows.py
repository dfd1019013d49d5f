"""Rows of a table of parameters, one for each sample."""

from __future__ import annotations

from mindspore import Tensor, ops


def rows_of(table: Tensor, index: Tensor) -> Tensor:
    """``table[index]``, N,…: a table, Q,…, and whole numbers from 0 to Q - 1, (N).

    A product with ones and zeros, which is exact, as its gradient is. A gather's gradient is a sum by segments, for
    which cards have no kernel that is compiled already.
    """
    chosen = (index.reshape(-1, 1) == ops.arange(table.shape[0])).astype(table.dtype)
    return ops.matmul(chosen, table.reshape(table.shape[0], -1)).reshape(-1, *table.shape[1:])

"""Sums and means over axes, and pooling."""

from __future__ import annotations

from functools import partial

import numpy as np

from core.export.values import Argument, Node, Table, Writer, integers, operand


def _reduced(
    counterpart: str,
    write: Writer,
    node: Node,
    x: Argument,
    axes: Argument = None,
    keep: bool = False,
    *others: Argument,
) -> str:
    """Without axes, over all of them."""
    chosen = None if axes is None or integers(axes) == [] else np.asarray(integers(axes), np.int64)
    return write(counterpart, operand(x), chosen, keepdims=int(bool(keep)))


TABLE: Table = {
    "MeanExt": partial(_reduced, "ReduceMean"),
    "ReduceMax": partial(_reduced, "ReduceMax"),
    "ReduceMean": partial(_reduced, "ReduceMean"),
    "ReduceMin": partial(_reduced, "ReduceMin"),
    "ReduceSum": partial(_reduced, "ReduceSum"),
    "SumExt": partial(_reduced, "ReduceSum"),
}

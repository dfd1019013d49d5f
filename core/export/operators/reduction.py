"""Sums and means over axes, and pooling."""

from __future__ import annotations

from functools import partial

import numpy as np

from core.export.values import Argument, Node, Table, Writer, integers, operand


def _reduce(
    counterpart: str,
    write: Writer,
    node: Node,
    x: Argument,
    axes: Argument = None,
    keep: bool = False,
    *others: Argument,
) -> str:
    """Reduce along axes; without axes, along all of them."""
    chosen = None if axes is None or integers(axes) == [] else np.asarray(integers(axes), np.int64)
    return write(counterpart, operand(x), chosen, keepdims=int(bool(keep)))


def _pool(write: Writer, node: Node, x: Argument) -> str:
    """Means over boxes, N,C,D,H,W."""
    attributes = node.attributes
    if attributes["divisor_override"]:
        raise NotImplementedError("pooling with another divisor")
    before, after = integers(attributes["pad_list"])[::2], integers(attributes["pad_list"])[1::2]
    return write(
        "AveragePool",
        operand(x),
        kernel_shape=integers(attributes["kernel_size"])[-3:],
        strides=integers(attributes["strides"])[-3:],
        pads=[*before, *after],
        ceil_mode=int(attributes["ceil_mode"]),
        count_include_pad=int(attributes["count_include_pad"]),
    )


TABLE: Table = {
    "AvgPool3D": _pool,
    "MeanExt": partial(_reduce, "ReduceMean"),
    "ReduceMax": partial(_reduce, "ReduceMax"),
    "ReduceMean": partial(_reduce, "ReduceMean"),
    "ReduceMin": partial(_reduce, "ReduceMin"),
    "ReduceSum": partial(_reduce, "ReduceSum"),
    "SumExt": partial(_reduce, "ReduceSum"),
}

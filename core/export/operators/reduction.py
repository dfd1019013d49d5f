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


def _pooled(write: Writer, node: Node, x: Argument) -> str:
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
    "AvgPool3D": _pooled,
    "MeanExt": partial(_reduced, "ReduceMean"),
    "ReduceMax": partial(_reduced, "ReduceMax"),
    "ReduceMean": partial(_reduced, "ReduceMean"),
    "ReduceMin": partial(_reduced, "ReduceMin"),
    "ReduceSum": partial(_reduced, "ReduceSum"),
    "SumExt": partial(_reduced, "ReduceSum"),
}

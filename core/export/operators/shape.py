"""Operators that lay elements out anew: shapes, parts, joins, repetition, ranges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.export.values import Argument, Node, Table, Writer, constant_shape, integers, operand


def _reshape(write: Writer, node: Node, x: Argument, *others: Argument) -> str:
    return write("Reshape", operand(x), constant_shape(node))


def _transpose(write: Writer, node: Node, x: Argument, axes: Argument) -> str:
    rank = len(node.specs[0].shape)
    return write("Transpose", operand(x), perm=[axis % rank for axis in integers(axes)])


def _concat(write: Writer, node: Node, parts: Sequence[Argument], axis: int = 0) -> str:
    dtype = node.specs[0].dtype
    return write("Concat", *(operand(part, dtype) for part in parts), axis=axis)


def _stack(write: Writer, node: Node, parts: Sequence[Argument], axis: int | None = None) -> str:
    axis = int(node.attributes["axis"]) if axis is None else axis
    dtype, where = node.specs[0].dtype, np.asarray([axis], np.int64)
    raised = [write("Unsqueeze", operand(part, dtype), where) for part in parts]
    return write("Concat", *raised, axis=axis)


def _split(write: Writer, node: Node, x: Argument, *others: Argument) -> list[str]:
    """Into parts whose sizes are those of the results."""
    axis = next(i for i, side in enumerate(x.spec.shape) if side != node.specs[0].shape[i])
    sizes = np.asarray([spec.shape[axis] for spec in node.specs], np.int64)
    return write.several("Split", len(sizes), operand(x), sizes, axis=axis)


def _unstack(write: Writer, node: Node, x: Argument, *others: Argument) -> list[str]:
    axis = int(node.attributes["axis"])
    return [
        write("Gather", operand(x), np.asarray(number, np.int64), axis=axis)
        for number in range(len(node.specs))
    ]


def _slice(
    write: Writer,
    node: Node,
    x: Argument,
    begin: Argument,
    end: Argument,
    strides: Argument,
    *masks: int,
) -> str:
    """Python's slices; masks say, by bit, where a begin or an end is left out and which axes a number takes away."""
    names = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    begin_mask, end_mask, ellipsis_mask, new_axis_mask, shrink_mask = masks or (
        int(node.attributes.get(name, 0)) for name in names
    )
    if ellipsis_mask or new_axis_mask:
        raise NotImplementedError("slices with an ellipsis or a new axis")
    starts, ends, steps = integers(begin), integers(end), integers(strides)
    furthest = 2**31 - 1
    for axis in range(len(starts)):
        if shrink_mask >> axis & 1:
            ends[axis], steps[axis] = starts[axis] + 1 or furthest, 1
            continue
        if begin_mask >> axis & 1:
            starts[axis] = 0 if steps[axis] > 0 else furthest
        if end_mask >> axis & 1:
            ends[axis] = furthest if steps[axis] > 0 else -furthest
    axes = list(range(len(starts)))
    vectors = (np.asarray(part, np.int64) for part in (starts, ends, axes, steps))
    part = write("Slice", operand(x), *vectors)
    gone = [axis for axis in axes if shrink_mask >> axis & 1]
    return write("Squeeze", part, np.asarray(gone, np.int64)) if gone else part


def _cut(write: Writer, node: Node, x: Argument, begin: Argument, size: Argument) -> str:
    starts = np.asarray(integers(begin), np.int64)
    ends = starts + np.asarray(node.specs[0].shape, np.int64)
    return write("Slice", operand(x), starts, ends, np.arange(len(starts), dtype=np.int64))


def _repeat(write: Writer, node: Node, x: Argument, times: Argument) -> str:
    return write("Tile", operand(x), np.asarray(integers(times), np.int64))


def _expand(write: Writer, node: Node, x: Argument, *others: Argument) -> str:
    return write("Expand", operand(x), constant_shape(node))


def _fill(write: Writer, node: Node, size: Argument, value: Argument = 0, *others: Argument) -> str:
    return write("Expand", np.asarray(value, node.specs[0].dtype), constant_shape(node))


def _zeros(write: Writer, node: Node, *others: Argument) -> str:
    return _fill(write, node, None, 0)


def _ones(write: Writer, node: Node, *others: Argument) -> str:
    return _fill(write, node, None, 1)


def _gather(write: Writer, node: Node, x: Argument, indices: Argument, axis: Argument, batch: int = 0) -> str:
    if batch:
        raise NotImplementedError("gathering with batch axes")
    return write("Gather", operand(x), operand(indices), axis=integers(axis)[0])


def _gather_each(write: Writer, node: Node, x: Argument, axis: Argument, indices: Argument) -> str:
    return write("GatherElements", operand(x), operand(indices), axis=integers(axis)[0])


def _range(
    write: Writer, node: Node, start: Argument, end: Argument, step: Argument, *others: Argument
) -> str:
    dtype = node.specs[0].dtype
    return write("Range", *(operand(part, dtype) for part in (start, end, step)))


def _same(write: Writer, node: Node, x: Argument, *others: Argument) -> Argument:
    """Operators that only say something of their operand."""
    return x


def _tuple(write: Writer, node: Node, *parts: Argument) -> Argument:
    return parts


def _item(write: Writer, node: Node, whole: Sequence[Argument], number: int) -> Argument:
    return whole[number]


def _nothing(write: Writer, node: Node, *others: Argument) -> Argument:
    """Operators that only keep an order of effects, which an inference has none of."""
    return None


TABLE: Table = {
    "Arange": _range,
    "BroadcastTo": _expand,
    "Concat": _concat,
    "Chunk": _split,
    "Depend": _same,
    "ExpandDims": _reshape,
    "Fill": _fill,
    "FillV2": _fill,
    "Gather": _gather,
    "GatherD": _gather_each,
    "Identity": _same,
    "Load": _same,
    "MakeTuple": _tuple,
    "Ones": _ones,
    "Range": _range,
    "Reshape": _reshape,
    "Slice": _cut,
    "Split": _split,
    "SplitTensor": _split,
    "SplitWithSize": _split,
    "Squeeze": _reshape,
    "Stack": _stack,
    "StopGradient": _same,
    "StridedSlice": _slice,
    "TensorMove": _same,
    "Tile": _repeat,
    "Transpose": _transpose,
    "TupleGetItem": _item,
    "Unstack": _unstack,
    "UpdateState": _nothing,
    "View": _reshape,
    "Zeros": _zeros,
}

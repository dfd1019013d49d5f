"""One model for pictures of any size, from models of the same network at a few sizes.

A compiled network holds the numbers that follow from the height and width of its inputs: shapes to lay out anew, the
places of pixels. What is equal at all sizes stays. What differs becomes a function of height and width
(`core.export.formula`), which the model computes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from core.export.formula import Formula, Size, fit
from core.export.writer import Operand, Writer
from core.hooks import Plane

_MULTIPLES = (2, 3), (4, 3), (2, 5), (4, 5), (3, 7)
_UNKNOWN = "cannot express {} as a function of height and width"
_MAX_NUMBERS = 64
"""Numbers in a constant whose elements are computed one by one."""
Arrays = Sequence[NDArray[Any]]
"""One constant at every size."""


class Unexplained(Exception):
    """Models of several sizes cannot become one; the text says why."""


def sizes(multiple: int) -> list[Size]:
    """Heights and widths to compare models at, for a network whose height and width are divisible by ``multiple``."""
    return [(multiple * height, multiple * width) for height, width in _MULTIPLES]


def generalise(models: Sequence[onnx.ModelProto], at: Sequence[Size], plane: Plane) -> onnx.ModelProto:
    """The model for any size, from those `at` the sizes of `sizes`; height and width are those of the input ``plane``.

    Raises `Unexplained` where the models differ in more than numbers, or in numbers that no formula explains.
    """
    if len({_structure(model) for model in models}) > 1:
        raise Unexplained("it computes by other operators at other sizes")
    write = Writer()
    write.place = "sides"
    numbers = _Numbers(write, plane, at)
    general = onnx.ModelProto()
    general.CopyFrom(models[0])
    del general.graph.initializer[:], general.graph.node[:]
    for tensors in zip(*(model.graph.initializer for model in models), strict=True):
        arrays = [numpy_helper.to_array(tensor) for tensor in tensors]
        if all(np.array_equal(arrays[0], array) for array in arrays[1:]):
            general.graph.initializer.append(tensors[0])
        else:
            numbers.add(tensors[0].name, arrays)
    general.graph.node.extend([*write.nodes, *models[0].graph.node])
    general.graph.initializer.extend(numpy_helper.from_array(c, name) for name, c in write.constants.items())
    for part in ("input", "output"):
        for values in zip(*(getattr(model.graph, part) for model in models), strict=True):
            described = next(v for v in getattr(general.graph, part) if v.name == values[0].name)
            described.CopyFrom(_describe(values, at))
    return general


def _structure(model: onnx.ModelProto) -> bytes:
    """Its nodes and the names of its constants."""
    names = "\0".join(tensor.name for tensor in model.graph.initializer)
    return b"\0".join([*(node.SerializeToString() for node in model.graph.node), names.encode()])


def _describe(values: Sequence[onnx.ValueInfoProto], at: Sequence[Size]) -> onnx.ValueInfoProto:
    """An input or output; sizes that differ are named by how they follow from the picture's."""
    shapes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in values]
    dims = [
        along[0] if len(set(along)) == 1 else str(_fit(np.array(along), at, values[0].name))
        for along in zip(*shapes, strict=True)
    ]
    return helper.make_tensor_value_info(values[0].name, values[0].type.tensor_type.elem_type, dims)


def _fit(values: NDArray[Any], at: Sequence[Size], name: str) -> Formula:
    formula = fit(values, at)
    if formula is None:
        raise Unexplained(_UNKNOWN.format(name))
    return formula


class _Numbers:
    """Writes constants that differ from size to size as functions of height and width, which are computed in
    float64."""

    def __init__(self, write: Writer, plane: Plane, at: Sequence[Size]) -> None:
        self._write, self._at = write, at
        shape, last = write("Shape", plane.name), len(plane.leading) + 2
        height, width = (
            write("Mul", self._double(write("Gather", shape, np.asarray(axis))), np.float64(plane.reduction))
            for axis in (last - 1, last)
        )
        self._sizes = (height, width, write("Mul", height, width))
        self._made: dict[Formula, Operand] = {}

    def add(self, name: str, arrays: Arrays) -> None:
        """Have a constant of this name computed, which is one of ``arrays`` at each of the sizes."""
        write, first = self._write, arrays[0]
        if len({array.shape for array in arrays}) == 1:
            self._cast(self._elements(name, arrays), first.dtype, name)
        elif len({value for array in arrays for value in array.flat}) == 1:
            shape = self._elements(name, [np.array(array.shape) for array in arrays])
            write("Expand", first.ravel()[:1], self._cast(shape, np.dtype(np.int64)), name=name)
        else:
            self._cast(self._line(name, arrays), first.dtype, name)

    def _elements(self, name: str, arrays: Arrays) -> str:
        """An array of one shape, number by number."""
        if arrays[0].size > _MAX_NUMBERS:
            raise Unexplained(_UNKNOWN.format(name))
        columns = np.stack([array.ravel() for array in arrays], 1)
        numbers = [self._number(_fit(column, self._at, name)) for column in columns]
        raised = [self._write("Reshape", number, np.asarray([1])) for number in numbers]
        return self._write(
            "Reshape", self._write("Concat", *raised, axis=0), np.asarray(arrays[0].shape, np.int64)
        )

    def _line(self, name: str, arrays: Arrays) -> str:
        """Evenly spaced numbers along one axis, from their middle and their distance."""
        lines = [array.ravel().astype(np.float64) for array in arrays]
        counts, middles = np.array([len(line) for line in lines]), np.array([line.mean() for line in lines])
        steps = np.array([line[-1] - line[0] for line in lines]) / np.maximum(counts - 1, 1)
        for line, middle, step in zip(lines, middles, steps, strict=True):
            even = middle + (np.arange(len(line)) - (len(line) - 1) / 2) * step
            if not np.allclose(line, even, rtol=0, atol=1e-6 * np.abs(line).max()):
                raise Unexplained(_UNKNOWN.format(name))
        write = self._write
        count, middle, step, half = (
            self._number(_fit(values, self._at, name))
            for values in (counts, middles, steps, (counts - 1) / 2)
        )
        places = write("Range", np.float64(0), write("Round", count), np.float64(1))
        spread = write("Add", write("Mul", write("Sub", places, half), step), middle)
        shape = [-1 if len({array.shape[i] for array in arrays}) > 1 else 1 for i in range(arrays[0].ndim)]
        return write("Reshape", spread, np.asarray(shape))

    def _number(self, formula: Formula) -> Operand:
        """A scalar."""
        if formula not in self._made:
            self._made[formula] = self._compute(formula)
        return self._made[formula]

    def _compute(self, formula: Formula) -> Operand:
        value: Operand = np.float64(formula.terms[0])
        for factor, size in zip(formula.terms[1:], self._sizes, strict=True):
            if factor:
                value = self._write("Add", value, self._write("Mul", size, np.float64(factor)))
        return self._write("Reciprocal", value) if formula.inverse else value

    def _double(self, name: str) -> str:
        return self._write("Cast", name, to=onnx.TensorProto.DOUBLE)

    def _cast(self, value: str, dtype: np.dtype[Any], name: str | None = None) -> str:
        if np.issubdtype(dtype, np.integer):
            value = self._write("Round", value)
        return self._write("Cast", value, to=helper.np_dtype_to_tensor_dtype(dtype), name=name)

"""A network as the graph that MindSpore exports (MindIR), read into plain records."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from mindspore.train import mind_ir_pb2
from numpy.typing import NDArray

from core.errors import ExportError

Shape = tuple[int, ...]
_A, _T = mind_ir_pb2.AttributeProto, mind_ir_pb2.TensorProto
_INTEGERS = (_A.INT8, _A.INT16, _A.INT32, _A.INT64, _A.UINT8, _A.UINT16, _A.UINT32, _A.UINT64)
_TYPES = {
    _T.BOOL: np.dtype(np.bool_),
    _T.FLOAT16: np.dtype(np.float16),
    _T.FLOAT: np.dtype(np.float32),
    _T.FLOAT64: np.dtype(np.float64),
    _T.DOUBLE: np.dtype(np.float64),
    _T.INT8: np.dtype(np.int8),
    _T.INT16: np.dtype(np.int16),
    _T.INT32: np.dtype(np.int32),
    _T.INT64: np.dtype(np.int64),
    _T.UINT8: np.dtype(np.uint8),
    _T.UINT16: np.dtype(np.uint16),
    _T.UINT32: np.dtype(np.uint32),
}


@dataclass(frozen=True)
class Spec:
    """Type and shape of a tensor."""

    dtype: np.dtype[Any]
    shape: Shape


@dataclass(frozen=True)
class Constant:
    """A value that stands in the graph: an array, a number, a text, nothing, or a tuple of such."""

    name: str
    value: Any


@dataclass(frozen=True)
class Node:
    """One operator. Its result is a tensor or, where there are several, a tuple."""

    name: str
    operator: str
    inputs: tuple[str, ...]
    attributes: dict[str, Any] = field(repr=False)
    specs: tuple[Spec, ...]
    """Types and shapes of the results that are tensors."""
    place: str
    """The cell that it belongs to."""


@dataclass(frozen=True)
class Graph:
    """A whole network, in an order in which it can be computed."""

    inputs: dict[str, Spec]
    parameters: dict[str, NDArray[Any]]
    steps: list[Node | Constant]
    output: str
    """The results: a tensor, or a tuple of tensors and tuples."""


def read(cell: nn.Cell, shapes: Sequence[Shape]) -> Graph:
    """The graph of a cell in evaluation for float32 inputs of these shapes; raises `ExportError` where it branches."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.mindir"
        export(cell, shapes, path)
        model = mind_ir_pb2.ModelProto()
        model.ParseFromString(path.read_bytes())
    return _Reader(model).graph()


def export(cell: nn.Cell, shapes: Sequence[Shape], path: Path) -> None:
    """Write MindIR (``.mindir``) of a cell in evaluation for float32 inputs of these shapes.

    What other runtimes are to read is built under `core.backend.PORTABLE`.
    """
    inputs = [Tensor(np.zeros(shape, np.float32)) for shape in shapes]
    ms.export(_Whole(cell), *inputs, file_name=str(path), file_format="MINDIR")


class _Whole(nn.Cell):
    """A cell with the network that it works for as its child: exports write the parameters of children alone."""

    def __init__(self, cell: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.cell = cell
        self.network = getattr(cell, "network", cell)
        self.set_train(False)

    def construct(self, *inputs: Tensor) -> Any:
        return self.cell(*inputs)


class _Reader:
    """Reads MindIR's protocol buffer into records."""

    def __init__(self, model: Any) -> None:
        self._graph = model.graph
        self._functions = {function.name for function in model.functions}
        self._primitives = {primitive.name: primitive for primitive in model.primitives}

    def graph(self) -> Graph:
        """The whole network."""
        (output,) = self._graph.output
        return Graph(
            inputs={put.name: _spec(put.tensor[0]) for put in self._graph.input},
            parameters={parameter.name: _array(parameter) for parameter in self._graph.parameter},
            steps=[self._step(node) for node in self._graph.node],
            output=output.name,
        )

    def _step(self, node: Any) -> Node | Constant:
        if node.op_type == "Constant":
            return Constant(node.output[0], _value(node.attribute[0]))
        reference = node.op_type.removeprefix("REF::")
        place = _place(node.domain)
        primitive = self._primitives.get(reference)
        if primitive is None:
            raise ExportError(f"{place} calls {reference}: graphs with branches or loops cannot be written.")
        return Node(
            name=node.output[0],
            operator=primitive.op_type,
            inputs=tuple(node.input),
            attributes={attribute.name: _value(attribute) for attribute in primitive.attribute},
            specs=tuple(_specs(node.attribute)),
            place=place,
        )


def _place(scope: str) -> str:
    """The cell in ``Default/network-Dvc/spynet-SPyNet/Conv2D-op3``: ``network/spynet``."""
    return "/".join(word.split("-")[0] for word in scope.split("/")[1:-1])


def _specs(attributes: Iterable[Any]) -> Iterator[Spec]:
    """Types and shapes of the tensors in the description of a result."""
    for attribute in attributes:
        for tensor in attribute.tensors:
            yield _spec(tensor)
        yield from _specs(attribute.values)


def _spec(tensor: Any) -> Spec:
    return Spec(_TYPES[tensor.data_type], tuple(tensor.dims))


def _array(tensor: Any) -> NDArray[Any]:
    return np.frombuffer(tensor.raw_data, _TYPES[tensor.data_type]).reshape(tuple(tensor.dims))


def _value(attribute: Any) -> Any:
    """An attribute as Python's value: the elements of tuples have lists of one number where others have a number."""
    kind = attribute.type
    if kind in (_A.TUPLE, _A.LIST):
        return tuple(_value(item) for item in attribute.values)
    if kind == _A.TENSORS:
        (tensor,) = attribute.tensors
        return _array(tensor) if tensor.raw_data else _TYPES[tensor.data_type]
    if kind == _A.STRING:
        return (attribute.strings or [attribute.s])[0].decode()
    if kind == _A.FLOAT:
        return (attribute.floats or [attribute.f])[0]
    if kind == _A.DOUBLE:
        return (attribute.doubles or [attribute.d])[0]
    if kind == _A.BOOL:
        return bool((attribute.ints or [attribute.i])[0])
    if kind in _INTEGERS:
        return int((attribute.ints or [attribute.i])[0])
    return None

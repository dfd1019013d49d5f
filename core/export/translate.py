"""MindIR to ONNX: walks a network's graph and writes every operator by `core.export.operators`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import onnx
from onnx import helper

from core.errors import ExportError
from core.export.mindir import Constant, Graph, Node, Spec
from core.export.operators import OPERATORS
from core.export.values import Argument, Value, operand
from core.export.writer import Writer


@dataclass(frozen=True)
class Translated:
    """A network in ONNX."""

    model: onnx.ModelProto
    gives_tuple: bool
    """Whether the network returns several tensors, or one in a tuple."""


def translate(
    graph: Graph, name: str, inputs: Sequence[str] | None = None, outputs: Sequence[str] | None = None
) -> Translated:
    """The ONNX model of a graph; inputs and outputs get these names, or numbers.

    Raises `ExportError` for an operator that is not known, with where it stands.
    """
    inputs = inputs or [f"input_{number}" for number in range(len(graph.inputs))]
    write = Writer()
    known: dict[str, Argument] = {}
    for ours, (theirs, spec) in zip(inputs, graph.inputs.items(), strict=True):
        known[theirs] = Value(ours, spec)
    for parameter, array in graph.parameters.items():
        called = parameter.rpartition(":")[2]
        known[parameter] = Value(write.parameter(called, array), Spec(array.dtype, array.shape))
    for step in graph.steps:
        known[step.name] = step.value if isinstance(step, Constant) else _result(write, step, known)
    result = known[graph.output]
    made = _flat(result)
    outputs = outputs or [f"output_{number}" for number in range(len(made))]
    if len(made) != len(outputs):
        raise ExportError(f"{name} gives {len(made)} results, and {len(outputs)} names are there for them.")
    write.place = ""
    for ours, value in zip(outputs, made, strict=True):
        write("Identity", operand(value), name=ours)
    model = write.model(
        [_describe(ours, spec) for ours, spec in zip(inputs, graph.inputs.values(), strict=True)],
        [_describe(ours, value.spec) for ours, value in zip(outputs, made, strict=True)],
        name,
    )
    return Translated(model, isinstance(result, tuple))


def _result(write: Writer, node: Node, known: dict[str, Argument]) -> Argument:
    translation = OPERATORS.get(node.operator)
    if translation is None:
        raise ExportError(
            f"{node.operator} in {node.place} cannot be written as ONNX: this exporter does not know the operator."
        )
    write.place = node.place
    try:
        result = translation(write, node, *(known[name] for name in node.inputs))
    except NotImplementedError as error:
        raise ExportError(
            f"{node.operator} in {node.place} cannot be written as ONNX: this exporter does not know {error}."
        ) from None
    if isinstance(result, str):
        return Value(result, node.specs[0])
    if isinstance(result, list):
        return tuple(Value(name, spec) for name, spec in zip(result, node.specs, strict=True))
    return result


def _flat(value: Argument) -> list[Value]:
    if isinstance(value, tuple):
        return [inner for item in value for inner in _flat(item)]
    return [value]


def _describe(name: str, spec: Spec) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(spec.dtype), spec.shape)

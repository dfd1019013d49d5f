"""Collects the nodes and constants of an ONNX graph, and gives them their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from core import __version__

OPSET = 20
"""The operators' version: 19 has deformable convolution, 20 samples of volumes."""
_IR_VERSION = 9
"""The file format's version that came with it; runtimes refuse newer ones than they know."""

_BIAS_PLACES = {"Conv": 2, "ConvTranspose": 2, "DeformConv": 3}
"""Operators that can add a bias, and where it stands among their inputs."""

Constant = NDArray[Any] | np.generic
Operand = str | Constant | None
"""A value's name, a constant, or nothing where an operator leaves a value out."""


class Writer:
    """An ONNX graph in the making.

    A constant is named by the node that takes it, so that graphs of one network at several sizes can be compared name
    by name.
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self.place = ""
        """The part of the network that the next nodes belong to; it becomes part of their names."""
        self._counts: Counter[str] = Counter()
        self._producers: dict[str, onnx.NodeProto] = {}

    def __call__(self, operator: str, *operands: Operand, name: str | None = None, **attributes: Any) -> str:
        """Add a node with one result; returns its name."""
        return self._add(operator, operands, None, name, attributes)[0]

    def several(self, operator: str, results: int, *operands: Operand, **attributes: Any) -> list[str]:
        """Add a node with so many results; returns their names."""
        return self._add(operator, operands, results, None, attributes)

    def _add(
        self,
        operator: str,
        operands: Sequence[Operand],
        results: int | None,
        named: str | None,
        attributes: dict[str, Any],
    ) -> list[str]:
        name = self._name(operator)
        made = [named or name] if results is None else [f"{name}:{number}" for number in range(results)]
        inputs = [self._name_of(operand, f"{name}.{number}") for number, operand in enumerate(operands)]
        node = helper.make_node(operator, inputs, made, name, **attributes)
        self.nodes.append(node)
        self._producers.update(dict.fromkeys(made, node))
        return made

    def with_bias(self, convolution: str, bias: Operand) -> str | None:
        """The convolution of this result once more, with a bias; None where it is no convolution without one."""
        node = self._producers.get(convolution)
        place = _BIAS_PLACES.get(node.op_type) if node else None
        if node is None or place is None or (len(node.input) > place and node.input[place]):
            return None
        attributes = {part.name: helper.get_attribute_value(part) for part in node.attribute}
        inputs = [*node.input[:place], bias, *node.input[place + 1 :]]
        return self(node.op_type, *inputs, **attributes)

    def parameter(self, name: str, value: Constant) -> str:
        """A constant under a name of its own."""
        self.constants[name] = np.asarray(value)
        return name

    def model(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto], name: str
    ) -> onnx.ModelProto:
        """The finished model; what no output needs is left out."""
        nodes = _needed_nodes(self.nodes, [output.name for output in outputs])
        used = {value for node in nodes for value in node.input} | {output.name for output in outputs}
        constants = [numpy_helper.from_array(c, n) for n, c in self.constants.items() if n in used]
        graph = helper.make_graph(nodes, name, inputs, outputs, constants)
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR_VERSION,
            producer_name="mindvideo",
            producer_version=__version__,
        )

    def _name(self, operator: str) -> str:
        stem = f"{self.place}/{operator}" if self.place else operator
        self._counts[stem] += 1
        count = self._counts[stem]
        return stem if count == 1 else f"{stem}_{count}"

    def _name_of(self, operand: Operand, name: str) -> str:
        if operand is None:
            return ""
        return operand if isinstance(operand, str) else self.parameter(name, operand)


def _needed_nodes(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[onnx.NodeProto]:
    """The nodes that outputs depend on, in order."""
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]

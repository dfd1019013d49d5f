"""Values that the operators' translations take and give: tensors of the graph being written, and constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.export.mindir import Node, Spec
from core.export.writer import Operand, Writer


@dataclass(frozen=True)
class Value:
    """A tensor of the ONNX graph."""

    name: str
    spec: Spec


Argument = Any
"""A `Value`, an array, a number, a text, None, or a tuple of arguments."""
Translation = Callable[..., Any]
"""``(writer, node, *arguments)`` -> the result's name, the names of several results, or an argument for others."""
Table = dict[str, Translation]
"""MindSpore's name of the operator to the function that writes it."""


def operand(argument: Argument, dtype: np.dtype[Any] | None = None) -> Operand:
    """What the writer takes: a tensor's name, or a constant, which is made of this type."""
    if isinstance(argument, Value):
        return argument.name
    return None if argument is None else np.asarray(argument, dtype)


def tensor_type(*arguments: Argument) -> np.dtype[Any]:
    """The type that operands of one operation share: that of the tensors among them, which numbers follow."""
    for argument in arguments:
        if isinstance(argument, Value):
            return argument.spec.dtype
    return next(a.dtype for a in arguments if isinstance(a, np.ndarray))


def integers(argument: Argument) -> list[int]:
    """A constant that is a number or several as a list."""
    return [int(item) for item in np.atleast_1d(np.asarray(argument)).ravel()]


def constant_shape(node: Node) -> np.ndarray:
    """The shape of a node's result, as ONNX's operators take it."""
    return np.asarray(node.specs[0].shape, np.int64)


__all__ = ["Argument", "Node", "Table", "Translation", "Value", "Writer"]

"""Operators that work element by element."""

from __future__ import annotations

from functools import partial

import numpy as np
from onnx import helper

from core.export.values import Argument, Node, Table, Writer, operand, tensor_type

_DIRECT = {
    "Abs": "Abs",
    "Add": "Add",
    "Adds": "Add",
    "Ceil": "Ceil",
    "Cos": "Cos",
    "Div": "Div",
    "Divs": "Div",
    "Equal": "Equal",
    "Erf": "Erf",
    "Exp": "Exp",
    "Floor": "Floor",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "IsNan": "IsNaN",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Log": "Log",
    "LogicalAnd": "And",
    "LogicalNot": "Not",
    "LogicalOr": "Or",
    "Maximum": "Max",
    "Minimum": "Min",
    "Mul": "Mul",
    "Muls": "Mul",
    "Neg": "Neg",
    "Pow": "Pow",
    "RealDiv": "Div",
    "ReLU": "Relu",
    "Reciprocal": "Reciprocal",
    "Sigmoid": "Sigmoid",
    "Sign": "Sign",
    "Sin": "Sin",
    "Softplus": "Softplus",
    "Sqrt": "Sqrt",
    "Sub": "Sub",
    "Subs": "Sub",
    "Tanh": "Tanh",
}
"""Operators whose counterpart takes the same operands."""
_COMPARISONS = ("Equal", "Greater", "GreaterEqual", "Less", "LessEqual")
"""Comparisons that have another name where one operand is a number."""


def _direct(counterpart: str, write: Writer, node: Node, *arguments: Argument) -> str:
    dtype = tensor_type(*arguments)
    return write(counterpart, *(operand(argument, dtype) for argument in arguments))


def _round(write: Writer, node: Node, x: Argument, decimals: int = 0) -> str:
    """Round to whole numbers, halves to the even one."""
    if decimals:
        raise NotImplementedError("rounding to decimals")
    return write("Round", operand(x))


def _square(write: Writer, node: Node, x: Argument) -> str:
    return write("Mul", operand(x), operand(x))


def _rsqrt(write: Writer, node: Node, x: Argument) -> str:
    return write("Reciprocal", write("Sqrt", operand(x)))


def _clamp(write: Writer, node: Node, x: Argument, low: Argument = None, high: Argument = None) -> str:
    dtype = tensor_type(x)
    return write("Clip", operand(x), operand(low, dtype), operand(high, dtype))


def _select(write: Writer, node: Node, condition: Argument, x: Argument, y: Argument) -> str:
    dtype = node.specs[0].dtype
    return write("Where", operand(condition), operand(x, dtype), operand(y, dtype))


def _cast(write: Writer, node: Node, x: Argument, dtype: Argument = None) -> str:
    return write("Cast", operand(x), to=helper.np_dtype_to_tensor_dtype(node.specs[0].dtype))


def _xlogy(write: Writer, node: Node, x: Argument, y: Argument) -> str:
    """x log(y), and 0 where x is 0."""
    dtype = tensor_type(x, y)
    product = write("Mul", operand(x, dtype), write("Log", operand(y, dtype)))
    nothing = write("Equal", operand(x, dtype), np.zeros((), dtype))
    return write("Where", nothing, np.zeros((), dtype), product)


def _log1p(write: Writer, node: Node, x: Argument) -> str:
    """log(1 + x), as log(u) x / (u - 1) with u = 1 + x, in which the rounding of u cancels."""
    one = np.ones((), tensor_type(x))
    u = write("Add", operand(x), one)
    exact = write("Div", write("Mul", write("Log", u), operand(x)), write("Sub", u, one))
    return write("Where", write("Equal", u, one), operand(x), exact)


def _expm1(write: Writer, node: Node, x: Argument) -> str:
    """exp(x) - 1; up to 1/2 as 2 t / (1 - t) with t = tanh(x/2), which loses nothing near zero."""
    dtype = tensor_type(x)
    one, half = np.ones((), dtype), np.asarray(0.5, dtype)
    t = write("Tanh", write("Mul", operand(x), half))
    near = write("Div", write("Add", t, t), write("Sub", one, t))
    far = write("Sub", write("Exp", operand(x)), one)
    return write("Where", write("Less", operand(x), half), near, far)


def _is_finite(write: Writer, node: Node, x: Argument) -> str:
    return write("Less", write("Abs", operand(x)), np.asarray(np.inf, tensor_type(x)))


_ERFC = (
    *(-1.26551223, 1.00002368, 0.37409196, 0.0967841895, -0.186288062),
    *(0.278868085, -1.135204, 1.48851589, -0.822152234, 0.170872778),
)
"""log(erfc(x) exp(x²) / t) as a polynomial of t = 1 / (1 + x/2), x from 0 on, to 1e-7 (Chebyshev nodes)."""


def _erfc(write: Writer, node: Node, x: Argument) -> str:
    """1 - erf(x) without loss where it is small: by a fit for positive x, the rest by symmetry."""
    dtype = tensor_type(x)
    one, two, half = (np.asarray(number, dtype) for number in (1, 2, 0.5))
    distance = write("Abs", operand(x))
    t = write("Reciprocal", write("Add", write("Mul", distance, half), one))
    value: str | np.ndarray = np.asarray(_ERFC[-1], dtype)
    for coefficient in _ERFC[-2::-1]:
        value = write("Add", write("Mul", value, t), np.asarray(coefficient, dtype))
    exponent = write("Sub", value, write("Mul", distance, distance))
    right = write("Mul", t, write("Exp", exponent))
    return write("Where", write("Less", operand(x), np.zeros((), dtype)), write("Sub", two, right), right)


def _zeros_like(write: Writer, node: Node, x: Argument) -> str:
    return _fill(write, x, 0.0, node)


def _ones_like(write: Writer, node: Node, x: Argument) -> str:
    return _fill(write, x, 1.0, node)


def _fill(write: Writer, x: Argument, value: float, node: Node) -> str:
    return write("Expand", np.asarray(value, node.specs[0].dtype), write("Shape", operand(x)))


TABLE: Table = {
    **{name: partial(_direct, counterpart) for name, counterpart in _DIRECT.items()},
    **{f"{name}Scalar": partial(_direct, _DIRECT[name]) for name in _COMPARISONS},
    "Cast": _cast,
    "ClampScalar": _clamp,
    "ClampTensor": _clamp,
    "Erfc": _erfc,
    "Expm1": _expm1,
    "IsFinite": _is_finite,
    "Log1p": _log1p,
    "OnesLike": _ones_like,
    "Round": _round,
    "Rsqrt": _rsqrt,
    "Select": _select,
    "Square": _square,
    "Xlogy": _xlogy,
    "ZerosLike": _zeros_like,
}

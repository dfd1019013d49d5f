"""One function of the library of kernels as a MindSpore operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mindspore as ms
from mindspore import ops

from core import backend


def operator(
    name: str,
    results: int = 1,
    bprop: Callable | None = None,
    takes_low: bool = False,
    gives_low: bool = False,
    **attributes: Any,
) -> ops.Custom:
    """The function of this name, which also infers its results' shapes.

    All tensors are float32, or the first one bfloat16 that it ``takes_low``, and the result that it ``gives_low``.
    ``bprop`` gives the inputs' gradients from inputs, result and the result's gradient. Attributes that are None are
    left out. Raises ValueError where the library is not in use; the operator raises TypeError for other types,
    RuntimeError for shapes that do not fit each other.
    """
    kernels = backend.current().kernels
    if kernels is None:
        raise ValueError("The library of kernels is not in use: build this under a Backend that has it.")
    dtype = _types(
        results, ms.bfloat16 if takes_low else ms.float32, ms.bfloat16 if gives_low else ms.float32
    )
    made = ops.Custom(f"{kernels.path}:{name}", out_dtype=dtype, func_type="aot", bprop=bprop)
    made.add_prim_attr("reg_op_name", name)  # MindSpore asks for it when it has the library infer shapes
    if results > 1:
        made.add_prim_attr("multi_output", True)
    for key, value in attributes.items():
        if value is not None:
            made.add_prim_attr(key, value)
    return made


def _types(results: int, first: ms.Type, result: ms.Type) -> Callable[..., ms.Type | tuple[ms.Type, ...]]:
    """A function that gives the types of the results, from the inputs' types."""

    def types(*given: ms.Type) -> ms.Type | tuple[ms.Type, ...]:
        _require(given[:1], first)
        _require(given[1:], ms.float32)
        return result if results == 1 else (result,) * results

    return types


def _require(given: Sequence[ms.Type], wanted: ms.Type) -> None:
    if any(dtype not in (wanted, ms.TensorType(wanted)) for dtype in given):
        raise TypeError(f"These kernels are for {str(wanted).lower()}, not {', '.join(map(str, given))}.")

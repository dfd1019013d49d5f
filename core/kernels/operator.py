"""One function of the library of kernels as a MindSpore operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mindspore as ms
from mindspore import ops

from core import backend


def operator(name: str, results: int = 1, bprop: Callable | None = None, **attributes: Any) -> ops.Custom:
    """The function of this name, float32 throughout, which also infers its results' shapes.

    ``bprop`` gives the inputs' gradients from inputs, result and the result's gradient. Attributes that are None are
    left out. Raises ValueError where the library is not in use; the operator raises TypeError for other types than
    float32, RuntimeError for shapes that do not fit each other.
    """
    kernels = backend.current().kernels
    if kernels is None:
        raise ValueError("The library of kernels is not in use: build this under a Backend that has it.")
    dtype = _float32 if results == 1 else _float32_twice
    made = ops.Custom(f"{kernels.path}:{name}", out_dtype=dtype, func_type="aot", bprop=bprop)
    made.add_prim_attr("reg_op_name", name)  # MindSpore asks for it when it has the library infer shapes
    if results > 1:
        made.add_prim_attr("multi_output", True)
    for key, value in attributes.items():
        if value is not None:
            made.add_prim_attr(key, value)
    return made


def _float32(*dtypes: ms.Type) -> ms.Type:
    """The result's type."""
    if any(dtype not in (ms.float32, ms.TensorType(ms.float32)) for dtype in dtypes):
        raise TypeError(f"These kernels are for float32, not {', '.join(map(str, dtypes))}.")
    return ms.float32


def _float32_twice(*dtypes: ms.Type) -> tuple[ms.Type, ms.Type]:
    return _float32(*dtypes), ms.float32

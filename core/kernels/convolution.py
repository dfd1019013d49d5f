"""Convolution and transposed convolution by the kernels of `core.kernels.library`, with first-order gradients.

All tensors are float32; sizes may be unknown until the cells run. A result's bits do not depend on the threads used.
"""

from __future__ import annotations

from collections.abc import Callable

import mindspore as ms
from mindspore import Tensor, nn, ops

from core.kernels import library

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]


class _Operators(nn.Cell):
    """An operator of the library with its gradients."""

    def __init__(self, name: str, stride: Pair, padding: Padding, dilation: Pair, groups: int) -> None:
        super().__init__()
        if min(*stride, *dilation, groups) < 1 or min(padding[0], padding[2]) < 0:
            raise ValueError(
                f"There is no convolution with stride={stride}, padding={padding}, dilation={dilation}, "
                f"groups={groups}: stride, dilation and groups must be positive, padding at the top and left not "
                "negative."
            )
        geometry = (*stride, *dilation, *padding, groups)
        self.forward_pass = _operator(name, geometry, _float32)
        self.input_gradient = _operator(f"{name}InputGradient", geometry, _float32)
        self.weights_gradient = _operator(f"{name}WeightsGradient", geometry, _float32_twice)
        self.weights_gradient.add_prim_attr("multi_output", True)

    def construct(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return self.forward_pass(x, weight, bias)

    def bprop(
        self, x: Tensor, weight: Tensor, bias: Tensor, out: Tensor, dout: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of x, weight and bias."""
        of_weight, of_bias = self.weights_gradient(x, dout, weight)
        return self.input_gradient(dout, weight, x), of_weight, of_bias


class Convolution(_Operators):
    """Convolution: x N,in,H,W, weight out,in/groups,kh,kw and bias out -> N,out,H',W'.

    H' is (H + top + bottom - dilation*(kh - 1) - 1) // stride + 1.

    Args:
        stride: between results, down and across.
        padding: zeros at the top, bottom, left and right.
        dilation: distance of the kernel's taps, down and across.
        groups: parts of the channels that are convolved apart.

    Raises ValueError for settings that are not possible and where the library is not in use, TypeError for other types
    than float32, RuntimeError for shapes that do not fit.
    """

    def __init__(
        self, stride: Pair = (1, 1), padding: Padding = (0, 0, 0, 0), dilation: Pair = (1, 1), groups: int = 1
    ) -> None:
        super().__init__("Convolution", stride, padding, dilation, groups)


class TransposedConvolution(_Operators):
    """Transposed convolution: x N,in,H,W, weight in,out/groups,kh,kw and bias out -> N,out,H',W'.

    H' is (H - 1)*stride + dilation*(kh - 1) + 1 - top - bottom; less at the bottom and right than at the top and left
    is PyTorch's ``output_padding``. Arguments and errors are those of `Convolution`.
    """

    def __init__(
        self, stride: Pair = (1, 1), padding: Padding = (0, 0, 0, 0), dilation: Pair = (1, 1), groups: int = 1
    ) -> None:
        super().__init__("TransposedConvolution", stride, padding, dilation, groups)


def _operator(name: str, geometry: tuple[int, ...], dtype: Callable) -> ops.Custom:
    """One function of the library, which also infers its results' shapes."""
    path = library.in_use()
    if path is None:
        raise ValueError("The library of kernels is not in use: call core.kernels.library.use first.")
    operator = ops.Custom(f"{path}:{name}", out_dtype=dtype, func_type="aot")
    operator.add_prim_attr("reg_op_name", name)  # MindSpore asks for it when it has the library infer shapes
    operator.add_prim_attr("geometry", geometry)
    return operator


def _float32(*dtypes: ms.Type) -> ms.Type:
    """The result's type."""
    if any(dtype not in (ms.float32, ms.TensorType(ms.float32)) for dtype in dtypes):
        raise TypeError(f"These convolutions are for float32, not {', '.join(map(str, dtypes))}.")
    return ms.float32


def _float32_twice(*dtypes: ms.Type) -> tuple[ms.Type, ms.Type]:
    return _float32(*dtypes), ms.float32

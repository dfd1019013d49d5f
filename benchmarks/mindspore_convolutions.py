"""Cells for `kernels.py`: a convolution with weights as inputs, and each of its gradients alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mindspore import Tensor, nn, ops

from core.kernels.convolution import Convolution, TransposedConvolution

if TYPE_CHECKING:
    from kernels import Case


def ours(case: Case) -> nn.Cell:
    """With our kernels."""
    before, after = case.padding
    kind = TransposedConvolution if case.transposed else Convolution
    padding = (before, after, before, after)
    return kind((case.stride,) * 2, padding, (case.dilation,) * 2, case.groups)


def built_in(case: Case) -> nn.Cell:
    """With MindSpore's own."""
    return _BuiltInTransposed(case) if case.transposed else _BuiltIn(case)


class _BuiltIn(nn.Cell):
    def __init__(self, case: Case) -> None:
        super().__init__()
        settings = {"stride": case.stride, "dilation": case.dilation, "group": case.groups}
        pad = case.padding * 2
        self.convolution = ops.Conv2D(case.outputs, case.kernel, pad_mode="pad", pad=pad, **settings)
        self.bias_add = ops.BiasAdd()

    def construct(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return self.bias_add(self.convolution(x, weight), bias)


class _BuiltInTransposed(nn.Cell):
    def __init__(self, case: Case) -> None:
        super().__init__()
        self.size = (1, case.outputs, case.stride * case.size, case.stride * case.size)
        self.convolution = ops.Conv2DTranspose(
            case.inputs, case.kernel, pad_mode="pad", pad=case.padding * 2, stride=case.stride
        )
        self.bias_add = ops.BiasAdd()

    def construct(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return self.bias_add(self.convolution(x, weight, self.size), bias)


class Forward(nn.Cell):
    """Results for several pictures."""

    def __init__(self, convolution: nn.Cell) -> None:
        super().__init__()
        self.convolution = convolution

    def construct(self, weight: Tensor, bias: Tensor, *xs: Tensor) -> tuple[Tensor, ...]:
        results = ()
        for x in xs:
            results = results + (self.convolution(x, weight, bias),)
        return results


class InputGradient(nn.Cell):
    """Gradients of several pictures, given all the pictures, then a gradient of each result.

    The compiler leaves out what they do not need.
    """

    def __init__(self, convolution: nn.Cell) -> None:
        super().__init__()
        self.convolution = convolution
        self.gradient = ops.GradOperation(get_all=True, sens_param=True)

    def construct(self, weight: Tensor, bias: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        results = ()
        count = len(tensors) // 2
        for i in range(count):
            gradients = self.gradient(self.convolution)(tensors[i], weight, bias, tensors[count + i])
            results = results + (gradients[0],)
        return results


class WeightsGradient(InputGradient):
    """Gradients of weight and bias for several pictures."""

    def construct(self, weight: Tensor, bias: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        results = ()
        count = len(tensors) // 2
        for i in range(count):
            gradients = self.gradient(self.convolution)(tensors[i], weight, bias, tensors[count + i])
            results = results + (gradients[1], gradients[2])
        return results


PASSES = (Forward, InputGradient, WeightsGradient)

"""Convolutions by MindSpore: cells with weights as inputs, and each of their gradients alone."""

from __future__ import annotations

import os

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from benchmarks import machine
from benchmarks.convolutions.cases import Call, Case, Tensors
from core.backend import Backend
from core.kernels import library
from core.kernels.convolution import Convolution, TransposedConvolution


class Implementation:
    """Compiled cells of one convolution, with MindSpore's own kernels or ours."""

    def __init__(self, threads: int, kernels: str) -> None:
        ms.set_context(mode=ms.GRAPH_MODE)
        if threads < machine.cores():  # as many as there are cores slow MindSpore down to a half
            ms.runtime.dispatch_threads_num(threads)
        self.backend = Backend(library.start(threads) if kernels == "ours" else None)

    def calls(self, case: Case) -> list[Call]:
        """Forward, gradient of the input, gradients of weight and bias; a graph's results are there on return."""
        pictures, weight, bias, douts = case.arrays()
        xs, dys = ([Tensor(array) for array in arrays] for arrays in (pictures, douts))
        weight, bias = Tensor(weight), Tensor(bias)
        with self.backend:
            convolution = ours(case) if self.backend.kernels else built_in(case)
        forward, to_input, to_weights = (kind(convolution) for kind in PASSES)
        return [
            lambda: forward(weight, bias, *xs),
            lambda: to_input(weight, bias, *xs, *dys),
            lambda: to_weights(weight, bias, *xs, *dys),
        ]

    @staticmethod
    def numpy(results: Tensors) -> list[np.ndarray]:
        return [result.asnumpy() for result in results]


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

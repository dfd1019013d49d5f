"""Convolution and transposed convolution by the kernels of `core.kernels.library`, with first-order gradients.

All tensors are float32, unless `Low` says otherwise; sizes may be unknown until the cells run. A result's bits do not
depend on the threads used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import ClassVar

from mindspore import Tensor, nn

from core.kernels.operator import operator

Pair = tuple[int, int]
Padding = tuple[int, int, int, int]


@dataclass(frozen=True)
class Low:
    """The tensors of a convolution that are bfloat16; it has no gradients then."""

    multiplies: bool = True
    takes: bool = False
    gives: bool = False


FULL = Low(multiplies=False)
"""Float32 throughout."""


def low_between(takes_low: bool, gives_low: bool) -> Low:
    """The types of a convolution between others: where no neighbour hands bfloat16 on, it stays in float32."""
    return Low(takes=takes_low, gives=gives_low) if takes_low or gives_low else FULL


class _Operators(nn.Cell):
    """An operator of the library with its gradients.

    The gradients belong to the operator, not to this cell: in a training step that also assigns something, MindSpore
    copies every parameter that a cell with a ``bprop`` takes.
    """

    _name: ClassVar[str]
    """Name of the operator; those of its gradients begin with it."""

    def __init__(
        self,
        stride: Pair = (1, 1),
        padding: Padding = (0, 0, 0, 0),
        dilation: Pair = (1, 1),
        groups: int = 1,
        slope: float | None = None,
        channels_last: bool = False,
        low: Low = FULL,
    ) -> None:
        super().__init__()
        if min(*stride, *dilation, groups) < 1 or min(padding[0], padding[2]) < 0:
            raise ValueError(
                f"There is no convolution with stride={stride}, padding={padding}, dilation={dilation}, "
                f"groups={groups}: stride, dilation and groups must be positive, padding at the top and left not "
                "negative."
            )
        geometry = (*stride, *dilation, *padding, groups, int(channels_last))
        forward = (*geometry, int(slope is not None))
        gradients = _gradients(self._name.removesuffix("Sum"), (*geometry, 0, 0, 0, 0, 0), slope)
        bprop = gradients if not self._name.endswith("Sum") else _with_addend(gradients)
        self.low = low
        self.forward_pass, self.forward_pass_keeping = (
            operator(
                self._name,
                bprop=None if low.multiplies else bprop,
                takes_low=low.takes,
                gives_low=low.gives,
                geometry=(*forward, keeps, *map(int, astuple(low))),
                slope=slope,
            )
            for keeps in (0, 1)
        )

    def construct(self, *inputs: Tensor) -> Tensor:
        # Where nothing is trained, the library keeps its copy of the weights for the next call.
        return self.forward_pass(*inputs) if self.training else self.forward_pass_keeping(*inputs)


def _gradients(name: str, geometry: tuple[int, ...], slope: float | None) -> Callable:
    """The gradients of x, weight and bias of the operator of this name, whose activation has this slope."""
    input_gradient = operator(f"{name}InputGradient", geometry=geometry)
    weights_gradient = operator(f"{name}WeightsGradient", results=2, geometry=geometry)

    def gradients(x: Tensor, weight: Tensor, bias: Tensor, out: Tensor, dout: Tensor) -> tuple[Tensor, ...]:
        of_weights = weights_gradient(x, dout, weight)
        return input_gradient(dout, weight, x), of_weights[0], of_weights[1]

    if slope is None:
        return gradients
    rectifier_gradient = operator("RectifierGradient", slope=slope)

    def of_activated(
        x: Tensor, weight: Tensor, bias: Tensor, out: Tensor, dout: Tensor
    ) -> tuple[Tensor, ...]:
        return gradients(x, weight, bias, out, rectifier_gradient(dout, out))

    return of_activated


def _with_addend(gradients: Callable) -> Callable:
    def of_sum(
        x: Tensor, weight: Tensor, bias: Tensor, addend: Tensor, out: Tensor, dout: Tensor
    ) -> tuple[Tensor, ...]:
        return gradients(x, weight, bias, out, dout) + (dout,)

    return of_sum


class Convolution(_Operators):
    """Convolution, ``construct(x, weight, bias)``: x N,in,H,W, weight out,in/groups,kh,kw and bias out -> N,out,H',W'.

    H' is (H + top + bottom - dilation*(kh - 1) - 1) // stride + 1.

    Args:
        stride: between results, down and across.
        padding: zeros at the top, bottom, left and right.
        dilation: distance of the kernel's taps, down and across.
        groups: parts of the channels that are convolved apart.
        slope: applies a ReLU with this slope (0 or more) below zero to the result; None applies nothing.
        channels_last: x and the result are N,H,W,C. Convolutions that follow each other so hand on their results
            without a copy.
        low: what of it is bfloat16.

    Raises ValueError for settings that are not possible and where the library is not in use, TypeError for other types
    of tensors, RuntimeError for shapes that do not fit.
    """

    _name = "Convolution"


class ConvolutionSum(_Operators):
    """`Convolution` plus an addend of the result's shape, channels last: ``construct(x, weight, bias, addend)``."""

    _name = "ConvolutionSum"

    def __init__(self, stride: Pair = (1, 1), padding: Padding = (0, 0, 0, 0), low: Low = FULL) -> None:
        super().__init__(stride, padding, channels_last=True, low=low)


class TransposedConvolution(_Operators):
    """Transposed convolution, with the arguments of `Convolution` but weight in,out/groups,kh,kw: -> N,out,H',W'.

    H' is (H - 1)*stride + dilation*(kh - 1) + 1 - top - bottom; less at the bottom and right than at the top and left
    is PyTorch's ``output_padding``. Arguments and errors are those of `Convolution`.
    """

    _name = "TransposedConvolution"

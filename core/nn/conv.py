"""Convolutions with PyTorch's padding and initialisation: the one place where a network gets its kernels from.

Weights have PyTorch's layout (out, in, kh, kw; transposed: in, out, kh, kw), so checkpoints map one to one.
"""

from __future__ import annotations

import math

import mindspore as ms
from mindspore import Tensor, mint, nn, ops
from mindspore.common.initializer import HeUniform, Uniform

from core import backend
from core.kernels.convolution import Convolution, TransposedConvolution, low_between
from core.nn.activation import LEAKY_SLOPE, LeakyReLU
from core.nn.subpixel import MAX_OUTPUTS, SubpixelConvolution

Size = int | tuple[int, int]
"""Size of a kernel, a stride or the like: one number for both, or height and width."""


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


class Conv2d(nn.Conv2d):
    """Convolution with bias and zero padding of half the kernel: N,in,H,W -> N,out,H/stride,W/stride (rounded up).

    ``groups`` parts of the channels are convolved apart; without ``bias`` nothing is added. Weights start as PyTorch's
    do: uniform in ±1/sqrt(fan-in), weight and bias alike. In mixed precision (`core.nn.precision`) it computes in the
    lower type and gives float32, or, after `stay_low`, the lower type.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: Size = 3,
        stride: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        kernel_height, kernel_width = _pair(kernel)
        bound = 1 / math.sqrt(in_channels // groups * kernel_height * kernel_width)
        pad_y, pad_x = kernel_height // 2, kernel_width // 2
        padding = (pad_y, pad_y, pad_x, pad_x)
        super().__init__(
            in_channels,
            out_channels,
            (kernel_height, kernel_width),
            stride=_pair(stride),
            pad_mode="pad",
            padding=padding,
            group=groups,
            has_bias=bias,
            weight_init=HeUniform(math.sqrt(5)),
            bias_init=Uniform(bound),
        )
        if not bias:
            self.bias = ops.zeros(out_channels)
        current = backend.current()
        self.convolution = Convolution(_pair(stride), padding, groups=groups) if current.kernels else None
        self.on_ascend, self.margins = current.target == "Ascend", (pad_y, pad_x)
        self.low, self.stays_low = current.low, False

    def stay_low(self) -> None:
        """Give what was computed in a lower type as it is from now on, for a convolution that takes it so."""
        self.stays_low = True

    def fuse(
        self, slope: float | None, channels_last: bool, takes_low: bool = False, gives_low: bool = False
    ) -> bool:
        """Apply a ReLU of this slope too from now on, and take and give N,H,W,C where asked; needs our kernels.

        It may take bfloat16, and gives it where that is asked for and the backend computes in it; returns whether.
        """
        low = low_between(takes_low, gives_low and self.low is ms.bfloat16)
        self.convolution = Convolution(
            self.stride, self.padding, groups=self.group, slope=slope, channels_last=channels_last, low=low
        )
        return low.gives

    def construct(self, x: Tensor) -> Tensor:
        return self.convolve(x, self.weight, self.bias)

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """This convolution with other weights."""
        if self.convolution is not None:
            return self.convolution(x, weight, bias)
        if self.low is None:
            return self._convolve(x, weight, bias)
        made = self._convolve(x.astype(self.low), weight.astype(self.low), bias.astype(self.low))
        return made if self.stays_low else made.astype(ms.float32)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Convolve by MindSpore's operators: on Ascend by the one that adds the bias, and is not compiled first."""
        if self.on_ascend:
            return mint.nn.functional.conv2d(x, weight, bias, self.stride, self.margins, groups=self.group)
        return self.bias_add(self.conv2d(x, weight), bias)


class ConvTranspose2d(nn.Conv2dTranspose):
    """Transposed convolution that enlarges each side by exactly its stride: N,in,H,W -> N,out,stride*H,stride*W.

    Equals PyTorch's with ``padding=kernel//2`` and the ``output_padding`` that this size needs. That is
    expressed as less padding at the bottom and right: ``same`` is shifted by a pixel, and MindSpore's own
    ``output_padding`` appends zeros where PyTorch computes the last row and column.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: Size = 3, stride: Size = 2) -> None:
        kernel_height, kernel_width = _pair(kernel)
        stride_y, stride_x = _pair(stride)
        top, left = kernel_height // 2, kernel_width // 2
        padding = (top, kernel_height - stride_y - top, left, kernel_width - stride_x - left)
        bound = 1 / math.sqrt(out_channels * kernel_height * kernel_width)
        super().__init__(
            in_channels,
            out_channels,
            (kernel_height, kernel_width),
            stride=(stride_y, stride_x),
            pad_mode="pad",
            padding=padding,
            has_bias=True,
            weight_init=Uniform(bound),
            bias_init=Uniform(bound),
        )
        current = backend.current()
        self.low, self.stays_low = current.low, False
        self.convolution: nn.Cell | None = None
        if current.kernels:
            self.fuse(slope=None, channels_last=False)
        # What is added at the bottom and right must be less than the stride there, as it is for odd kernels.
        self.on_ascend = current.target == "Ascend" and kernel_height % 2 == 1 and kernel_width % 2 == 1
        self.margins, self.added = (top, left), (stride_y - 1, stride_x - 1)

    def stay_low(self) -> None:
        """See `Conv2d.stay_low`."""
        self.stays_low = True

    def fuse(
        self, slope: float | None, channels_last: bool, takes_low: bool = False, gives_low: bool = False
    ) -> bool:
        """See `Conv2d.fuse`."""
        low = low_between(takes_low, gives_low and self.low is ms.bfloat16)
        if slope is None and self.out_channels * math.prod(self.stride) <= MAX_OUTPUTS:
            low = low_between(takes_low, gives_low=False)
            self.convolution = SubpixelConvolution(self.kernel_size, self.stride, channels_last, low)
        else:
            self.convolution = TransposedConvolution(
                self.stride, self.padding, slope=slope, channels_last=channels_last, low=low
            )
        return low.gives

    def construct(self, x: Tensor) -> Tensor:
        if self.convolution is not None:
            return self.convolution(x, self.weight, self.bias)
        if self.low is None:
            return self._convolve(x, self.weight, self.bias)
        made = self._convolve(x.astype(self.low), self.weight.astype(self.low), self.bias.astype(self.low))
        return made if self.stays_low else made.astype(ms.float32)

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """See `Conv2d._convolve`."""
        if self.on_ascend:
            return mint.nn.functional.conv_transpose2d(x, weight, bias, self.stride, self.margins, self.added)
        batch, _, height, width = x.shape
        size = (batch, self.out_channels, height * self.stride[0], width * self.stride[1])
        return self.bias_add(self.conv2d_transpose(x, weight, size), bias)


class LeakyConv2d(Conv2d):
    """Convolution followed by LeakyReLU."""

    def __init__(self, in_channels: int, out_channels: int, kernel: Size = 3, stride: Size = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride)
        self.leaky = LeakyReLU(LEAKY_SLOPE)
        if backend.current().kernels:
            self.fuse(LEAKY_SLOPE, channels_last=False)

    def construct(self, x: Tensor) -> Tensor:
        made = super().construct(x)
        return self.leaky(made) if self.convolution is None else made


class ConcatConv1x1(Conv2d):
    """A 1x1 convolution of ``entries`` concatenated features, computed one entry at a time.

    ``sum(part(x_i, i))`` equals the convolution of the concatenation up to rounding, and no more than one
    entry has to be in memory.
    """

    def __init__(self, features: int, entries: int, out_channels: int) -> None:
        super().__init__(features * entries, out_channels, 1)
        self.features = features
        self.no_bias = ops.zeros_like(self.bias)

    def part(self, x: Tensor, index: int) -> Tensor:
        """What entry ``index`` adds, N,out,H,W; the bias comes with entry 0."""
        start = index * self.features
        weight = self.weight[:, start : start + self.features]
        bias = self.bias if index == 0 else self.no_bias
        return self.convolve(x, weight, bias)

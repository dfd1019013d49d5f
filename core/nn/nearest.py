"""Enlargement by repetition, followed by a convolution: what leaves no checkerboard (Odena et al., Distill 2016)."""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

from core import backend
from core.kernels.convolution import TransposedConvolution, low_between
from core.nn.conv import Conv2d
from core.nn.subpixel import MAX_OUTPUTS, SubpixelConvolution

FACTOR = 2
"""Factor of height and width."""


def repeat_pixels(x: Tensor) -> Tensor:
    """Nearest-neighbour enlargement: N,C,H,W -> N,C,2H,2W."""
    batch, channels, height, width = x.shape
    rows = ops.tile(x.expand_dims(3), (1, 1, 1, FACTOR, 1))
    rows = rows.reshape(batch, channels, FACTOR * height, width, 1)
    return ops.tile(rows, (1, 1, 1, 1, FACTOR)).reshape(batch, channels, FACTOR * height, FACTOR * width)


class NearestConv2d(Conv2d):
    """`repeat_pixels`, then a convolution of stride 1 with an odd kernel: N,in,H,W -> N,out,2H,2W.

    Our kernels compute both at once, as the transposed convolution whose kernel is this one smeared over 2x2 pixels:
    fewer than half of the products, and nothing enlarged in memory.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__(in_channels, out_channels, kernel)
        self.at_once: nn.Cell | None = None
        self.smear: Tensor | None = None
        if backend.current().kernels:
            self.fuse(None, channels_last=False)

    def fuse(
        self, slope: float | None, channels_last: bool, takes_low: bool = False, gives_low: bool = False
    ) -> bool:
        """See `core.nn.conv.Conv2d.fuse`."""
        low = low_between(takes_low, gives_low and self.low is ms.bfloat16)
        kernel, half = self.kernel_size[0], self.kernel_size[0] // 2
        self.side = kernel + 1
        if slope is None and self.out_channels * FACTOR**2 <= MAX_OUTPUTS:
            # A kernel with a leading zero has the geometry that this form is made for.
            self.side = kernel + 2
            self.smear = Tensor(_smear(kernel, 1))
            low = low_between(takes_low, gives_low=False)
            self.at_once = SubpixelConvolution((self.side, self.side), (FACTOR, FACTOR), channels_last, low)
        else:
            self.smear = Tensor(_smear(kernel, 0))
            self.at_once = TransposedConvolution(
                (FACTOR, FACTOR), (half, half, half, half), slope=slope, channels_last=channels_last, low=low
            )
        return low.gives

    def construct(self, x: Tensor) -> Tensor:
        if self.at_once is None:
            return self.convolve(repeat_pixels(x), self.weight, self.bias)
        return self.at_once(x, self._smear(), self.bias)

    def _smear(self) -> Tensor:
        """The transposed convolution's weights: in,out,…."""
        outputs, inputs, kernel, _ = self.weight.shape
        taps = ops.matmul(self.weight.reshape(outputs * inputs, kernel * kernel), self.smear)
        return ops.transpose(taps.reshape(outputs, inputs, self.side, self.side), (1, 0, 2, 3))


def _smear(kernel: int, leading: int) -> np.ndarray:
    """The taps of a flipped kernel that each tap of the smeared one sums up: (kernel², (kernel + 1 + leading)²)."""
    line = np.zeros((kernel, kernel + 1 + leading), np.float32)
    for tap in range(kernel):
        line[tap, leading + kernel - 1 - tap : leading + kernel + 1 - tap] = 1
    return np.kron(line, line)

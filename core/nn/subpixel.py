"""Transposed convolutions with few outputs as ordinary ones with an output for every position between two inputs.

oneDNN's kernels compute 16 channels at a time. A transposed convolution to 3 channels wastes most of that; an ordinary
one to 3*4 channels, whose results are then laid side by side (Shi et al. 2016), does not.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

from core.kernels.convolution import FULL, Convolution, Low

MAX_OUTPUTS = 16
"""The form is faster where outputs times positions are no more than this."""

Pair = tuple[int, int]


class PixelShuffle(nn.Cell):
    """Channels laid side by side (Shi et al. 2016): N,C*f*f,H,W -> N,C,f*H,f*W, or channels last after `fuse`."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.channels_last = False

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on."""
        self.channels_last = True

    def construct(self, x: Tensor) -> Tensor:
        factor = self.factor
        if self.channels_last:
            batch, height, width, channels = x.shape
            x = x.reshape(batch, height, width, channels // factor**2, factor, factor)
            x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
            return x.reshape(batch, factor * height, factor * width, channels // factor**2)
        batch, channels, height, width = x.shape
        x = x.reshape(batch, channels // factor**2, factor, factor, height, width)
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
        return x.reshape(batch, channels // factor**2, factor * height, factor * width)


class PixelUnshuffle(nn.Cell):
    """Squares of pixels as channels, the inverse of `PixelShuffle`: N,C,f*H,f*W -> N,C*f*f,H,W."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def construct(self, x: Tensor) -> Tensor:
        return pixel_unshuffle(x, self.factor)


def pixel_unshuffle(x: Tensor, factor: int) -> Tensor:
    """The function of `PixelUnshuffle`."""
    batch, channels, height, width = x.shape
    x = x.reshape(batch, channels, height // factor, factor, width // factor, factor)
    x = ops.transpose(x, (0, 1, 3, 5, 2, 4))
    return x.reshape(batch, channels * factor**2, height // factor, width // factor)


class SubpixelConvolution(nn.Cell):
    """`core.nn.conv.ConvTranspose2d` in this form; needs our kernels.

    ``construct(x, weight, bias)``: x N,in,H,W or, channels last, N,H,W,in; weight in,out,kh,kw; bias out.
    """

    def __init__(self, kernel: Pair, stride: Pair, channels_last: bool, low: Low = FULL) -> None:
        super().__init__()
        (rows, reach_y), (columns, reach_x) = (_taps(k, s) for k, s in zip(kernel, stride, strict=True))
        self.rows, self.columns = Tensor(rows), Tensor(columns)
        self.stride, self.sizes = stride, (2 * reach_y + 1, 2 * reach_x + 1)
        self.channels_last = channels_last
        self.convolution = Convolution(
            (1, 1), (reach_y, reach_y, reach_x, reach_x), channels_last=channels_last, low=low
        )

    def construct(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        outputs, (down, across) = bias.shape[0], self.stride
        repeated = ops.tile(bias.reshape(-1, 1), (1, down * across)).reshape(-1)
        made = self.convolution(x, self._ordinary(weight), repeated)
        if self.channels_last:
            batch, height, width, _ = made.shape
            parts = made.reshape(batch, height, width, outputs, down, across)
            return ops.transpose(parts, (0, 1, 4, 2, 5, 3)).reshape(
                batch, down * height, across * width, outputs
            )
        batch, _, height, width = made.shape
        parts = made.reshape(batch, outputs, down, across, height, width)
        return ops.transpose(parts, (0, 1, 4, 2, 5, 3)).reshape(batch, outputs, down * height, across * width)

    def _ordinary(self, weight: Tensor) -> Tensor:
        """The ordinary convolution's weights, out*positions,in,…."""
        inputs, outputs = weight.shape[:2]
        (down, across), (height, width) = self.stride, self.sizes
        weight = ops.concat((weight, ops.zeros_like(weight[:, :, :1])), 2)
        weight = ops.concat((weight, ops.zeros_like(weight[:, :, :, :1])), 3)
        taps = ops.gather(ops.gather(weight, self.rows, 2), self.columns, 3)
        taps = taps.reshape(inputs, outputs, down, height, across, width)
        return ops.transpose(taps, (1, 2, 4, 0, 3, 5)).reshape(-1, inputs, height, width)


def _taps(kernel: int, stride: int) -> tuple[np.ndarray, int]:
    """The tap that joins every position between two inputs to every neighbour from -reach to reach, or ``kernel``
    where none does; and the reach."""
    padding = kernel // 2
    reach = max(
        abs(position + padding - tap) // stride
        for position in range(stride)
        for tap in range(kernel)
        if (position + padding - tap) % stride == 0
    )
    taps = np.full((stride, 2 * reach + 1), kernel, np.int32)
    for position in range(stride):
        for tap in range(kernel):
            neighbour, rest = divmod(position + padding - tap, stride)
            if rest == 0:
                taps[position, neighbour + reach] = tap
    return taps.ravel(), reach

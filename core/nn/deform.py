"""Modulated deformable convolution (DCNv2), 3x3, stride 1.

By our kernel, by gathering, by grid sampling, or by MindSpore's operator, which MindSpore means to remove.
"""

from __future__ import annotations

import math
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import HeUniform, Uniform, initializer
from mindspore.ops import constexpr

from core import backend
from core.backend import Backend
from core.kernels.convolution import Convolution
from core.kernels.deformable_conv import DeformedColumns
from core.nn.pad import zero_margin

_KERNEL = 3
_TAPS = _KERNEL * _KERNEL
_MARGIN = 2
"""Zero pixels around the picture, so that the four neighbours of every clamped position exist."""


class DeformableConv2d(nn.Cell):
    """3x3 convolution whose taps are displaced and weighted per pixel (DCNv2, stride 1, padding 1).

    Args:
        in_channels, out_channels: channels of the picture and of the result.
        groups: groups of neighbouring input channels that share displacements.
        implementation: ``operator`` is `mindspore.ops.deformable_conv2d`, ``gather`` and ``sampler`` are our own forms
            of it, and ``auto`` is what suits the current device: the sampler on cards; on a processor our kernel where
            kernels are in use, else the gather.

    ``construct(x, offsets, mask)``: ``x`` N,in,H,W; ``offsets`` N,2*groups*9,H,W in pixels, first the
    horizontal ones of every (group, tap), then the vertical ones, taps row by row; ``mask``
    N,groups*9,H,W. Samples are bilinear; each neighbour outside the picture counts 0. Result N,out,H,W.
    After `fuse` all of them have their channels last.
    """

    def __init__(
        self, in_channels: int, out_channels: int, groups: int, implementation: str = "auto"
    ) -> None:
        super().__init__()
        shape = (out_channels, in_channels, _KERNEL, _KERNEL)
        bound = 1 / math.sqrt(in_channels * _TAPS)
        self.weight = Parameter(initializer(HeUniform(math.sqrt(5)), shape), name="weight")
        self.bias = Parameter(initializer(Uniform(bound), (out_channels,)), name="bias")
        self.groups = groups
        current = backend.current()
        self.form = _form(current) if implementation == "auto" else implementation
        self.low = current.low
        self.has_kernel = implementation == "auto" and current.kernels is not None
        if self.has_kernel:
            self.columns, self.mix = DeformedColumns(), Convolution(channels_last=True)
        self.is_fused = False

    def fuse(self) -> bool:
        """Take and give N,H,W,C from now on, if our kernel is what computes; returns whether it does."""
        self.is_fused = self.has_kernel
        return self.is_fused

    def construct(self, x: Tensor, offsets: Tensor, mask: Tensor) -> Tensor:
        if self.is_fused:
            return self._by_kernel(x, offsets, mask)
        if self.has_kernel:
            result = self._by_kernel(_channels_last(x), _channels_last(offsets), _channels_last(mask))
            return ops.transpose(result, (0, 3, 1, 2))
        if self.form == "sampler":
            return deformable_conv2d_by_sampling(
                x, offsets, mask, self.weight, self.bias, self.groups, self.low
            )
        if self.form == "gather":
            return deformable_conv2d_by_gathering(x, offsets, mask, self.weight, self.bias, self.groups)
        return deformable_conv2d_by_operator(x, offsets, mask, self.weight, self.bias, self.groups)

    def _by_kernel(self, x: Tensor, offsets: Tensor, mask: Tensor) -> Tensor:
        """The samples of all taps, then a matrix product."""
        outputs, inputs = self.weight.shape[:2]
        taps = self.weight.reshape(outputs, self.groups, inputs // self.groups, _TAPS).transpose(0, 1, 3, 2)
        return self.mix(self.columns(x, offsets, mask), taps.reshape(outputs, -1, 1, 1), self.bias)


def _channels_last(x: Tensor) -> Tensor:
    return ops.transpose(x, (0, 2, 3, 1))


def _form(current: Backend) -> str:
    """What suits the device: of the operator, Ascend's kernels may not take the layout that MindSpore hands them."""
    if current.portable:
        return "operator"
    return "gather" if current.target == "CPU" else "sampler"


def deformable_conv2d_by_sampling(
    x: Tensor, offsets: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, groups: int, low: Any = None
) -> Tensor:
    """`DeformableConv2d` by MindSpore's grid sampler and a matrix product, which may be of a lower type than float32.

    Groups of channels are made a batch, and taps are rows of the grid. What lies outside counts 0 in the sampler too.
    """
    batch, channels, height, width = x.shape
    across, down = ops.chunk(offsets.reshape(batch, 2, groups * _TAPS, height * width), 2, 1)
    x_at, y_at = _taps_at(height, width)
    shape = (batch * groups, _TAPS * height, width)
    # The sampler has -1 and 1 on the outer edges of the picture, which is so many pixels wide.
    grid = ops.stack(
        (across.reshape(shape) * (2 / width) + x_at, down.reshape(shape) * (2 / height) + y_at), -1
    )
    grouped = x.reshape(batch * groups, channels // groups, height, width)
    samples = ops.grid_sample(grouped, grid, "bilinear", "zeros", align_corners=False)
    samples = samples.reshape(batch, groups, channels // groups, _TAPS, height * width)
    samples = samples * mask.reshape(batch, groups, 1, _TAPS, height * width)
    columns, kernel = (
        samples.reshape(batch, channels * _TAPS, height * width),
        weight.reshape(-1, channels * _TAPS),
    )
    if low is not None:
        columns, kernel = columns.astype(low), kernel.astype(low)
    mixed = ops.matmul(kernel, columns).astype(ms.float32) + bias.reshape(1, -1, 1)
    return mixed.reshape(batch, -1, height, width)


@constexpr
def _taps_at(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where taps lie without displacement, x and y (1,9*H,W), in halves of the picture's width and height from its
    middle."""
    tap = np.arange(_TAPS)[:, None, None]
    x = np.arange(width)[None, None, :] + tap % _KERNEL - 1 + np.zeros((1, height, 1))
    y = np.arange(height)[None, :, None] + tap // _KERNEL - 1 + np.zeros((1, 1, width))
    shape = (1, _TAPS * height, width)
    return (
        Tensor(((2 * x + 1) / width - 1).astype(np.float32).reshape(shape)),
        Tensor(((2 * y + 1) / height - 1).astype(np.float32).reshape(shape)),
    )


def deformable_conv2d_by_operator(
    x: Tensor, offsets: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, groups: int
) -> Tensor:
    """`DeformableConv2d` by MindSpore's operator."""
    return ops.deformable_conv2d(
        x,
        weight,
        ops.concat((offsets, mask), 1),
        (_KERNEL, _KERNEL),
        (1, 1, 1, 1),
        (1, 1, 1, 1),
        bias=bias,
        deformable_groups=groups,
    )


def deformable_conv2d_by_gathering(
    x: Tensor, offsets: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, groups: int
) -> Tensor:
    """`DeformableConv2d` as one gather of 2x2 neighbourhoods, a weighted sum and a matrix product."""
    batch, channels, height, width = x.shape
    samples = _sample(x, offsets, mask, groups)
    columns = samples.reshape(batch * height * width, groups * _TAPS * (channels // groups))
    kernel = weight.reshape(-1, groups, channels // groups, _TAPS).transpose(1, 3, 2, 0)
    pixels = ops.matmul(columns, kernel.reshape(columns.shape[1], -1)) + bias
    return pixels.reshape(batch, height * width, -1).transpose(0, 2, 1).reshape(batch, -1, height, width)


def _sample(x: Tensor, offsets: Tensor, mask: Tensor, groups: int) -> Tensor:
    """The modulated samples, one row of channels for each (image, pixel, group, tap)."""
    batch, channels, height, width = x.shape
    position_x, position_y, first_row = _tap_places(batch, height, width, groups)
    planes = offsets.reshape(batch, 2, groups * _TAPS, height * width).transpose(1, 0, 3, 2)
    weights = mask.reshape(batch, groups * _TAPS, height * width).transpose(0, 2, 1)
    x_at = planes[0] + position_x
    y_at = planes[1] + position_y
    left, top = ops.floor(x_at), ops.floor(y_at)
    right_share, bottom_share = x_at - left, y_at - top
    column = ops.clamp(left, -_MARGIN, width).astype(ms.int32)
    row = ops.clamp(top, -_MARGIN, height).astype(ms.int32)
    rows = first_row + (row * (width + 2 * _MARGIN - 1) + column) * groups
    neighbours = ops.gather(_neighbourhoods(x, groups), rows.reshape(-1), 0)
    upper, lower = weights * (1 - bottom_share), weights * bottom_share
    shares = ops.stack(
        (upper * (1 - right_share), upper * right_share, lower * (1 - right_share), lower * right_share), -1
    )
    repeat, add = _per_channel(channels // groups)
    return ops.matmul(neighbours * ops.matmul(shares.reshape(-1, 4), repeat), add)


def _neighbourhoods(x: Tensor, groups: int) -> Tensor:
    """Rows of 2x2 pixels (4 * channels of a group) for every (image, top left pixel, group), margin included."""
    batch, channels, height, width = x.shape
    padded = zero_margin(x, _MARGIN)
    height, width = height + 2 * _MARGIN, width + 2 * _MARGIN
    pixels = padded.reshape(batch, groups, channels // groups, height, width).transpose(0, 3, 4, 1, 2)
    upper, lower = pixels[:, :-1], pixels[:, 1:]
    squares = ops.concat((upper[:, :, :-1], upper[:, :, 1:], lower[:, :, :-1], lower[:, :, 1:]), 4)
    return squares.reshape(-1, 4 * (channels // groups))


@constexpr
def _tap_places(batch: int, height: int, width: int, groups: int) -> tuple[Tensor, Tensor, Tensor]:
    """Where taps lie without displacement, x and y (pixels, groups*9), and the row of `_neighbourhoods` that
    belongs to the picture's first pixel (batch, 1, groups*9)."""
    taps = np.tile(np.arange(_TAPS), groups)
    y, x = np.divmod(np.arange(height * width)[:, None], width)
    per_image = (height + 2 * _MARGIN - 1) * (width + 2 * _MARGIN - 1)
    first = _MARGIN * (width + 2 * _MARGIN - 1) + _MARGIN
    image = np.arange(batch)[:, None, None] * per_image
    rows = (image + first) * groups + np.repeat(np.arange(groups), _TAPS)
    return (
        Tensor((x + taps % _KERNEL - 1).astype(np.float32)),
        Tensor((y + taps // _KERNEL - 1).astype(np.float32)),
        Tensor(rows.astype(np.int32)),
    )


@constexpr
def _per_channel(channels: int) -> tuple[Tensor, Tensor]:
    """Matrices that repeat four shares for every channel (4, 4*channels) and add the four products up
    (4*channels, channels). Products with them are many times faster than broadcasting on CPU."""
    repeat = np.repeat(np.eye(4, dtype=np.float32), channels, axis=1)
    add = np.tile(np.eye(channels, dtype=np.float32), (4, 1))
    return Tensor(repeat), Tensor(add)

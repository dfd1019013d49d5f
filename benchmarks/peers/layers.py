"""Layers of the PyTorch peer: resizing, padding, convolutions, and the deformable one by ``grid_sample``."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

TAPS = 9
"""Taps of the deformable 3x3 convolution."""


def upsample(x: Tensor, factor: int) -> Tensor:
    """Bilinear enlargement with half-pixel centres."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def downsample(x: Tensor, factor: int) -> Tensor:
    """Bilinear reduction with half-pixel centres, no antialiasing."""
    size = (x.shape[2] // factor, x.shape[3] // factor)
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False)


def pad_to_even(x: Tensor) -> Tensor:
    """Repeat the last column and row of odd widths and heights."""
    right, bottom = x.shape[3] % 2, x.shape[2] % 2
    return F.pad(x, (0, right, 0, bottom), mode="replicate") if right or bottom else x


def crop_like(x: Tensor, reference: Tensor) -> Tensor:
    """The top left part of ``x`` that has the size of ``reference``."""
    return x[:, :, : reference.shape[2], : reference.shape[3]]


def leaky_relu(x: Tensor) -> Tensor:
    """LeakyReLU with slope 0.1."""
    return F.leaky_relu(x, 0.1)


class Conv2d(nn.Conv2d):
    """Convolution padded by half its kernel."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, kernel // 2)


class LeakyConv2d(Conv2d):
    """Convolution and LeakyReLU."""

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(super().forward(x))


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x)))."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(features, features)
        self.conv2 = Conv2d(features, features)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(x)))


class ConcatConv1x1(Conv2d):
    """A 1x1 convolution of concatenated features, one entry at a time."""

    def __init__(self, features: int, entries: int) -> None:
        super().__init__(features * entries, features, 1)
        self.features = features

    def part(self, x: Tensor, index: int) -> Tensor:
        """What entry ``index`` adds; the bias comes with entry 0."""
        start = index * self.features
        weight = self.weight[:, start : start + self.features]
        return F.conv2d(x, weight, self.bias if index == 0 else None)


class DeformableConv2d(nn.Module):
    """Modulated deformable 3x3 convolution (DCNv2): offsets are all x, then all y, per (group, tap)."""

    def __init__(self, features: int, groups: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, features, 3, 3))
        self.bias = nn.Parameter(torch.zeros(features))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        self.groups = groups

    def forward(self, x: Tensor, offsets: Tensor, mask: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        images = x.reshape(batch * self.groups, channels // self.groups, height, width)
        samples = F.grid_sample(
            images, self._positions(offsets), mode="bilinear", padding_mode="zeros", align_corners=False
        )
        samples = samples * mask.reshape(batch * self.groups, 1, TAPS * height, width)
        columns = samples.reshape(batch, channels * TAPS, height * width)
        pixels = self.weight.reshape(self.weight.shape[0], -1) @ columns + self.bias[:, None]
        return pixels.reshape(batch, -1, height, width)

    def _positions(self, offsets: Tensor) -> Tensor:
        """Where to sample, in grid_sample's units: N*groups, taps*H, W, (x, y)."""
        batch, _, height, width = offsets.shape
        displaced = offsets.reshape(batch, 2, self.groups, TAPS, height, width)
        tap = torch.arange(TAPS)[:, None, None]
        x = displaced[:, 0] + torch.arange(width)[None, None, :] + tap % 3 - 1
        y = displaced[:, 1] + torch.arange(height)[None, :, None] + tap // 3 - 1
        grid = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)
        return grid.reshape(batch * self.groups, TAPS * height, width, 2)

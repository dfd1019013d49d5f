"""CycMuNet+ in PyTorch: the peer of ours.

Built like `plugins.cycmunet` and with the same names of parameters, so that one set of weights fits both: three
frames of a size go through every unit together, stacked along the batch. Eager PyTorch with its own operators;
the deformable convolution is one ``grid_sample`` for all taps and a matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.layers import (
    TAPS,
    ConcatConv1x1,
    Conv2d,
    DeformableConv2d,
    LeakyConv2d,
    ResidualBlock,
    crop_like,
    downsample,
    leaky_relu,
    pad_to_even,
    upsample,
)
from plugins.cycmunet.config import CycMuNetConfig, CycMuNetLossConfig, Distance, Format, MiddleResidual

Planes = tuple[Tensor, ...]
Pyramid = tuple[Tensor, ...]
"""Features of one frame at every level, coarsest first."""

_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_U_RANGE, _V_RANGE = 2 * (1 - _BLUE), 2 * (1 - _RED)
_CHROMA_ZERO = 128 / 255
_RGB_MEAN, _RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class FeatureExtraction(nn.Module):
    """Residual blocks at full size, then a strided pyramid."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        features, steps = config.features, range(config.levels - 1)
        self.blocks = nn.Sequential(*[ResidualBlock(features) for _ in range(config.front_blocks)])
        self.reduce = nn.ModuleList([LeakyConv2d(features, features, stride=2) for _ in steps])
        self.refine = nn.ModuleList([LeakyConv2d(features, features) for _ in steps])

    def forward(self, x: Tensor) -> Pyramid:
        pyramid: Pyramid = (self.blocks(x),)
        for reduce, refine in zip(self.reduce, self.refine, strict=True):
            pyramid = (refine(reduce(pad_to_even(pyramid[0]))), *pyramid)
        return pyramid


class DeformableSampling(nn.Module):
    """Deformable convolution whose displacements and masks come from an offset feature."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        taps = TAPS * config.groups
        self.offsets = Conv2d(config.features, 2 * taps)
        self.mask = Conv2d(config.features, taps)
        self.deform = DeformableConv2d(config.features, config.groups)

    def forward(self, x: Tensor, offset_feature: Tensor) -> Tensor:
        return self.deform(x, self.offsets(offset_feature), torch.sigmoid(self.mask(offset_feature)))


class AlignmentLevel(nn.Module):
    """One level of the pyramid alignment; returns the offset feature and the aligned feature."""

    def __init__(self, config: CycMuNetConfig, coarsest: bool) -> None:
        super().__init__()
        features = config.features
        self.coarsest = coarsest
        self.compare = LeakyConv2d(2 * features, features)
        self.refine = LeakyConv2d(features, features)
        self.sampling = DeformableSampling(config)
        if not coarsest:
            self.join_offset = LeakyConv2d(2 * features, features)
            self.join_aligned = Conv2d(2 * features, features)

    def forward(
        self, own: Tensor, other: Tensor, coarser_offset: Tensor | None, coarser_aligned: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        offset = self.compare(torch.cat((own, other), 1))
        if coarser_offset is not None:
            guess = 2 * crop_like(upsample(coarser_offset, 2), offset)
            offset = self.join_offset(torch.cat((offset, guess), 1))
        offset = self.refine(offset)
        aligned = self.sampling(own, offset)
        if coarser_aligned is not None:
            guess = crop_like(upsample(coarser_aligned, 2), aligned)
            aligned = self.join_aligned(torch.cat((aligned, guess), 1))
        return offset, leaky_relu(aligned)


class PyramidAlignment(nn.Module):
    """Aligns one frame towards the middle, from the coarsest level to full size."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.levels = nn.ModuleList([AlignmentLevel(config, level == 0) for level in range(config.levels)])

    def forward(self, own: Pyramid, other: Pyramid) -> Tensor:
        offset, aligned = self.levels[0](own[0], other[0], None, None)
        for level in range(1, len(self.levels)):
            offset, aligned = self.levels[level](own[level], other[level], offset, aligned)
        return aligned


class FeatureInterpolation(nn.Module):
    """First features of the missing frame, from both neighbours aligned to it."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.from_first = PyramidAlignment(config)
        self.from_last = PyramidAlignment(config)
        self.fusion = Conv2d(2 * config.features, config.features, 1)

    def forward(self, first: Pyramid, last: Pyramid) -> Tensor:
        return self.fusion(torch.cat((self.from_first(first, last), self.from_last(last, first)), 1))


class FrameFusion(nn.Module):
    """Lets the three frames exchange what they know."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.frame = LeakyConv2d(features, features)
        self.fuse = LeakyConv2d(3 * features, features, 1)
        self.update = LeakyConv2d(2 * features, features)

    def forward(self, triple: Tensor) -> Tensor:
        frames = self.frame(triple)
        fused = self.fuse(torch.cat(frames.chunk(3), 1))
        return triple + self.update(torch.cat((frames, fused.repeat(3, 1, 1, 1)), 1))


class ScaleUp(nn.Module):
    """Fusion, enlargement, 1x1 convolution."""

    def __init__(self, features: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.fusion = FrameFusion(features)
        self.mix = LeakyConv2d(features, features, 1)

    def forward(self, low: Tensor) -> Tensor:
        return self.mix(upsample(self.fusion(low), self.scale))


class ScaleDown(nn.Module):
    """Reduction, 1x1 convolution, fusion."""

    def __init__(self, features: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.mix = LeakyConv2d(features, features, 1)
        self.fusion = FrameFusion(features)

    def forward(self, high: Tensor) -> Tensor:
        return self.fusion(self.mix(downsample(high, self.scale)))


class UpProjection(nn.Module):
    """h + up(down(h) - low)."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.up = ScaleUp(config.features, config.scale)
        self.down = ScaleDown(config.features, config.scale)
        self.up_residual = ScaleUp(config.features, config.scale)
        self.middle_has_own = config.middle_residual is MiddleResidual.own

    def forward(self, low: Tensor) -> Tensor:
        high = self.up(low)
        residual = self.up_residual(self.down(high) - low)
        if not self.middle_has_own:
            first, _, last = residual.chunk(3)
            residual = torch.cat((first, last, last))
        return high + residual


class DownProjection(nn.Module):
    """l + down(up(l) - high)."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.down = ScaleDown(config.features, config.scale)
        self.up = ScaleUp(config.features, config.scale)
        self.down_residual = ScaleDown(config.features, config.scale)

    def forward(self, high: Tensor) -> Tensor:
        low = self.down(high)
        return low + self.down_residual(self.up(low) - high)


class MutualCycle(nn.Module):
    """Both passes of the projections; returns high-resolution features and those of the low middle frame."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        features, self.cycles = config.features, config.cycles
        stages = range(config.cycles)
        self.merge_low = nn.ModuleList([LeakyConv2d((j + 1) * features, features, 1) for j in stages])
        self.merge_high = nn.ModuleList([LeakyConv2d((j + 1) * features, features, 1) for j in stages])
        self.down = nn.ModuleList([DownProjection(config) for _ in stages])
        self.up = nn.ModuleList([UpProjection(config) for _ in range(config.cycles + 1)])
        self.collect = ConcatConv1x1(features, 2 * config.cycles + 1)

    def forward(self, low: Tensor) -> tuple[Tensor, Tensor]:
        low_sum, high_sum = self.collect.part(low.chunk(3)[1], 0), None
        lows, highs = [low], []
        for j in range(self.cycles):
            high = self.up[j](self.merge_low[j](torch.cat(lows, 1)))
            high_sum = self._add(high_sum, high, j)
            highs.append(high)
            low = self.down[j](self.merge_high[j](torch.cat(highs, 1)))
            low_sum = self._add(low_sum, low.chunk(3)[1], j + 1)
            lows.append(low)
        lows, merged = [low], low
        for j in range(self.cycles):
            merged = self.merge_low[j](torch.cat(lows, 1))
            high = self.up[j](merged)
            high_sum = self._add(high_sum, high, self.cycles + j)
            low = self.down[j](high)
            low_sum = self._add(low_sum, low.chunk(3)[1], self.cycles + j + 1)
            lows.append(low)
        high_sum = self._add(high_sum, self.up[self.cycles](merged), 2 * self.cycles)
        return leaky_relu(high_sum), leaky_relu(low_sum)

    def _add(self, total: Tensor | None, x: Tensor, index: int) -> Tensor:
        part = self.collect.part(x, index)
        return part if total is None else total + part


class Head(nn.Module):
    """Planes to features."""

    def __init__(self, features: int, format: Format) -> None:
        super().__init__()
        self.is_rgb = format is Format.rgb
        if self.is_rgb:
            self.conv = LeakyConv2d(3, features)
        else:
            self.luma = Conv2d(1, features)
            self.chroma = nn.ConvTranspose2d(2, features, 3, 2, 1, output_padding=1)

    def forward(self, planes: Planes) -> Tensor:
        if self.is_rgb:
            return self.conv(planes[0])
        return leaky_relu(self.luma(planes[0]) + self.chroma(planes[1]))


class Tail(nn.Module):
    """Features to planes."""

    def __init__(self, features: int, format: Format) -> None:
        super().__init__()
        self.is_rgb = format is Format.rgb
        if self.is_rgb:
            self.conv = Conv2d(features, 3)
        else:
            self.luma = Conv2d(features, 1)
            self.chroma = Conv2d(features, 2, stride=2)

    def forward(self, x: Tensor) -> Planes:
        return (self.conv(x),) if self.is_rgb else (self.luma(x), self.chroma(x))


class CycMuNet(nn.Module):
    """The network on normalised planes: stacked high-resolution frames, and the low-resolution middle one."""

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        self.scale = config.scale
        self.head = Head(config.features, config.format)
        self.extraction = FeatureExtraction(config)
        self.interpolation = FeatureInterpolation(config)
        self.cycle = MutualCycle(config)
        self.trunk = nn.Sequential(*[ResidualBlock(config.features) for _ in range(config.trunk_blocks)])
        self.tail = Tail(config.features, config.format)

    def forward(self, first: Planes, last: Planes) -> tuple[Planes, Planes]:
        both = tuple(torch.cat(pair) for pair in zip(first, last, strict=True))
        halves = [level.chunk(2) for level in self.extraction(self.head(both))]
        first_pyramid, last_pyramid = tuple(h[0] for h in halves), tuple(h[1] for h in halves)
        middle = self.interpolation(first_pyramid, last_pyramid)
        low = torch.cat((first_pyramid[-1], middle, last_pyramid[-1]))
        high, low_middle = self.cycle(low)
        high_planes = self.tail(upsample(low, self.scale) + self.trunk(high))
        return high_planes, self.tail(self.trunk(low_middle))


class Colour(nn.Module):
    """Between RGB in [0,1] and normalised planes (BT.709, full range); ``residual`` leaves the means out."""

    def __init__(self, format: Format, residual: bool) -> None:
        super().__init__()
        self.is_rgb, self.residual = format is Format.rgb, residual
        red, green, blue = _RGB_STD
        y_std = math.hypot(_RED * red, _GREEN * green, _BLUE * blue)
        y_mean = _RED * _RGB_MEAN[0] + _GREEN * _RGB_MEAN[1] + _BLUE * _RGB_MEAN[2]
        u, v = (_RGB_MEAN[2] - y_mean) / _U_RANGE, (_RGB_MEAN[0] - y_mean) / _V_RANGE
        u_std, v_std = math.hypot(blue, y_std) / _U_RANGE / 2, math.hypot(red, y_std) / _V_RANGE / 2
        self.means = [_column(_RGB_MEAN)] if self.is_rgb else [_column([y_mean]), _column([u, v])]
        self.stds = [_column(_RGB_STD)] if self.is_rgb else [_column([y_std]), _column([u_std, v_std])]

    def to_planes(self, rgb: Tensor) -> Planes:
        """RGB to planes; the chroma of YUV 4:2:0 is the mean of 2x2 pixels."""
        if self.is_rgb:
            return ((rgb - self.means[0]) / self.stds[0],)
        red, green, blue = pad_to_even(rgb).chunk(3, 1)
        y = _RED * red + _GREEN * green + _BLUE * blue
        uv = downsample(torch.cat(((blue - y) / _U_RANGE, (red - y) / _V_RANGE), 1), 2)
        # The zero of chroma, 128/255, is in the values and in their mean alike.
        return (y - self.means[0]) / self.stds[0], (uv - self.means[1]) / self.stds[1]

    def to_rgb(self, planes: Planes) -> Tensor:
        """Planes to RGB, not clamped."""
        scaled = [plane * std for plane, std in zip(planes, self.stds, strict=True)]
        if not self.residual:
            scaled = [plane + mean for plane, mean in zip(scaled, self.means, strict=True)]
        if self.is_rgb:
            return scaled[0]
        y, (u, v) = scaled[0], upsample(scaled[1], 2).chunk(2, 1)
        red, blue = y + _V_RANGE * v, y + _U_RANGE * u
        green = y - (_RED * _V_RANGE * v + _BLUE * _U_RANGE * u) / _GREEN
        return torch.cat((red, green, blue), 1)


def _column(values: Sequence[float]) -> Tensor:
    return torch.tensor(values).reshape(1, -1, 1, 1)


class VideoCycMuNet(nn.Module):
    """Two RGB frames in [0,1] to the high-resolution first, middle and last one and the low-resolution middle one.

    Raises ValueError for settings that this peer lacks.
    """

    def __init__(self, config: CycMuNetConfig) -> None:
        super().__init__()
        if config.format not in (Format.rgb, Format.yuv420) or not config.all_frames:
            raise ValueError(
                "The PyTorch peer knows model.format=rgb and yuv420 with model.all_frames=true only."
            )
        self.scale, self.has_floor = config.scale, config.floor
        self.network = CycMuNet(config)
        self.colour = Colour(config.format, residual=config.floor)

    def forward(self, first: Tensor, last: Tensor) -> Planes:
        planes = self.network(self.colour.to_planes(first), self.colour.to_planes(last))
        middle = (first + last) / 2
        frames = torch.cat((first, middle, last))
        height, width = first.shape[2:]
        high = self.colour.to_rgb(planes[0])[:, :, : height * self.scale, : width * self.scale]
        low = self.colour.to_rgb(planes[1])[:, :, :height, :width]
        if self.has_floor:
            # With antialias PyTorch takes Pillow's kernel and borders, also for enlarging.
            high = high + F.interpolate(frames, scale_factor=self.scale, mode="bicubic", antialias=True)
            low = low + middle
        return (*high.chunk(3), low)


class CycMuNetLoss(nn.Module):
    """Weighted Charbonnier distances of the four outputs."""

    def __init__(self, config: CycMuNetLossConfig) -> None:
        super().__init__()
        if config.distance is not Distance.charbonnier:
            raise ValueError("The PyTorch peer knows loss.distance=charbonnier only.")
        self.weights = (config.outer, config.middle, config.outer, config.low_middle)

    def forward(self, outputs: Planes, targets: Planes) -> Tensor:
        distances = [_charbonnier(*pair) for pair in zip(outputs, targets, strict=True)]
        return torch.stack([w * d for w, d in zip(self.weights, distances, strict=True)]).sum()


def _charbonnier(output: Tensor, target: Tensor) -> Tensor:
    return torch.sqrt((output - target) ** 2 + (1 / 255) ** 2).mean()

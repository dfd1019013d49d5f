"""Between RGB in [0,1] and the normalised planes of the network (BT.709, full range)."""

from __future__ import annotations

import math

import mindspore as ms
from mindspore import Tensor, nn, ops

from core.nn import Downsample, Upsample, replicate_to_multiple

from .config import Format

Planes = tuple[Tensor, ...]

RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722
_U_RANGE, _V_RANGE = 2 * (1 - BLUE), 2 * (1 - RED)
_CHROMA_ZERO = 128 / 255

_SUBSAMPLING = {Format.yuv444: (1, 1), Format.yuv422: (1, 2), Format.yuv420: (2, 2)}
"""Vertical and horizontal factor between luma and chroma."""

_RGB_MEAN = (0.485, 0.456, 0.406)
_RGB_STD = (0.229, 0.224, 0.225)
_Y_MEAN = RED * _RGB_MEAN[0] + GREEN * _RGB_MEAN[1] + BLUE * _RGB_MEAN[2]
_Y_STD = math.hypot(RED * _RGB_STD[0], GREEN * _RGB_STD[1], BLUE * _RGB_STD[2])
_UV_MEAN = (
    (_RGB_MEAN[2] - _Y_MEAN) / _U_RANGE + _CHROMA_ZERO,
    (_RGB_MEAN[0] - _Y_MEAN) / _V_RANGE + _CHROMA_ZERO,
)
_UV_STD = (math.hypot(_RGB_STD[2], _Y_STD) / _U_RANGE, math.hypot(_RGB_STD[0], _Y_STD) / _V_RANGE)


def _column(values: tuple[float, ...]) -> Tensor:
    return Tensor(values, ms.float32).reshape(1, -1, 1, 1)


def _statistics(format: Format) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Mean and standard deviation of every plane; averaging chroma narrows its deviation."""
    if format is Format.rgb:
        return (_column(_RGB_MEAN),), (_column(_RGB_STD),)
    narrowing = 1 / math.sqrt(math.prod(_SUBSAMPLING[format]))
    chroma_std = (_UV_STD[0] * narrowing, _UV_STD[1] * narrowing)
    return (_column((_Y_MEAN,)), _column(_UV_MEAN)), (_column((_Y_STD,)), _column(chroma_std))


class ToPlanes(nn.Cell):
    """RGB N,3,H,W in [0,1] -> normalised planes; a height or width that chroma cannot halve is padded by
    repetition."""

    def __init__(self, format: Format) -> None:
        super().__init__()
        self.is_rgb = format is Format.rgb
        self.subsampling = _SUBSAMPLING.get(format, (1, 1))
        self.reduce = Downsample(self.subsampling)
        self.means, self.stds = _statistics(format)

    def construct(self, rgb: Tensor) -> Planes:
        if self.is_rgb:
            return ((rgb - self.means[0]) / self.stds[0],)
        y, uv = self.luma_and_chroma(rgb)
        return (y - self.means[0]) / self.stds[0], (uv - self.means[1]) / self.stds[1]

    def luma_and_chroma(self, rgb: Tensor) -> Planes:
        """Luma N,1,H,W in [0,1] and chroma N,2,H/v,W/h around 128/255."""
        if self.subsampling != (1, 1):
            rgb = replicate_to_multiple(rgb, 2)
        red, green, blue = ops.chunk(rgb, 3, 1)
        y = RED * red + GREEN * green + BLUE * blue
        uv = ops.concat(((blue - y) / _U_RANGE, (red - y) / _V_RANGE), 1) + _CHROMA_ZERO
        return y, self.reduce(uv) if self.subsampling != (1, 1) else uv


class ToRgb(nn.Cell):
    """Normalised planes -> RGB N,3,H,W, not clamped.

    ``residual`` leaves the means out, for planes that are added to a picture. ``published_green`` omits the
    division by the weight of green, as the published code does; use it only to compare with that code.
    """

    def __init__(self, format: Format, residual: bool = False, published_green: bool = False) -> None:
        super().__init__()
        self.is_rgb = format is Format.rgb
        self.residual = residual
        self.subsampling = _SUBSAMPLING.get(format, (1, 1))
        self.enlarge = Upsample(self.subsampling)
        self.means, self.stds = _statistics(format)
        self.green = 1.0 if published_green else GREEN

    def construct(self, planes: Planes) -> Tensor:
        first = planes[0] * self.stds[0]
        if not self.residual:
            first = first + self.means[0]
        if self.is_rgb:
            return first
        uv = planes[1] * self.stds[1]
        if not self.residual:
            uv = uv + self.means[1] - _CHROMA_ZERO
        if self.subsampling != (1, 1):
            uv = self.enlarge(uv)
        red = first + _V_RANGE * uv[:, 1:]
        blue = first + _U_RANGE * uv[:, :1]
        green = first - (RED * _V_RANGE * uv[:, 1:] + BLUE * _U_RANGE * uv[:, :1]) / self.green
        return ops.concat((red, green, blue), 1)

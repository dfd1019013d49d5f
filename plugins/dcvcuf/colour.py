"""Between RGB in [0,1] and what the networks see: luma and chroma of BT.709, full range, in [-0.5,0.5]."""

from __future__ import annotations

from mindspore import Tensor, ops

_RED, _BLUE = 0.2126, 0.0722
_GREEN = 1 - _RED - _BLUE
_OF_BLUE, _OF_RED = 2 * (1 - _BLUE), 2 * (1 - _RED)


def to_ycbcr(rgb: Tensor) -> Tensor:
    """N,3,H,W in [0,1] -> Y, Cb, Cr in [-0.5,0.5]."""
    red, green, blue = ops.chunk(rgb, 3, 1)
    luma = _RED * red + _GREEN * green + _BLUE * blue
    return ops.concat((luma - 0.5, (blue - luma) / _OF_BLUE, (red - luma) / _OF_RED), 1)


def to_rgb(planes: Tensor) -> Tensor:
    """Back again, not clamped."""
    luma, blue_chroma, red_chroma = ops.chunk(planes, 3, 1)
    luma = luma + 0.5
    red, blue = luma + _OF_RED * red_chroma, luma + _OF_BLUE * blue_chroma
    return ops.concat((red, (luma - _RED * red - _BLUE * blue) / _GREEN, blue), 1)


def clamp_to_rgb(planes: Tensor) -> Tensor:
    """The same of what a network made, which is clamped before; what is no number stays so, to be noticed."""
    return to_rgb(ops.where(ops.isfinite(planes), ops.clamp(planes, -0.5, 0.5), planes))

"""Qualities of pictures against the truth: all that is measured of what a codec or an upscaler made.

Pictures are rounded to 8 bits first, as files hold them. A value is a mean over pictures; a mean of PSNR counts each
as `core.metrics.quality.PSNR_CAP` at most.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from core.hooks import Array
from core.measure.records import mean_of
from core.media.colour import Matrix, Range, rgb_to_yuv
from core.media.samples import eight_bits
from core.metrics.quality import Values, ms_ssim, samples_psnr, ssim

if TYPE_CHECKING:
    from mindspore.train import Metric

MATRIX, RANGE = Matrix.BT709, Range.FULL
"""Matrix and range of the 4:2:0 planes whose PSNR is taken."""
MIN_SSIM_SIZE, MIN_MS_SSIM_SIZE = 11, 161
"""Height and width that pictures must have, in pixels."""


class _Pair:
    """A picture (3,H,W) in [0,1] and the truth."""

    def __init__(self, picture: Array, truth: Array) -> None:
        self._samples = eight_bits(picture), eight_bits(truth)
        self._smallest = min(truth.shape[-2:])

    @cached_property
    def _stored(self) -> tuple[Values, Values]:
        first, second = self._samples
        return first / 255.0, second / 255.0

    @cached_property
    def _planes(self) -> list[float]:
        """PSNR of Y, U and V, dB."""
        planes = [rgb_to_yuv(picture, matrix=MATRIX, range=RANGE) for picture in self._stored]
        return [samples_psnr(*both) for both in zip(*planes, strict=True)]

    def psnr_rgb(self) -> float:
        return samples_psnr(*self._samples)

    def psnr_y(self) -> float:
        return self._planes[0]

    def psnr_yuv(self) -> float:
        """PSNR of luma and both chroma planes, weighted 6:1:1."""
        y, u, v = self._planes
        return (6 * y + u + v) / 8

    def ssim(self) -> float | None:
        return float(ssim(*self._stored)) if self._smallest >= MIN_SSIM_SIZE else None

    def ms_ssim(self) -> float | None:
        return float(ms_ssim(*self._stored)) if self._smallest >= MIN_MS_SSIM_SIZE else None


_MEASURES: Mapping[str, Callable[[_Pair], float | None]] = {
    "psnr_rgb": _Pair.psnr_rgb,
    "psnr_y": _Pair.psnr_y,
    "psnr_yuv": _Pair.psnr_yuv,
    "ssim": _Pair.ssim,
    "ms_ssim": _Pair.ms_ssim,
}
QUALITIES = tuple(_MEASURES)
"""The qualities that a benchmark measures of every clip."""


def qualities(
    pairs: Iterable[tuple[Array, Array]], metrics: Mapping[str, Metric], named: Collection[str] = QUALITIES
) -> dict[str, float | None]:
    """Means over pairs of picture and truth (3,H,W) in [0,1] of the `QUALITIES` that are named, and of metrics.

    One of them is None where the pictures are too small for it; a metric then raises `MindvideoError`, since it was
    asked for.
    """
    by_quality: dict[str, list[float | None]] = {name: [] for name in named}
    for metric in metrics.values():
        metric.clear()
    for picture, truth in pairs:  # one at a time: some need much memory
        pair = _Pair(picture, truth)
        for name in named:
            by_quality[name].append(_MEASURES[name](pair))
        for metric in metrics.values():
            metric.update(picture[None], truth[None])
    means = {name: mean_of(values) for name, values in by_quality.items()}
    return {**means, **{name: float(metric.eval()) for name, metric in metrics.items()}}

"""Crops of decoded frames side by side at bytes as equal as the measured points allow, with maps of their errors."""

from __future__ import annotations

import base64
import io
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.bench.compare import Curve
from core.errors import DataError
from core.hooks import Array
from core.measure.cache import Cache
from core.measure.clips import evenly_spaced_numbers
from core.measure.records import ClipRecord
from core.media.samples import eight_bits
from core.metrics.quality import stored_psnr
from core.report.pictures import crop, detail

log = logging.getLogger(__name__)

GAIN = 6.0
"""Gain of errors in their maps."""
MIN_WIDTH = 240
"""Pixels that a crop is shown with at least."""


@dataclass(frozen=True)
class Panel:
    """A crop and its error map as data URLs; the source has no map."""

    contender: str
    caption: str
    picture: str
    error: str


@dataclass(frozen=True)
class Row:
    """A clip by all contenders."""

    title: str
    panels: list[Panel]


def rows(curves: Sequence[Curve], cache: Cache, count: int) -> list[Row]:
    """Crops of ``count`` clips, evenly spaced, of curves that stand together: the last frame, where codecs err
    most."""
    labels = curves[0].labels
    made = [
        _row(curves, cache, number, labels[number])
        for number in sorted(evenly_spaced_numbers(len(labels), count))
    ]
    return [row for row in made if row is not None]


def _row(curves: Sequence[Curve], cache: Cache, number: int, label: str) -> Row | None:
    target = _target([[p.clips[number].bpp for p in curve.points.values()] for curve in curves])
    chosen = [(curve.contender, *_nearest(curve, number, target)) for curve in curves]
    source_file = cache.source(chosen[0][2].source)
    pictures = [(name, point, clip, cache.picture(clip.key)) for name, point, clip in chosen]
    if not source_file.is_file() or not all(path.is_file() for *_, path in pictures):
        return None
    size = chosen[0][2].height, chosen[0][2].width
    try:
        source = _read(source_file, size)
        decoded = [(name, point, clip, _read(path, size)) for name, point, clip, path in pictures]
    except DataError as damage:
        log.warning("The pictures of %s are left out: %s", label, damage)
        return None
    errors = [np.abs(picture - source).mean(axis=0) for *_, picture in decoded]
    row, column = detail(np.mean(errors, axis=0, dtype=np.float32))
    panels = [Panel("", "source", _url(crop(source, row, column)), "")]
    for (name, point, clip, picture), error in zip(decoded, errors, strict=True):
        caption = (
            f"{name} at {point}: {clip.bpp:.4f} bpp ({clip.bpp / target:.0%}), clip "
            f"{clip.values['psnr_rgb']:.2f} dB, this frame {stored_psnr(picture, source):.2f} dB"
        )
        panels.append(
            Panel(name, caption, _url(crop(picture, row, column)), _url(_heat(crop(error, row, column))))
        )
    shares = [clip.bpp / target for _, _, clip in chosen]
    return Row(
        f"{label}, last frame; each codec at its rate nearest to {target:.4f} bpp, from {min(shares):.0%} to "
        f"{max(shares):.0%} of these bytes",
        panels,
    )


def _target(rates: Sequence[Sequence[float]]) -> float:
    """The rate of some point from which that contender is least far whose points are farthest."""

    def distance(target: float) -> float:
        return max(min(abs(math.log(rate / target)) for rate in curve) for curve in rates)

    return min((rate for curve in rates for rate in curve), key=distance)


def _nearest(curve: Curve, number: int, target: float) -> tuple[str, ClipRecord]:
    found = [(name, point.clips[number]) for name, point in curve.points.items()]
    return min(found, key=lambda item: abs(math.log(item[1].bpp / target)))


def _read(path: Path, size: tuple[int, int]) -> Array:
    """A picture (3,H,W) of the cache in [0,1]; raises `DataError` where it is damaged, or of another size."""
    try:
        with Image.open(path) as image:
            if (image.height, image.width) != size:
                raise ValueError(f"it is {image.width}x{image.height}")
            return np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1) / 255
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        told = f"{path} is damaged ({error}): remove it, and the next benchmark draws it again."
        raise DataError(told) from None


def _heat(error: Array) -> Array:
    """A map of errors (H,W): black is none, then red, yellow, white."""
    value = np.clip(error * GAIN, 0, 1) * 3
    return np.stack([np.clip(value - level, 0, 1) for level in range(3)]).astype(np.float32)


def _url(picture: Array) -> str:
    """A picture (3,H,W) in [0,1] as PNG, enlarged without smoothing where it is small."""
    factor = max(1, -(-MIN_WIDTH // picture.shape[2]))
    large = eight_bits(picture).repeat(factor, axis=1).repeat(factor, axis=2)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(large.transpose(1, 2, 0))).save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()

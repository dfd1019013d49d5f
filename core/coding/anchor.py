"""The anchor of a learned codec: what x264 makes of the same clip with no more bytes.

Its conditions are fixed and stand in every report: preset medium, tune zerolatency, no B frames, no scene cuts, the
codec's own distance of intra frames, one thread (so that the result does not depend on the machine), constant rate
factor; 4:2:0 or 4:4:4, whichever is better. Only packets are counted, without a container, and without the text in
which x264 describes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.codec.conventional import Encoder, coded_pictures, decoded_pictures, payloads
from core.hooks import Array, PictureFormat
from core.media.colour import Matrix, Range, Subsampling
from core.metrics.quality import as_stored, mean_psnr, psnr

PRESET, TUNE = "medium", "zerolatency"
MATRIX, RANGE = Matrix.BT709, Range.LIMITED
FINEST_CRF, COARSEST_CRF = 1.0, 51.0
STEPS = 12
"""Encodings at most in a search."""
CLOSE_ENOUGH = 0.97
"""Share of the bytes allowed that ends a search."""

_ENDLESS = 1 << 20
"""Distance of intra frames of which there is one alone."""


@dataclass(frozen=True)
class Anchor:
    """A clip by x264: its pictures (T,3,H,W) RGB and the bytes that they took."""

    crf: float
    pixel_format: str
    bytes: int
    pictures: NDArray[np.uint8]


def conditions(gop: int) -> dict[str, str | int]:
    """What a report says of the anchor."""
    return {
        "encoder": "libx264",
        "preset": PRESET,
        "tune": TUNE,
        "gop": gop,
        "bframes": 0,
        "scenecut": 0,
        "threads": 1,
        "pixel_format": "yuv420p or yuv444p, the better for each clip",
        "matrix": MATRIX.value,
        "range": RANGE.value,
        "bytes": "packets, without container and SEI",
    }


def match(clip: Sequence[Array] | Array, limit: int, gop: int) -> Anchor:
    """The best that x264 makes of a clip (T pictures 3,H,W in [0,1]) in at most ``limit`` bytes.

    ``gop`` is the distance of intra frames, 0 for one alone. The rate factor is found by bisection, until at least
    `CLOSE_ENOUGH` of the limit is used. Where even the coarsest takes more than the limit, it is that one.
    """
    height, width = clip[0].shape[1:]
    odd = height % 2 or width % 2  # x264 has no odd sizes of 4:2:0
    kinds = [Subsampling.YUV444] if odd else [Subsampling.YUV420, Subsampling.YUV444]
    found = [_search(clip, limit, gop, kind) for kind in kinds]
    fitting = [anchor for anchor in found if anchor.bytes <= limit] or [min(found, key=lambda a: a.bytes)]
    return max(fitting, key=lambda anchor: _quality(anchor, clip))


def _search(clip: Sequence[Array] | Array, limit: int, gop: int, subsampling: Subsampling) -> Anchor:
    height, width = clip[0].shape[1:]
    format = PictureFormat(width, height)
    frames = coded_pictures(_encoder(COARSEST_CRF, gop, subsampling), format, clip)

    def encode(crf: float) -> list[bytes]:
        return payloads(_encoder(crf, gop, subsampling), format, frames)

    finer, coarser = FINEST_CRF, COARSEST_CRF
    best = encode(coarser)
    for _ in range(STEPS):
        if _size(best) >= CLOSE_ENOUGH * limit:
            break
        crf = round((finer + coarser) / 2, 2)
        packets = encode(crf)
        if _size(packets) <= limit:
            best, coarser = packets, crf
        else:
            finer = crf
    encoder = _encoder(coarser, gop, subsampling)
    pictures = np.stack(decoded_pictures(encoder, format, best)).astype(np.uint8, copy=False)
    return Anchor(coarser, encoder.pixel_format(format.depth), _size(best), pictures)


def _encoder(crf: float, gop: int, subsampling: Subsampling) -> Encoder:
    distance = gop or _ENDLESS
    options = {
        "preset": PRESET,
        "tune": TUNE,
        "crf": str(crf),
        "x264-params": f"keyint={distance}:min-keyint={distance}:scenecut=0:bframes=0:threads=1",
    }
    return Encoder("libx264", "h264", options, subsampling, MATRIX, RANGE, multiple=1, smallest=1)


def _quality(anchor: Anchor, clip: Sequence[Array] | Array) -> float:
    """RGB PSNR, dB."""
    pairs = zip(anchor.pictures, clip, strict=True)
    return mean_psnr(float(psnr(picture / 255, as_stored(truth))) for picture, truth in pairs)


def _size(packets: Sequence[bytes]) -> int:
    return sum(map(len, packets))

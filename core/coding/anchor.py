"""The anchor of a learned codec: what x264 makes of the same clip with no more bytes.

Its conditions are fixed and stand in every report: preset medium, tune zerolatency, no B frames, no scene cuts, the
codec's own distance of intra frames, one thread (so that the result does not depend on the machine), constant rate
factor; 4:2:0 or 4:4:4, whichever is better. Only packets are counted, without a container, and without the text in
which x264 describes itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from core.hooks import Array
from core.media.colour import Matrix, Range, rgb_to_yuv
from core.media.planes import frame_from_planes, frame_to_rgb, parse_planar_format, tag_colour
from core.metrics.quality import as_stored, mean_psnr, psnr

PRESET, TUNE = "medium", "zerolatency"
MATRIX, RANGE = Matrix.BT709, Range.LIMITED
FINEST_CRF, COARSEST_CRF = 1.0, 51.0
STEPS = 12
"""Encodings at most in a search."""
CLOSE_ENOUGH = 0.97
"""Share of the bytes allowed that ends a search."""

_ENDLESS = 1 << 20
_RATE = Fraction(25)
# A NAL unit of type SEI.
_SELF_DESCRIPTION = re.compile(rb"\x00\x00\x00?\x01\x06.*?(?=\x00\x00\x00?\x01|\Z)", re.DOTALL)


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
    formats = (
        ["yuv444p"] if height % 2 or width % 2 else ["yuv420p", "yuv444p"]
    )  # x264 has no odd sizes of 4:2:0
    found = [_search(_frames(clip, name), limit, gop) for name in formats]
    fitting = [anchor for anchor in found if anchor.bytes <= limit] or [min(found, key=lambda a: a.bytes)]
    return max(fitting, key=lambda anchor: _quality(anchor, clip))


def _search(frames: Sequence[av.VideoFrame], limit: int, gop: int) -> Anchor:
    finer, coarser = FINEST_CRF, COARSEST_CRF
    best = _encode(frames, coarser, gop)
    for _ in range(STEPS):
        if _size(best) >= CLOSE_ENOUGH * limit:
            break
        crf = round((finer + coarser) / 2, 2)
        packets = _encode(frames, crf, gop)
        if _size(packets) <= limit:
            best, coarser = packets, crf
        else:
            finer = crf
    return Anchor(coarser, frames[0].format.name, _size(best), _decode(best))


def _quality(anchor: Anchor, clip: Sequence[Array] | Array) -> float:
    """RGB PSNR, dB."""
    pairs = zip(anchor.pictures, clip, strict=True)
    return mean_psnr(float(psnr(picture / 255, as_stored(truth))) for picture, truth in pairs)


def _frames(clip: Sequence[Array] | Array, name: str) -> list[av.VideoFrame]:
    subsampling, _ = parse_planar_format(name)
    frames = []
    for number, picture in enumerate(clip):
        planes = rgb_to_yuv(picture, matrix=MATRIX, range=RANGE, subsampling=subsampling)
        frame = frame_from_planes(planes, name)
        tag_colour(frame, MATRIX, RANGE)
        frame.pts, frame.time_base = number, 1 / _RATE
        frames.append(frame)
    return frames


def _encode(frames: Sequence[av.VideoFrame], crf: float, gop: int) -> list[bytes]:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = frames[0].width, frames[0].height, frames[0].format.name
    context.time_base, context.framerate = 1 / _RATE, _RATE
    distance = gop or _ENDLESS
    context.options = {
        "preset": PRESET,
        "tune": TUNE,
        "crf": str(crf),
        "x264-params": f"keyint={distance}:min-keyint={distance}:scenecut=0:bframes=0:threads=1",
    }
    tag_colour(context, MATRIX, RANGE)
    packets = [packet for frame in [*frames, None] for packet in context.encode(frame)]
    return [_SELF_DESCRIPTION.sub(b"", bytes(packet)) for packet in packets]


def _size(packets: Sequence[bytes]) -> int:
    return sum(map(len, packets))


def _decode(packets: Sequence[bytes]) -> NDArray[np.uint8]:
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, av.VideoCodecContext)
    decoded = [frame for packet in packets for frame in context.decode(av.Packet(packet))]
    decoded += context.decode(None)
    pictures = [frame_to_rgb(frame, MATRIX, RANGE) for frame in decoded]
    return np.stack([np.rint(picture * 255).astype(np.uint8) for picture in pictures])

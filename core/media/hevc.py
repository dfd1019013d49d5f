"""Single pictures by HEVC: x265 as its intra frames are, and libav's decoder, which is exact by the standard."""

from __future__ import annotations

import numpy as np

from core.hooks import Array, PictureFormat
from core.media.colour import Matrix, Range, Subsampling, rgb_to_yuv
from core.media.planes import frame_from_planes, frame_to_rgb, planar_format
from core.media.single import decode_picture, encode_picture

MATRIX, RANGE, SUBSAMPLING = Matrix.BT709, Range.LIMITED, Subsampling.YUV420
_MULTIPLE, _MIN_SIZE = 8, 16
"""Height and width in pixels: of the smallest coding unit, and of the smallest picture that x265 takes."""
_PARAMETERS = (
    "keyint=1:info=0:repeat-headers=1:log-level=none"  # headers in the picture's bytes, and no advertisement
    ":pools=none:frame-threads=1"  # the same bytes on every machine
)


class Hevc:
    """`core.hooks.IntraCodec`: HEVC in 4:2:0, preset medium. ``crf``: rate factor in place of the video codec's."""

    fingerprint = b""

    def __init__(self, crf: float | None = None) -> None:
        self._crf = crf

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """A picture (3,H,W) in [0,1], continued to the right and bottom up to whole coding units."""
        height, width = _coded_size(format)
        padding = ((0, 0), (0, height - format.height), (0, width - format.width))
        planes = rgb_to_yuv(
            np.pad(frame, padding, mode="edge"),
            matrix=MATRIX,
            range=RANGE,
            depth=_depth(format),
            subsampling=SUBSAMPLING,
        )
        options = {
            "preset": "medium",
            "tune": "zerolatency",
            "crf": f"{crf if self._crf is None else self._crf:.2f}",
            "x265-params": _PARAMETERS,
        }
        picture = frame_from_planes(planes, planar_format(SUBSAMPLING, _depth(format)))
        return encode_picture(picture, "libx265", options)

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W) in [0,1]; raises `StreamError` where the payload is no such picture."""
        height, width = _coded_size(format)
        picture = decode_picture(payload, "hevc", width, height, planar_format(SUBSAMPLING, _depth(format)))
        return frame_to_rgb(picture, MATRIX, RANGE)[:, : format.height, : format.width]


def _coded_size(format: PictureFormat) -> tuple[int, int]:
    """Height and width of the picture that is coded."""
    height, width = (-(-length // _MULTIPLE) * _MULTIPLE for length in (format.height, format.width))
    return max(height, _MIN_SIZE), max(width, _MIN_SIZE)


def _depth(format: PictureFormat) -> int:
    return 8 if format.depth == 8 else 10

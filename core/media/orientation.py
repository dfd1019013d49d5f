"""The turn and mirroring that make a stored picture stand upright: from display matrices and from EXIF."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.sidedata.sidedata import Type
from PIL import Image

from core.media.colour import Rgb
from core.media.planes import side_data

log = logging.getLogger(__name__)

_EXIF_ORIENTATION = 0x0112
_SKEW = 0.02
"""Tolerance of a matrix whose other entries are 1: more than this is no multiple of 90 degrees."""


@dataclass(frozen=True)
class Orientation:
    """Steps that are done to a picture, in this order."""

    sideways: bool = False
    """Rows become columns."""
    flipped: bool = False
    """The last row comes first."""
    mirrored: bool = False
    """The last column comes first."""

    def apply(self, rgb: Rgb) -> Rgb:
        """The picture (3,H,W), upright; (3,W,H) where it lay on its side."""
        if self == UPRIGHT:
            return rgb
        turned = rgb.swapaxes(1, 2) if self.sideways else rgb
        return np.ascontiguousarray(turned[:, :: -1 if self.flipped else 1, :: -1 if self.mirrored else 1])


UPRIGHT = Orientation()

_EXIF = {
    2: Orientation(mirrored=True),
    3: Orientation(flipped=True, mirrored=True),
    4: Orientation(flipped=True),
    5: Orientation(sideways=True),
    6: Orientation(sideways=True, mirrored=True),
    7: Orientation(sideways=True, flipped=True, mirrored=True),
    8: Orientation(sideways=True, flipped=True),
}


def exif_orientation(path: Path) -> Orientation:
    """The orientation that a picture file asks for; upright where it says nothing that can be read."""
    try:
        with Image.open(path) as image:
            return _EXIF.get(image.getexif().get(_EXIF_ORIENTATION, 1), UPRIGHT)
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError):
        return UPRIGHT


def frame_orientation(frame: av.VideoFrame, path: Path | str) -> Orientation:
    """What the video at ``path`` asks for a decoded frame; none of the eight ways: upright, and a warning."""
    data = side_data(frame, Type.DISPLAYMATRIX)
    return matrix_orientation(struct.unpack("=9i", data[:36]), path) if data else UPRIGHT


def matrix_orientation(matrix: tuple[int, ...], path: Path | str) -> Orientation:
    """Orientation by libav's display matrix: column and row of a sample become (a·x + c·y, b·x + d·y)."""
    a, b, c, d = (matrix[index] for index in (0, 1, 3, 4))
    size = max(map(abs, (a, b, c, d)))
    if min(abs(a), abs(d)) > 0 and max(abs(b), abs(c)) <= _SKEW * size:
        return Orientation(flipped=d < 0, mirrored=a < 0)
    if min(abs(b), abs(c)) > 0 and max(abs(a), abs(d)) <= _SKEW * size:
        return Orientation(sideways=True, flipped=b < 0, mirrored=c < 0)
    log.warning(
        "%s asks for a rotation that is no multiple of 90 degrees, or a shear: the pictures are left as stored.",
        path,
    )
    return UPRIGHT

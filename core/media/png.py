"""Single pictures without loss, as PNG."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from core.hooks import Array, PictureFormat
from core.media.samples import samples
from core.media.single import decode_picture, encode_picture


class Png:
    """`core.hooks.IntraCodec` without loss: pictures rounded to the format's depth; there is no quality to choose."""

    fingerprint = b""

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """A picture (3,H,W) in [0,1]."""
        pixels: NDArray[Any] = np.ascontiguousarray(samples(frame, format.depth).transpose(1, 2, 0))
        return encode_picture(av.VideoFrame.from_ndarray(pixels, _layout(format)), "png", {})

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W) in [0,1]; raises `StreamError` where the payload is no such picture."""
        picture = decode_picture(payload, "png", format.width, format.height, _layout(format))
        pixels = picture.to_ndarray().transpose(2, 0, 1)
        return np.divide(pixels, (1 << format.depth) - 1, dtype=np.float32)


def _layout(format: PictureFormat) -> str:
    """Above 8 bits samples keep their values, in 16."""
    return "rgb24" if format.depth == 8 else "rgb48be"

"""Decoded pictures: how what a codec's network computes becomes samples, and samples become its next reference.

All codecs share this rule, and a stream's picture checks rest on it. A picture has its true size and the samples
round(clamp(x, 0, 1) * (2^depth - 1)), halves to even. The reference is samples / (2^depth - 1), continued to the right
and bottom by its last column and row, up to a size that the network takes. Frames to be coded are continued likewise.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from core.errors import CheckpointError, MediaError
from core.hooks import Array, Picture, PictureFormat
from core.media.samples import samples


def checksum(picture: Picture) -> int:
    """CRC-32 of a picture's samples in C order, little-endian."""
    return zlib.crc32(picture.astype(picture.dtype.newbyteorder("<"), copy=False).tobytes())


class DecodedPictures:
    """The rule for one format and a network whose height and width must be divisible by ``multiple``."""

    def __init__(self, format: PictureFormat, multiple: int) -> None:
        self.format = format
        self.height = -(-format.height // multiple) * multiple
        """Rows that the network sees."""
        self.width = -(-format.width // multiple) * multiple
        """Columns that the network sees."""
        self._peak = np.float32((1 << format.depth) - 1)

    def padded(self, frame: Array) -> Array:
        """A frame (3,H,W) as the network takes it; raises `MediaError` when it has not the format's size."""
        if frame.shape != (3, self.format.height, self.format.width):
            raise MediaError(
                f"A frame of {frame.shape[2]}x{frame.shape[1]} stands among frames of "
                f"{self.format.width}x{self.format.height}: all frames of a stream must have one size."
            )
        below, right = self.height - frame.shape[1], self.width - frame.shape[2]
        return np.pad(frame, ((0, 0), (0, below), (0, right)), mode="edge")

    def samples(self, output: NDArray[np.float32]) -> Picture:
        """The picture (3,H,W) from what the network computed, (3,height,width) of any range.

        Raises `CheckpointError` when that is not finite.
        """
        values = output[:, : self.format.height, : self.format.width]
        if not np.isfinite(values).all():
            raise CheckpointError(
                "The network's picture holds values that are no numbers: its training has diverged; "
                "give another checkpoint."
            )
        return samples(values, self.format.depth)

    def reference(self, picture: Picture) -> Array:
        """A decoded picture as the network takes it."""
        return self.padded(picture.astype(np.float32) / self._peak)

"""Limits of what a file may ask for: a few bytes of a picture or a stream can stand for gigabytes, or for days."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.errors import MediaError

MAX_PIXELS = 1 << 26
"""8192x8192. Film of 8K (33 million pixels) and panoramas have less; a frame of so many takes 0.8 GB as floats, and
several times that in a network. A picture of 20000x20000 in one colour, a file of 50 kB, has six times as many."""


@dataclass(frozen=True)
class Limits:
    """The largest source and output; None: any. Raises `MediaError` where there is more."""

    pixels: int | None = MAX_PIXELS
    """Pixels of a picture."""
    frames: int | None = None
    """Frames of a video."""
    output_bytes: int | None = None
    """Bytes of an output that is not coded (y4m, PNG before it is packed)."""

    def require_pixels(self, what: object, pixels: int) -> None:
        """Ask before a picture of ``what`` is allocated."""
        if self.pixels is not None and pixels > self.pixels:
            raise MediaError(
                f"{what} has pictures of {pixels:,} pixels, and limits.pixels allows {self.pixels:,}: where that is "
                "meant, and memory allows it, give limits.pixels=null."
            )

    def require_frames(self, what: object, frames: int) -> None:
        """Ask as soon as the number of frames is known."""
        if self.frames is not None and frames > self.frames:
            raise MediaError(
                f"{what} has more than the {self.frames:,} frames that limits.frames allows: give a larger value, or "
                "null."
            )

    def require_output(self, output: Path, size: int | None) -> None:
        """Ask before the first frame of an output that is thought to take ``size`` bytes (None: not known)."""
        if self.output_bytes is not None and size is not None and size > self.output_bytes:
            raise MediaError(
                f"{output} would take about {size / 1e9:.3g} GB, and limits.output_bytes allows "
                f"{self.output_bytes / 1e9:.3g} GB: write .mp4 or .mkv, or give a larger value, or null."
            )


STANDARD = Limits()
"""The limits where nobody chose others."""

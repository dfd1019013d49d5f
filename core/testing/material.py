"""Moving frames for tests, and streams of packets that were made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.codec.intra import NamedIntraCodec
from core.data.pattern import moving_frames
from core.hooks import IntraCodec, Packet
from core.media.colour import Matrix, Range
from core.media.png import Png
from core.stream import StreamHeader, StreamWriter

__all__ = ["ARITHMETIC", "COUNT", "HEIGHT", "WIDTH", "moving_frames", "stream_header", "write_stream"]

WIDTH, HEIGHT, COUNT = 40, 24, 8
"""Size and frames of the conformance suite's video."""
ARITHMETIC = "tests"
"""What the headers of `write_stream` call the encoder's arithmetic."""


def png_intra() -> IntraCodec:
    """The picture codec that a run with ``intra=png`` gives to codecs that need one."""
    return NamedIntraCodec("png", Png(), {})


def stream_header(**options: Any) -> StreamHeader:
    """The header of a stream of codec "tried" with fingerprint 0, whose time base is a frame; but for the options."""
    return StreamHeader(**{**_HEADER, **options})


_HEADER = {
    "codec": "tried",
    "fingerprint": bytes(16),
    "width": WIDTH,
    "height": HEIGHT,
    "depth": 8,
    "frame_rate": Fraction(25),
    "time_base": Fraction(1, 25),
    "frames": None,
    "pixel_format": "yuv420p",
    "matrix": Matrix.BT709,
    "range": Range.LIMITED,
    "gop": 0,
    "arithmetic": ARITHMETIC,
}


def write_stream(path: Path, header: StreamHeader, packets: Iterable[Packet]) -> bytes:
    """A whole stream of these packets, right or wrong; returns its bytes."""
    with StreamWriter.create(path, header) as writer:
        for packet in packets:
            writer.write(packet)
    return path.read_bytes()

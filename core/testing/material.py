"""Moving frames for tests, and streams of packets that were made by hand."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from core.codec.intra import NamedIntraCodec
from core.hooks import Array, IntraCodec, Packet
from core.media.colour import Matrix, Range
from core.media.png import Png
from core.stream import StreamHeader, StreamWriter

WIDTH, HEIGHT, COUNT = 40, 24, 8
"""Of the conformance suite's video."""
ARITHMETIC = "tests"
"""What the headers of `write_stream` call the encoder's arithmetic."""


def moving_frames(count: int, height: int = 128, width: int = 128, seed: int = 8) -> Array:
    """``count`` frames (T,3,H,W) in [0,1] of a drifting pattern."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, height // 8 + 8, width // 8 + 8), dtype=np.float32)
    large = np.kron(coarse, np.ones((8, 8), np.float32))
    starts = [(3 * t % 61, 2 * t % 59) for t in range(count)]
    return np.stack([large[:, y : y + height, x : x + width] for y, x in starts])


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

"""Clips of a data set into streams and back: what measurements of codecs have in common."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.coding.groups import TimedPicture, coded, planned, unit
from core.hooks import Array, PictureFormat
from core.media.colour import Matrix, Range
from core.stream import StreamHeader, StreamWriter

RATE = Fraction(25)
"""Frames per second that the streams of clips state: a clip does not know its own."""


def encode_clip(loaded: LoadedCodec, frames: Array, path: Path, estimate: bool = False) -> float:
    """Write the stream of a clip (T,3,H,W) in [0,1]; returns its estimated bits (0 where not asked for)."""
    count, _, height, width = frames.shape
    header = StreamHeader(
        codec=loaded.name,
        fingerprint=loaded.fingerprint,
        width=width,
        height=height,
        depth=8,
        frame_rate=RATE,
        time_base=1 / RATE,
        frames=count,
        pixel_format="rgb24",
        matrix=Matrix.BT709,
        range=Range.FULL,
        gop=loaded.gop,
        arithmetic=loaded.arithmetic,
    )
    pictures = planned(
        (TimedPicture(picture, number) for number, picture in enumerate(frames)),
        loaded.group,
        loaded.scene_cut,
    )
    bits = 0.0
    with StreamWriter.create(path, header) as writer:
        for frame, _ in coded(pictures, loaded.codec, PictureFormat(width, height), estimate):
            writer.write(frame.packet)
            bits += frame.estimated_bits or 0.0
    return bits


def decode_clip(loaded: LoadedCodec, path: Path) -> Array:
    """The pictures (T,3,H,W) of a stream, in [0,1], by a fresh decoder."""
    with StreamDecoder(path, loaded) as stream:
        return np.stack([unit(frame.picture, stream.header.depth) for frame in stream.frames()])

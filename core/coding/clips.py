"""Clips of a data set into streams and back: what measurements of codecs have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.coding.groups import TimedPicture, encode_groups, plan_intra, to_unit_range
from core.hooks import Array, Codec, CodedFrame, DecodedFrame, Packet, PictureFormat
from core.media.colour import Matrix, Range
from core.stream import StreamHeader, StreamWriter

RATE = Fraction(25)
"""Frames per second that the streams of clips state: a clip does not know its own."""


def encode_frames(
    codec: Codec,
    frames: Iterable[Array],
    format: PictureFormat,
    *,
    group: int = 0,
    scene_cut: bool = False,
    estimate: bool = False,
) -> Iterator[CodedFrame]:
    """The frames of a clip, coded as those of a video, in order of decoding; each lasts one unit of time.

    ``group`` and ``scene_cut`` are where intra frames stand, as in `core.coding.groups.plan_intra`.
    """
    timed = (TimedPicture(frame, time) for time, frame in enumerate(frames))
    pictures = plan_intra(timed, group, scene_cut)
    return (frame for frame, _ in encode_groups(pictures, codec, format, estimate))


def decode_packets(codec: Codec, format: PictureFormat, packets: Iterable[Packet]) -> list[DecodedFrame]:
    """The frames that a fresh decoder shows of packets, in order of display."""
    decoder = codec.decoder(format)
    return [*(frame for packet in packets for frame in decoder.decode(packet)), *decoder.flush()]


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
    bits = 0.0
    with StreamWriter.create(path, header) as writer:
        for frame in encode_frames(
            loaded.codec,
            frames,
            PictureFormat(width, height),
            group=loaded.group,
            scene_cut=loaded.scene_cut,
            estimate=estimate,
        ):
            writer.write(frame.packet)
            bits += frame.estimated_bits or 0.0
    return bits


def decode_clip(loaded: LoadedCodec, path: Path) -> Array:
    """The pictures (T,3,H,W) of a stream, in [0,1], by a fresh decoder."""
    with StreamDecoder(path, loaded) as stream:
        return np.stack([to_unit_range(frame.picture, stream.header.depth) for frame in stream.frames()])

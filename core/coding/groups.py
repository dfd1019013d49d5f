"""Turns the frames of a video into packets: places intra frames, and codes groups that know nothing of one
another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from core.hooks import Array, Codec, CodedFrame, FrameEncoder, Picture, PictureFormat
from core.media.scenes import SceneCutDetector
from core.media.video import Frame


@dataclass(frozen=True)
class TimedPicture:
    """A picture (3,H,W) in [0,1] and when it is shown, in units of the stream's time base."""

    picture: Array
    time: int


@dataclass(frozen=True)
class PlannedPicture(TimedPicture):
    """The same, and whether it is to be an intra frame."""

    intra: bool


def to_unit_range(picture: Picture, depth: int) -> Array:
    """A decoded picture as float32 in [0,1]."""
    return np.divide(picture, (1 << depth) - 1, dtype=np.float32)


def assign_times(frames: Iterable[Frame], time_base: Fraction) -> Iterator[TimedPicture]:
    """Frames with their times in units of ``time_base`` seconds, which rise as the reader's do."""
    for frame in frames:
        yield TimedPicture(frame.rgb, round(frame.pts / time_base))


def plan_intra(pictures: Iterable[TimedPicture], gop: int, scene_cut: bool) -> Iterator[PlannedPicture]:
    """Pictures with intra frames: the first, each ``gop`` after the last one (0: none), and at scene cuts if asked."""
    detector = SceneCutDetector()
    previous: Array | None = None
    since = 0
    for item in pictures:
        cut = scene_cut and previous is not None and detector.is_cut(previous, item.picture)
        intra = previous is None or cut or since == gop
        since = 1 if intra else since + 1
        previous = item.picture
        yield PlannedPicture(item.picture, item.time, intra)


def encode_groups(
    pictures: Iterable[PlannedPicture], codec: Codec, format: PictureFormat, estimate: bool = False
) -> Iterator[tuple[CodedFrame, Array]]:
    """Coded frames in order of decoding, each with the picture that it was made from.

    Each intra frame begins a fresh encoder, after all frames before it were coded, as does the first one of an encode
    that goes on. Holds no more pictures than the codec reorders.
    """
    waiting: dict[int, Array] = {}
    for finished in _encode_next(pictures, waiting, codec, format, estimate):
        yield finished, waiting.pop(finished.packet.time)


def _encode_next(
    pictures: Iterable[PlannedPicture],
    waiting: dict[int, Array],
    codec: Codec,
    format: PictureFormat,
    estimate: bool,
) -> Iterator[CodedFrame]:
    encoder: FrameEncoder | None = None
    for item in pictures:
        if item.intra or encoder is None:
            if encoder is not None:
                yield from encoder.flush()
            encoder = codec.encoder(format, estimate)
        waiting[item.time] = item.picture
        yield from encoder.encode(item.picture, item.time, item.intra)
    if encoder is not None:
        yield from encoder.flush()

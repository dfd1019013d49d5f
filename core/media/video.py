"""A video for the rest of the program: its facts, its frames, and a reader that yields them in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range
from core.media.presentation import Presentation


@dataclass(frozen=True)
class RawFormat:
    """The format of a headerless file of planes (.yuv): size in pixels, pixel format, frames per second."""

    width: int
    height: int
    pixel_format: str = "yuv420p"
    frame_rate: Fraction = Fraction(25)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or self.frame_rate <= 0:
            raise MediaError(
                f"raw video needs a positive size and frame rate, not {self.width}x{self.height} at {self.frame_rate}"
            )
        try:
            av.VideoFormat(self.pixel_format)
        except ValueError:
            raise MediaError(
                f"'{self.pixel_format}' is not a pixel format; use for instance yuv420p, yuv444p or yuv420p10le"
            ) from None


@dataclass(frozen=True)
class VideoInfo:
    """The facts of a video as its frames are delivered, after turning by the rotation that the file states.

    ``frame_count`` and ``duration`` (seconds) are what the container claims, or None. ``frame_rate`` is the
    average. ``matrix`` and ``range`` are those used for the conversion to RGB; ``matrix`` of a source that is
    RGB already is never applied; ``chroma`` is how its samples are interpolated. ``time_base`` is the unit of the
    file's time stamps in seconds, and ``start`` when its first frame is shown, in seconds of its own clock; ``end`` is
    when a part of a video ends, by the same clock, and None for a whole one.
    """

    width: int
    height: int
    frame_rate: Fraction
    frame_count: int | None
    duration: Fraction | None
    pixel_format: str
    depth: int
    matrix: Matrix
    range: Range
    codec: str
    has_audio: bool
    time_base: Fraction
    chroma: Chroma = Chroma.BILINEAR
    start: Fraction = Fraction(0)
    end: Fraction | None = None
    presentation: Presentation = field(default_factory=Presentation)


@dataclass(frozen=True)
class Frame:
    """One picture: ``rgb`` float32 (3,H,W) in [0,1], and ``pts``, its time in seconds after the first frame.

    ``duration`` is how long it is shown, in seconds: to the next frame; of the last one where the source says so.
    """

    rgb: NDArray[np.float32]
    pts: Fraction
    duration: Fraction | None = None


class VideoReader(ABC):
    """An open video. Iterating yields its frames once, in order of display at rising times, holding one at a time.

    A video that is damaged part way yields the frames before the damage, then raises `MediaError`.
    """

    info: VideoInfo

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]: ...

    @abstractmethod
    def has_constant_rate(self) -> bool:
        """Whether frame n is shown n / ``info.frame_rate`` seconds after the first; may read through the file."""

    @abstractmethod
    def intervals(self) -> tuple[Fraction, Fraction]:
        """The shortest and the longest time that a frame is shown, in seconds; may read through the file."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

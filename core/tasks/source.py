"""The video that a task reads: options that upscaling and coding share."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import MISSING

from core.errors import ConfigError
from core.hooks import FilePath
from core.options import option
from core.tasks.options import PartOptions
from core.tasks.pipes import PIPE

if TYPE_CHECKING:
    from core.media.excerpt import Film
    from core.media.limits import Limits
    from core.media.video import VideoReader

_ADDRESS = re.compile(r"(rtsp|rtmp|srt|udp|tcp|http|https)://\S+|/dev/video\d+")


def is_live(name: str) -> bool:
    """Whether a name is that of standard input, of a camera or of an address, not that of a file."""
    return name == PIPE or _ADDRESS.fullmatch(name) is not None


@dataclass
class SourceConfig(PartOptions):
    """Describes a video: where it comes from, and what a file without a header does not say."""

    input: FilePath = MISSING
    """Video file, raw .yuv (state ``raw_size``), or folder of pictures; to encode, also ``-`` for standard input, a
    camera (/dev/video0) or an address (rtsp://…)."""
    raw_size: str | None = None
    """Size of raw video, as 1920x1080."""
    raw_format: str = "yuv420p"
    """Pixel format of raw video."""
    frame_rate: float = option(25.0, above=0)
    """Frames per second of raw video and picture folders."""
    deinterlace: bool = False
    """Make whole frames of interlaced ones."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.raw_size is not None and not re.fullmatch(r"\d+[xX]\d+", self.raw_size):
            raise ValueError(f"raw_size={self.raw_size} is not a size such as 1920x1080.")

    @property
    def path(self) -> Path:
        """The file or folder."""
        return Path(self.input)

    def open(self, limits: Limits) -> VideoReader:
        """A reader of the video file, or of a part; raises `MediaError` where there is none, or beyond the limits."""
        from core.media.excerpt import ExcerptReader
        from core.media.index import FrameIndex
        from core.media.reader import open_video

        start, end = self.places
        if end is None and start == 0:
            return open_video(self.path, **self._how, limits=limits)
        index = FrameIndex(self.path, **self._how, limits=replace(limits, frames=None))
        part = ExcerptReader(index, start, end)
        limits.require_frames(f"the part of {self.path}", len(part.film))
        return part

    def open_live(self, limits: Limits) -> VideoReader:
        """The same of what is not necessarily a file; raises `ConfigError` where options need one."""
        from core.media.pipe import LiveReader

        if not is_live(self.input):
            return self.open(limits)
        if self.places != (0, None) or self.raw_size or self.deinterlace:
            raise ConfigError(
                f"task.start, task.end, task.raw_size and task.deinterlace need a file, which {self.input} is not."
            )
        return LiveReader(sys.stdin.buffer if self.input == PIPE else self.input, limits)

    def film(self, reader: VideoReader, limits: Limits) -> Film:
        """The frames of a reader that was opened, for other processes."""
        from core.media.excerpt import ExcerptReader, Film
        from core.media.index import FrameIndex

        if isinstance(reader, ExcerptReader):
            return reader.film
        index = FrameIndex(self.path, **self._how, limits=limits)
        return Film(index, 0, len(index))

    @property
    def _how(self) -> dict[str, Any]:
        """How it is read, as `open_video` takes it."""
        from core.media.video import RawFormat

        rate = Fraction(self.frame_rate).limit_denominator(1001)
        raw = None
        if self.raw_size is not None:
            width, height = map(int, self.raw_size.lower().split("x"))
            raw = RawFormat(width, height, self.raw_format, rate)
        return {"raw": raw, "frame_rate": rate, "deinterlace": self.deinterlace}

"""A part of a video as a video of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from core.errors import MediaError
from core.media.index import FrameIndex
from core.media.place import Place, frame_at, in_words
from core.media.presentation import Chapter, Presentation
from core.media.video import Frame, VideoReader


@dataclass(frozen=True)
class Film:
    """The frames of a video, or of a part of it, as any process can read them: it holds no open file."""

    index: FrameIndex
    start: int
    """Number of its first frame in the whole video."""
    stop: int
    """Number of the frame after its last one."""

    def __len__(self) -> int:
        return self.stop - self.start

    def at(self, path: Path) -> Film:
        """The same of a copy of the video."""
        return replace(self, index=self.index.at(path))

    @property
    def times(self) -> list[Fraction]:
        """When each of its frames is shown, in seconds after the first."""
        times = self.index.times[self.start : self.stop]
        return [time - times[0] for time in times]

    def frames(self, first: int, stop: int) -> Generator[Frame, None, None]:
        """Its frames from number ``first`` on, before number ``stop``; times begin at its first frame."""
        zero = self.index.times[self.start]
        for frame in self.index.frames(self.start + first, self.start + stop):
            yield Frame(frame.rgb, frame.pts - zero, frame.duration)


class ExcerptReader(VideoReader):
    """The frames from ``start`` up to ``end`` (None: all), which is not among them; times begin at the first of them.

    Only what lies between the key frame ahead of them and the last one is decoded, where the file allows it. Raises
    `MediaError` where no frame lies between.
    """

    def __init__(self, index: FrameIndex, start: Place, end: Place | None) -> None:
        times = index.times
        first = frame_at(start, times)
        stop = min(len(times) if end is None else frame_at(end, times), len(times))
        if first >= stop:
            raise MediaError(
                f"{index.path} has no frame from {in_words(start)} up to "
                f"{'its end' if end is None else in_words(end)}: it has {len(times)} frames, "
                f"the last one at {float(times[-1]):.6g} s."
            )
        zero = times[first]
        whole = index.info
        last = whole.presentation.last_duration
        if stop < len(times):
            last = times[stop] - times[stop - 1]
        length = times[stop - 1] + (last or 1 / whole.frame_rate) - zero
        begin = whole.start + zero
        self.info = replace(
            whole,
            frame_count=stop - first,
            duration=length,
            start=begin,
            end=begin + length,
            presentation=_of_part(whole.presentation, zero, length, last),
        )
        self.film = Film(index, first, stop)
        """Its frames, for other processes."""
        self._frames = self.film.frames(0, len(self.film))

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def has_constant_rate(self) -> bool:
        """See the whole video."""
        with self.film.index.open() as whole:
            return whole.has_constant_rate()

    def intervals(self) -> tuple[Fraction, Fraction]:
        """See the whole video."""
        with self.film.index.open() as whole:
            return whole.intervals()

    def close(self) -> None:
        """Let go of the file."""
        self._frames.close()


def _of_part(whole: Presentation, zero: Fraction, length: Fraction, last: Fraction | None) -> Presentation:
    """The presentation of a part that begins at ``zero`` seconds: chapters are cut to it."""
    moved = (
        Chapter(max(chapter.start - zero, Fraction(0)), min(chapter.end - zero, length), chapter.title)
        for chapter in whole.chapters
    )
    chapters = tuple(chapter for chapter in moved if chapter.end > chapter.start)
    return replace(whole, last_duration=last, chapters=chapters)

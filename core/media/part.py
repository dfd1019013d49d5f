"""A part of a video as a video of its own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction

from core.errors import MediaError
from core.media.index import FrameIndex
from core.media.place import Place, frame_at, said
from core.media.presentation import Chapter, Presentation
from core.media.video import Frame, VideoReader


class PartReader(VideoReader):
    """The frames from ``start`` up to ``end`` (None: all), which is not among them; times begin at the first of them.

    Only what lies between the key frame ahead of them and the last one is decoded, where the file allows it. Raises
    `MediaError` where no frame lies between.
    """

    def __init__(self, index: FrameIndex, start: Place, end: Place | None) -> None:
        times = index.times
        self._index = index
        self.start = frame_at(start, times)
        """Number of the first frame in the whole video."""
        self.stop = min(len(times) if end is None else frame_at(end, times), len(times))
        """Number of the frame after the last one."""
        if self.start >= self.stop:
            raise MediaError(
                f"{index.path} has no frame from {said(start)} up to {'its end' if end is None else said(end)}: "
                f"it has {len(times)} frames, the last one at {float(times[-1]):.6g} s."
            )
        self._zero = times[self.start]
        whole = index.info
        last = whole.presentation.last_duration
        if self.stop < len(times):
            last = times[self.stop] - times[self.stop - 1]
        length = times[self.stop - 1] + (last or 1 / whole.frame_rate) - self._zero
        begin = whole.start + self._zero
        self.info = replace(
            whole,
            frame_count=self.stop - self.start,
            duration=length,
            start=begin,
            end=begin + length,
            presentation=_of_part(whole.presentation, self._zero, length, last),
        )
        self._frames = self._moved()

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def has_constant_rate(self) -> bool:
        """As the whole video."""
        with self._index.open() as whole:
            return whole.has_constant_rate()

    def intervals(self) -> tuple[Fraction, Fraction]:
        """As in the whole video."""
        with self._index.open() as whole:
            return whole.intervals()

    def close(self) -> None:
        """Let go of the file."""
        self._frames.close()

    def _moved(self) -> Generator[Frame, None, None]:
        for frame in self._index.frames(self.start, self.stop):
            yield Frame(frame.rgb, frame.pts - self._zero, frame.duration)


def _of_part(whole: Presentation, zero: Fraction, length: Fraction, last: Fraction | None) -> Presentation:
    """What is said of a part that begins at ``zero`` seconds: chapters are cut to it."""
    moved = (
        Chapter(max(chapter.start - zero, Fraction(0)), min(chapter.end - zero, length), chapter.title)
        for chapter in whole.chapters
    )
    chapters = tuple(chapter for chapter in moved if chapter.end > chapter.start)
    return replace(whole, last_duration=last, chapters=chapters)

"""A decoded video in parts, by which a decode that was stopped goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import count, takewhile
from pathlib import Path
from types import TracebackType
from typing import Any

from numpy.typing import NDArray

from core.facts import Facts
from core.media.presentation import Presentation
from core.media.work_folder import WorkFolder, clear, keeping
from core.media.writer import VideoWriter, concatenate

SEGMENT_FRAMES = 250
"""Frames of a part: after so many, x264 begins with an intra frame of itself."""


class SegmentsWriter:
    """Writes an mp4 or mkv file as `core.media.writer.VideoWriter` does, part by part, and joins them at the end.

    ``opened`` opens a part. Whole parts of a stopped job of the same facts count, and their ``kept`` frames are to be
    skipped.
    """

    def __init__(
        self,
        output: Path,
        job: Facts,
        presentation: Presentation,
        frame_rate: Fraction,
        opened: Callable[[Path, Presentation], VideoWriter],
    ) -> None:
        self._output, self._presentation, self._rate, self._opened = output, presentation, frame_rate, opened
        self._writer: VideoWriter | None = None
        self._starts: list[Fraction] = []
        self._end = Fraction(0)
        self._count = 0
        with keeping(output):
            self._folder = WorkFolder(output, job)
        whole = takewhile(self._folder.holds, map(self._part, count()))
        self.kept = SEGMENT_FRAMES * sum(1 for _ in whole)

    def skip(self, begin: Fraction, end: Fraction) -> None:
        """Pass over a frame that is kept, shown from ``begin`` to ``end`` seconds."""
        self._note(begin, end)

    def write(self, rgb: NDArray[Any], begin: Fraction, duration: Fraction) -> None:
        """Append a picture (3,H,W) in [0,1], shown from ``begin`` on for so many seconds."""
        with keeping(self._output):
            if self._count % SEGMENT_FRAMES == 0:
                self._close()
                path = self._part(len(self._starts))
                clear(path)
                self._writer = self._opened(path, replace(self._presentation, metadata={}, chapters=()))
            self._note(begin, begin + duration)
            assert self._writer is not None
            self._writer.write(rgb, begin - self._starts[-1], duration)

    def _note(self, begin: Fraction, end: Fraction) -> None:
        if self._count % SEGMENT_FRAMES == 0:
            self._starts.append(begin)
        self._count += 1
        self._end = end

    def _part(self, number: int) -> Path:
        return self._folder.path / f"{number:06d}.mp4"  # which alone keeps exact times, also for an .mkv

    def _close(self, last: bool = False) -> None:
        """Complete the part under way; the last one does not count, so that something is left to a later decode."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()
            if not last:
                self._folder.add(writer.path)

    def __enter__(self) -> SegmentsWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with keeping(self._output):
                self._close(last=True)
                concatenate(
                    [self._part(number) for number in range(len(self._starts))],
                    self._output,
                    presentation=self._presentation,
                    frame_rate=self._rate,
                    starts=self._starts,
                    end=self._end,
                )
                self._folder.remove()
            return
        if self._writer is not None:
            self._writer.__exit__(kind, error, trace)
        if not self._starts:
            self._folder.remove()

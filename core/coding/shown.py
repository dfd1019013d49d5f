"""When the frames of a stream are shown, and for how long, also the last one that is written."""

from __future__ import annotations

from array import array
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from core.errors import MediaError, StreamError
from core.media.place import Place, frame_at, in_words
from core.stream import StreamHeader, StreamReader


class Shown:
    """The times of a stream's frames in order of display, those from number ``start`` on in seconds after that one.

    A stream of constant rate is not looked through; of others all packets are passed over once, and their times held.
    """

    def __init__(self, source: Path, header: StreamHeader, start: int = 0) -> None:
        self._header, self._start = header, start
        self._last = header.presentation.last_duration or 1 / header.frame_rate
        self.steady = header.time_base * header.frame_rate == 1 and header.presentation.last_duration is None
        """Whether all frames are shown equally long."""
        self._times = array("Q") if self.steady else array("Q", sorted(times_of(source)))
        self._first: int | None = None
        self._count = 0

    def __call__(self, time: int) -> tuple[Fraction, Fraction]:
        """When the next frame, at ``time`` units of the stream, begins and ends to be shown."""
        self._first = time if self._first is None else self._first
        number, self._count = self._start + self._count, self._count + 1
        begin = self._seconds(time)
        if self.steady:
            return begin, begin + 1 / self._header.frame_rate
        after = number + 1
        return begin, self._seconds(self._times[after]) if after < len(self._times) else begin + self._last

    def intervals(self) -> tuple[Fraction, Fraction]:
        """The shortest and the longest time that a frame is shown, in seconds."""
        steps = array("Q", (later - earlier for earlier, later in pairwise(self._times) if later > earlier))
        if not steps:
            return 1 / self._header.frame_rate, self._last
        unit = self._header.time_base
        return min(steps) * unit, max(max(steps) * unit, self._last)

    def _seconds(self, time: int) -> Fraction:
        return (time - (self._first or 0)) * self._header.time_base


def frames_between(source: Path, start: Place, end: Place | None) -> tuple[int, int | None]:
    """The number of the first frame of a stream from a place on, and how many there are up to another (None: all).

    Raises `MediaError` where no frame lies between.
    """
    if isinstance(start, int) and (end is None or isinstance(end, int)):
        first, stop = start, end
    else:
        with StreamReader(source) as reader:
            unit = reader.header.time_base
        ticks = sorted(times_of(source))
        times = [(tick - ticks[0]) * unit for tick in ticks]
        first, stop = frame_at(start, times), None if end is None else frame_at(end, times)
        if first >= len(times):
            raise MediaError(f"{source} has no frame at or after {in_words(start)}.")
    if stop is not None and stop <= first:
        raise MediaError(f"{source} has no frame from {in_words(start)} up to {in_words(end or 0)}.")
    return first, None if stop is None else stop - first


def times_of(source: Path) -> array[int]:
    """The times of the packets that can be read, in order of decoding; what is damaged is told when it is decoded."""
    times = array("Q")
    with StreamReader(source) as reader, suppress(StreamError):
        for packet in reader.scan():
            times.append(packet.time)
    return times

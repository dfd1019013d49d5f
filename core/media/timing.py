"""The times of a file's pictures: rising whatever the container says, their rate, and whether it is constant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from heapq import heappop, heappush
from itertools import islice, pairwise

import av
from av.container import InputContainer
from av.video.stream import VideoStream

REORDERED = 32
"""Packets come in order of decoding; at most so many before their turn (video codecs reorder up to 16 frames)."""
RESTART = 1
"""Seconds: times that fall back further begin anew (a wrap of the counter, recordings put together)."""

_UNTIMED_FORMATS = ("rawvideo", "yuv4mpegpipe")
_BARE_FORMATS = ("h264", "hevc", "vvc", "obu", "av1", "m4v", "mpegvideo", "vc1", "dirac")
"""Formats of which libav makes up an average of 25 frames per second."""
_STATING = {"mp4", "matroska"}
"""Containers that say how long the last picture is shown."""
_MILLISECOND = Fraction(1, 1000)
_SURVEYED = 100
"""Packets that tell the rate of a file which states none."""
_NTSC = tuple(Fraction(rate * 1000, 1001) for rate in (24, 30, 48, 60, 120))
_CLOSE = Fraction(1, 2000)
"""How far a rate that was rounded to milliseconds may be off: half of what lies between 30 and 30000/1001."""


class Clock:
    """Times of frames in order of display, in seconds after the first; each is above the one before.

    A frame without a time stamp comes one interval after the one before it. One whose stamp does not rise is moved
    to the next unit; where stamps fall back by more than `RESTART`, the frame comes one interval after the one
    before it, and those after it keep their distance to it.
    """

    def __init__(self, unit: Fraction, rate: Fraction) -> None:
        self._unit, self._interval = unit, 1 / rate
        self._zero: Fraction | None = None
        self._last: Fraction | None = None

    def __call__(self, stamp: int | None) -> Fraction:
        """The time of the next frame, whose ``stamp`` counts units of ``unit`` seconds."""
        following = Fraction(0) if self._last is None else self._last + self._interval
        time = following if stamp is None else self._time_of(stamp * self._unit, following)
        self._last = time
        return time

    def _time_of(self, stamp: Fraction, following: Fraction) -> Fraction:
        if self._zero is None:
            self._zero = stamp - following
        time = stamp - self._zero
        if self._last is None or time > self._last:
            return time
        if self._last - time <= RESTART:
            return self._last + self._unit
        self._zero = stamp - following
        return following


def in_coding_order(stream: VideoStream) -> bool:
    """Whether the container tells when packets are decoded, and not when pictures are shown."""
    return stream.container.format.name == "avi"


def frame_rate_of(container: InputContainer, stream: VideoStream) -> Fraction:
    """Frames per second on average; reads packets where the file states none, so give it a container of its own.

    A rate that milliseconds blurred is taken for the whole number, or the 1000/1001 of one, that it is close to.
    """
    if container.format.name in _BARE_FORMATS:
        return Fraction(stream.guessed_rate or 25)
    stated = Fraction(stream.average_rate or 0)
    unit = Fraction(stream.time_base or 0)
    counts_milliseconds = unit == _MILLISECOND == 1 / stated if stated else False
    if stated == 0 or stated > 1000 or counts_milliseconds or in_coding_order(stream):
        rate = _measured_rate(container, stream) or Fraction(stream.guessed_rate or 25)
    else:
        rate = stated
    return _exact(rate) if unit >= _MILLISECOND and rate * unit != 1 else rate


def _measured_rate(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """The mean of the first packets."""
    packets = islice(_filled_packets(container, stream), _SURVEYED)
    try:
        times = [packet.dts if in_coding_order(stream) else packet.pts for packet in packets]
    except (av.FFmpegError, OSError):
        return None
    known = sorted({time for time in times if time is not None})
    if len(known) < 2:
        return None
    return Fraction(len(known) - 1, known[-1] - known[0]) / Fraction(stream.time_base or 1)


def _exact(rate: Fraction) -> Fraction:
    nearest = min((Fraction(round(rate)), *_NTSC), key=lambda one: abs(one - rate))
    return nearest if abs(nearest - rate) < _CLOSE * rate else rate


def last_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds that the last picture is shown, as far as the container states it; reads its last packets.

    Matroska's statistics count only where the header's duration agrees with them: they outlive an edit of the file.
    """
    if container.format.name in _UNTIMED_FORMATS or in_coding_order(stream):
        rate = stream.guessed_rate
        return Fraction(1 / rate) if rate and rate * _MILLISECOND < 1 else None
    if not stream.time_base or not _STATING & set(container.format.name.split(",")):
        return None
    end = _stated_end(container, stream)
    last = _last_packet(container, stream, end)
    if last is None or last.pts is None:
        return None
    own = (last.duration or 0) * stream.time_base
    left = own if end is None else (end - last.pts) * stream.time_base
    return left if left > 0 and abs(left - own) > _MILLISECOND else own or None


def _stated_end(container: InputContainer, stream: VideoStream) -> int | None:
    """The time stamp at which the pictures end."""
    if stream.duration:
        return (stream.start_time or 0) + stream.duration
    tagged = tagged_end(stream)
    if tagged is None or not stream.time_base or tagged > _header_end(container) + _MILLISECOND:
        return None
    return round(tagged / stream.time_base)


def _last_packet(container: InputContainer, stream: VideoStream, end: int | None) -> av.Packet | None:
    """The packet that is shown last."""
    unit = Fraction(stream.time_base or 1)
    near = _header_end(container) / unit if end is None else end
    margin = REORDERED / (stream.guessed_rate or 25) / unit
    try:
        # Matroska's reader would pass over all that comes before the time asked for, not only up to the next frame.
        exact = "mp4" in container.format.name
        container.seek(max(round(near - margin), stream.start_time or 0), stream=stream, any_frame=exact)
        timed = (packet for packet in _filled_packets(container, stream) if packet.pts is not None)
        return max(timed, key=lambda packet: packet.pts or 0, default=None)
    except (av.FFmpegError, OSError):
        return None


def _header_end(container: InputContainer) -> Fraction:
    return Fraction(container.duration or 0, av.time_base)


def stated_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds of the pictures that the container claims, else of all of the file."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    header = _header_end(container)
    tagged = tagged_end(stream)
    if tagged is None or tagged > header + _MILLISECOND:
        return header or None
    return tagged - (stream.start_time or 0) * Fraction(stream.time_base or 0)


def tagged_end(stream: VideoStream) -> Fraction | None:
    """Matroska's DURATION tag in seconds; None where there is none, or it is no time."""
    parts = stream.metadata.get("DURATION", "").strip("\0 ").split(":")
    try:
        hours, minutes, seconds = (Fraction(part) for part in parts)
    except (ValueError, ZeroDivisionError):
        return None
    return hours * 3600 + minutes * 60 + seconds


def has_constant_rate(
    container: InputContainer, stream: VideoStream, rate: Fraction, start: int | None
) -> bool:
    """Whether frame n is shown n / ``rate`` seconds after the first, within a tick or a millisecond; reads it through.

    ``start`` is the time stamp of the first frame: packets due before it show nothing. The rate is constant where the
    file has no time stamps at all; False when it cannot be read to its end.
    """
    if container.format.name in _UNTIMED_FORMATS:
        return True
    unit = Fraction(stream.time_base or 1)
    allowed = max(unit, min(_MILLISECOND, 1 / rate / 8))
    timed = untimed = 0
    try:
        for time in _display_order(container, stream):
            if time is None:
                untimed += 1
                continue
            if start is None:
                return False
            if time < start:
                continue
            if abs((time - start) * unit - timed / rate) >= allowed:
                return False
            timed += 1
    except (av.FFmpegError, OSError):
        return False
    return timed == 0 or untimed == 0


def intervals(container: InputContainer, stream: VideoStream) -> tuple[Fraction, Fraction] | None:
    """The shortest and the longest interval between pictures, in seconds; None where it cannot be told."""
    shortest = longest = 0
    try:
        known = (time for time in _display_order(container, stream) if time is not None)
        for earlier, later in pairwise(known):
            if later > earlier:
                shortest = min(shortest or later - earlier, later - earlier)
                longest = max(longest, later - earlier)
    except (av.FFmpegError, OSError):
        return None
    unit = Fraction(stream.time_base or 1)
    return (shortest * unit, longest * unit) if shortest else None


def _display_order(container: InputContainer, stream: VideoStream) -> Iterator[int | None]:
    """The packets' time stamps, sorted; None, at once, for those without."""
    waiting: list[int] = []
    for packet in _filled_packets(container, stream):
        time = packet.dts if in_coding_order(stream) else packet.pts
        if time is None:
            yield None
            continue
        heappush(waiting, time)
        if len(waiting) > REORDERED:
            yield heappop(waiting)
    while waiting:
        yield heappop(waiting)


def _filled_packets(container: InputContainer, stream: VideoStream) -> Iterable[av.Packet]:
    """The packets that hold pictures to show."""
    return (packet for packet in container.demux(stream) if packet.size and not packet.is_discard)

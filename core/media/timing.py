"""Whether the frames of a file follow one another at equal distances, told from its packets without decoding them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush

import av
from av.container import InputContainer
from av.video.stream import VideoStream

REORDERED = 32
"""Packets come in order of decoding; at most so many before their turn (video codecs reorder up to 16 frames)."""
_UNTIMED_FORMATS = ("rawvideo", "yuv4mpegpipe")


def has_constant_rate(container: InputContainer, stream: VideoStream, rate: Fraction) -> bool:
    """Whether frame n is shown n / ``rate`` seconds after the first, within a tick of the file; reads it through.

    So it is where the file has no time stamps at all. False when it cannot be read to its end.
    """
    if container.format.name in _UNTIMED_FORMATS:
        return True
    interval = 1 / rate / Fraction(stream.time_base or 1)
    start: int | None = None
    timed = untimed = 0
    try:
        for time in _display_order(container, stream):
            if time is None:
                untimed += 1
                continue
            start = time if start is None else start
            if abs(time - start - timed * interval) >= 1:
                return False
            timed += 1
    except (av.FFmpegError, OSError):
        return False
    return timed == 0 or untimed == 0


def _display_order(container: InputContainer, stream: VideoStream) -> Iterator[int | None]:
    """The packets' time stamps, sorted; None, at once, for those without."""
    waiting: list[int] = []
    for packet in container.demux(stream):
        if packet.size == 0 or packet.is_discard:
            continue
        if packet.pts is None:
            yield None
            continue
        heappush(waiting, packet.pts)
        if len(waiting) > REORDERED:
            yield heappop(waiting)
    while waiting:
        yield heappop(waiting)

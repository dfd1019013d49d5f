"""A place in a video, as users say it: the number of a frame, or a time."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

Place: TypeAlias = int | Fraction
"""The number of a frame, or seconds after the first frame."""

_PLACE = re.compile(
    r"(?P<frame>\d{1,10})"
    r"|(?P<clock>(\d{1,6}:){1,2}\d{1,2}(\.\d{1,9})?)"
    r"|(?P<time>\d{1,10}(\.\d{1,9})?)s"
)


def place(text: str) -> Place:
    """``60`` is a frame; ``2.5s``, ``1:30`` and ``1:02:03.5`` are times. Raises ValueError for other words."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text} is no place in a video: give a frame as 60, or a time as 2.5s or 1:02:03.5."
        )
    if match["frame"]:
        return int(match["frame"])
    seconds = Fraction(0)
    for part in (match["clock"] or match["time"]).split(":"):
        seconds = seconds * 60 + Fraction(part)
    return seconds


def frame_at(place: Place, times: Sequence[Fraction]) -> int:
    """The number of the first frame at or after a place, by the rising times of all frames."""
    return place if isinstance(place, int) else bisect_left(times, place)


def in_words(place: Place) -> str:
    """The place in words."""
    return f"frame {place}" if isinstance(place, int) else f"{float(place):.6g} s"

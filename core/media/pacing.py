"""Times of frames for targets: exact where the rate is constant, and by repetition where a target has no times."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

from core.errors import MediaError
from core.media.video import Frame

MAX_REPEATS = 10_000
"""Frames that one picture may become in a target without times."""
_FASTEST = 120
"""Frames per second up to which a varying rate is followed."""
_MILLISECOND = Fraction(1, 1000)
_MAX_RATE_OF_MATROSKA = 1000
"""Frames per second of a file that counts milliseconds."""
_MAX_TERM = 1 << 30
"""Rates have terms that libav's integers hold."""


def regular(frames: Iterable[Frame], rate: Fraction, unit: Fraction) -> Iterator[Frame]:
    """Frames of constant rate at their exact times; their file had to round them to units of ``unit`` seconds.

    The duration of the last one stays where it is another by more than the rounding.
    """
    for number, frame in enumerate(frames):
        yield Frame(frame.rgb, number / rate, odd_duration(frame.duration, rate, unit) or 1 / rate)


def odd_duration(duration: Fraction | None, rate: Fraction, unit: Fraction) -> Fraction | None:
    """The duration of a frame where it is not that of the rate, rounded to ``unit`` seconds or to milliseconds."""
    if duration is None or abs(duration - 1 / rate) <= max(unit, _MILLISECOND):
        return None
    return duration


def steady_rate(average: Fraction, shortest: Fraction) -> Fraction:
    """Frames per second for a target without times: so many that the shortest interval has a frame, within reason."""
    followed = min(1 / shortest, Fraction(_FASTEST))
    return max(average, followed.limit_denominator(int(_MAX_TERM / max(Fraction(1), followed))))


def require_few_repeats(output: Path, longest: Fraction, rate: Fraction) -> None:
    """Raise `MediaError` where a frame that is shown for ``longest`` seconds would be repeated without end."""
    if longest * rate > MAX_REPEATS:
        raise MediaError(
            f"{output} has no times, and a frame that is shown for {float(longest):.0f} s would be in it "
            f"{round(longest * rate)} times: write .mp4 or .mkv."
        )


def require_times(output: Path, rate: Fraction) -> None:
    """Raise `MediaError` where pictures come faster than ``output`` counts."""
    if output.suffix.lower() == ".mkv" and rate > _MAX_RATE_OF_MATROSKA:
        raise MediaError(
            f"{output} counts milliseconds, too few for {float(rate):.6g} frames per second: write .mp4."
        )


def repeats_note(source: Path, output: Path) -> str:
    """The sentence on a varying rate whose frames get no times."""
    return (
        f"{source} has a varying frame rate and {output} can have no times: frames are repeated, so that all last as "
        "long as before."
    )


class Slots:
    """How often each picture goes into a target of ``rate`` frames per second that has no times.

    The target lasts as long as the source; no picture is left out, also where pictures come faster than the rate.
    """

    def __init__(self, rate: Fraction) -> None:
        self.rate = rate
        self.taken = 0
        """Frames so far."""

    def take(self, until: Fraction) -> int:
        """The number of frames of the next picture, which is shown until ``until`` seconds after the first."""
        before, self.taken = self.taken, max(self.taken + 1, round(until * self.rate))
        return self.taken - before

"""Frames at their exact times, and repeated where a target has none."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MediaError
from core.media.pacing import Slots, regular, require_few_repeats, steady_rate
from core.media.video import Frame

MILLISECOND = Fraction(1, 1000)
RATE = Fraction(30000, 1001)
RGB = np.zeros((3, 1, 1), np.float32)


def test_times_that_were_rounded_become_exact() -> None:
    times = [Fraction(round(n * 1000 / RATE), 1000) for n in range(50)]
    frames = [Frame(RGB, a, b - a) for a, b in pairwise(times)] + [Frame(RGB, times[-1], Fraction(2))]
    regularly = list(regular(frames, RATE, MILLISECOND))
    assert [frame.pts for frame in regularly] == [n / RATE for n in range(50)]
    assert [frame.duration for frame in regularly] == [1 / RATE] * 49 + [2]


@given(
    steps=st.lists(st.integers(1, 400), min_size=1, max_size=40), rate=st.sampled_from([10, 25, RATE, 120])
)
def test_repeated_frames_last_as_long(steps: list[int], rate: Fraction) -> None:
    slots, until, counts = Slots(Fraction(rate)), Fraction(0), []
    for step in steps:
        until += step * MILLISECOND
        counts.append(slots.take(until))
    assert min(counts) >= 1
    assert slots.taken == sum(counts) == max(slots.taken, round(until * rate))
    if min(steps) * MILLISECOND >= 1 / Fraction(rate):
        assert abs(slots.taken / Fraction(rate) - until) <= Fraction(1, 2) / rate


@pytest.mark.parametrize(
    ("average", "shortest", "rate"),
    [(8, Fraction(1, 25), 25), (8, MILLISECOND, 120), (240, MILLISECOND, 240)],
)
def test_the_rate_follows_the_shortest_interval_within_reason(
    average: int, shortest: Fraction, rate: int
) -> None:
    assert steady_rate(Fraction(average), shortest) == rate


def test_a_rate_has_terms_that_libav_holds():
    interval = 91380 * Fraction(23501, 2147483647)
    rate = steady_rate(Fraction(19527, 109762390), interval)
    assert max(rate.numerator, rate.denominator) < 1 << 31
    assert float(rate * interval) == pytest.approx(1, abs=1e-8)
    assert steady_rate(Fraction(1, 2), Fraction(1 << 40)) == Fraction(1, 2)


def test_endless_repetition_is_refused() -> None:
    require_few_repeats(Path("a.y4m"), Fraction(400), Fraction(25))
    with pytest.raises(MediaError, match=r"3600 s would be in it 90000 times: write \.mp4 or \.mkv"):
        require_few_repeats(Path("a.y4m"), Fraction(3600), Fraction(25))

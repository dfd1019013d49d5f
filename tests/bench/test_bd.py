"""BD-rate and BD-quality: known answers, and everything that must be refused."""

import math

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from core.bench.bd import MIN_OVERLAP, bd_quality, bd_rate, decibels

ANCHOR = [(0.05, 30.0), (0.1, 33.0), (0.2, 35.5), (0.4, 37.5)]


def scaled(factor, gain=0.0):
    return [(rate * factor, quality + gain) for rate, quality in ANCHOR]


@pytest.mark.parametrize("factor", [0.8, 1.25, 0.5])
def test_a_constant_factor_of_rate(factor):
    delta = bd_rate(ANCHOR, scaled(factor))
    assert delta.value == pytest.approx(100 * (factor - 1), abs=1e-9)
    assert delta.check == pytest.approx(delta.value, abs=1e-9)
    assert delta.overlap == 1 and delta.reason == ""


def test_a_constant_gain_of_quality():
    delta = bd_quality(ANCHOR, scaled(1, 0.7))
    assert delta.value == pytest.approx(0.7, abs=1e-9)
    assert delta.check == pytest.approx(0.7, abs=1e-9)


def test_the_order_of_points_does_not_matter():
    shuffled = [ANCHOR[i] for i in (2, 0, 3, 1)]
    assert bd_rate(shuffled, scaled(0.8)[::-1]).value == pytest.approx(-20)


def test_unequal_numbers_of_points():
    qualities = np.linspace(30, 37.5, 9)
    rates = PchipInterpolator([q for _, q in ANCHOR], np.log([r for r, _ in ANCHOR]))(qualities)
    test = [(0.9 * math.exp(rate), float(quality)) for rate, quality in zip(rates, qualities, strict=True)]
    # Points between the anchor's change the way between them a little.
    assert bd_rate(ANCHOR, test).value == pytest.approx(-10, abs=0.3)


@pytest.mark.parametrize("compare", [bd_rate, bd_quality])
@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        (ANCHOR[:3], "has 3 of the 4 points"),
        ([], "has 0 of the 4 points"),
        ([*ANCHOR[:2], (0.2, 32.0), ANCHOR[3]], "does not rise"),
        ([*ANCHOR[:2], (0.2, 33.0), ANCHOR[3]], "does not rise"),
        ([*ANCHOR, (0.4, 38.0)], "two points of one rate"),
        ([*ANCHOR[:3], (0.4, math.inf)], "no finite number"),
        ([*ANCHOR[:3], (0.4, math.nan)], "no finite number"),
        ([(0.0, 20.0), *ANCHOR], "no number above 0"),
        ([(math.nan, 20.0), *ANCHOR], "no number above 0"),
    ],
)
def test_what_is_no_curve_is_refused(compare, curve, reason):
    for delta, whose in (
        (compare(ANCHOR, curve), "the curve"),
        (compare(curve, ANCHOR), "the anchor's curve"),
    ):
        assert delta.value is None and delta.check is None
        assert delta.reason.startswith(whose) and reason in delta.reason


def test_curves_apart_are_refused():
    for gain, overlap in ((7.5, 0), (20, 0), (7.0, 0.5 / 14.5)):
        delta = bd_rate(ANCHOR, scaled(0.8, gain))
        assert delta.value is None and delta.overlap == pytest.approx(overlap)
        assert "overlap" in delta.reason


def test_enough_overlap_is_enough():
    gain = 7.5 * (1 - MIN_OVERLAP) / (1 + MIN_OVERLAP)
    assert bd_rate(ANCHOR, scaled(1, gain * 0.99)).value is not None
    assert bd_rate(ANCHOR, scaled(1, gain * 1.01)).value is None


def test_decibels():
    assert decibels(0.9) == pytest.approx(10) and decibels(0.99) == pytest.approx(20)
    assert decibels(1) == math.inf

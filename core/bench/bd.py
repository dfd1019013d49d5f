"""Bjontegaard's deltas between two rate-distortion curves, or the reason why there is none.

Curves are interpolated by PCHIP over the logarithm of the rate; Akima's interpolation, which is another way through
the same points, tells how far the answer depends on that choice. A comparison that would mislead is refused.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MIN_POINTS = 4
"""Points that a curve must have."""
TOO_FEW = f"of the {MIN_POINTS} points that it needs"
"""The end of a reason for a curve with fewer points."""
MIN_OVERLAP = 0.5
"""Share of both curves' whole range that they must have in common."""
PCHIP, AKIMA = "pchip", "akima"

Point = tuple[float, float]
"""Rate (above 0) and quality (higher is better)."""


@dataclass(frozen=True)
class Delta:
    """The gain of a curve over an anchor, or why there is none."""

    value: float | None
    """Computed by PCHIP: percent of rate at equal quality (below 0 is better), or quality at equal rate."""
    check: float | None
    """The same by Akima."""
    overlap: float | None
    """Share of the range of both that they have in common."""
    reason: str = ""
    """A sentence where there is no value."""


def bd_rate(anchor: Sequence[Point], test: Sequence[Point]) -> Delta:
    """Mean difference of rate at equal quality, in percent of the anchor's."""
    import bjontegaard

    return _delta(anchor, test, bjontegaard.bd_rate, lambda point: point[1])


def bd_quality(anchor: Sequence[Point], test: Sequence[Point]) -> Delta:
    """Mean difference of quality at equal rate, in the unit of quality: BD-PSNR, BD-MSSSIM."""
    import bjontegaard

    return _delta(anchor, test, bjontegaard.bd_psnr, lambda point: math.log10(point[0]))


def decibels(similarity: float) -> float:
    """A similarity below 1 on a scale whose steps are alike: -10 log10(1 - similarity)."""
    return math.inf if similarity >= 1 else -10 * math.log10(1 - similarity)


def _delta(
    anchor: Sequence[Point],
    test: Sequence[Point],
    compare: Callable[..., float],
    along: Callable[[Point], float],
) -> Delta:
    """``along`` is the quantity at whose equal values the curves are compared."""
    for name, curve in (("the anchor's curve", anchor), ("the curve", test)):
        if fault := _fault(curve):
            return Delta(None, None, None, f"{name} {fault}.")
    overlap = _overlap(list(map(along, anchor)), list(map(along, test)))
    if overlap < MIN_OVERLAP:
        return Delta(None, None, overlap, f"the curves overlap by {overlap:.0%} only.")
    rates, qualities = zip(*sorted(anchor), strict=True)
    test_rates, test_qualities = zip(*sorted(test), strict=True)
    values = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of overlap, which was looked at
        for method in (PCHIP, AKIMA):
            value = compare(
                rates,
                qualities,
                test_rates,
                test_qualities,
                method=method,
                require_matching_points=False,
                min_overlap=0,
            )
            values.append(float(value))
    if not all(map(math.isfinite, values)):
        return Delta(None, None, overlap, "the curves cannot be interpolated.")
    return Delta(values[0], values[1], overlap)


def _fault(curve: Sequence[Point]) -> str:
    """Why the curve cannot be compared; empty if it can."""
    if len(curve) < MIN_POINTS:
        return f"has {len(curve)} {TOO_FEW}"
    if not all(math.isfinite(rate) and rate > 0 for rate, _ in curve):
        return "has a rate that is no number above 0"
    if not all(math.isfinite(quality) for _, quality in curve):
        return "has a quality that is no finite number"
    ordered = sorted(curve)
    pairs = list(pairwise(ordered))
    if any(first[0] == second[0] for first, second in pairs):
        return "has two points of one rate"
    if any(first[1] >= second[1] for first, second in pairs):
        return "does not rise: more rate gives no more quality somewhere"
    return ""


def _overlap(first: Sequence[float], second: Sequence[float]) -> float:
    whole = max(*first, *second) - min(*first, *second)
    return max(min(max(first), max(second)) - max(min(first), min(second)), 0.0) / whole

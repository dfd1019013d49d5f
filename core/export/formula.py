"""How a number that a network holds follows from the height and width of the picture.

It is taken to be p + q H + r W + s H W, or one over that. Four sizes determine the coefficients, a fifth confirms
them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""Height and width."""
_MAX_DENOMINATOR = 1 << 14
_TOLERANCE = 1e-6
"""Relative tolerance of numbers in float32."""


@dataclass(frozen=True)
class Formula:
    """p + q H + r W + s H W, or one over that."""

    terms: tuple[Fraction, Fraction, Fraction, Fraction]
    inverse: bool = False

    def at(self, size: Size) -> float:
        """Its value for a picture of this size: infinite where it is one over 0."""
        height, width = size
        value = float(sum(t * f for t, f in zip(self.terms, (1, height, width, height * width), strict=True)))
        if self.inverse:
            return 1 / value if value else math.inf
        return value

    def __str__(self) -> str:
        names = ("", "height", "width", "height*width")
        parts = [_term(term, name) for term, name in zip(self.terms, names, strict=True) if term]
        text = "+".join(parts).replace("+-", "-") or "0"
        return f"1/({text})" if self.inverse else text


def fit(values: Sequence[float] | NDArray[Any], at: Sequence[Size]) -> Formula | None:
    """The formula of a number that has these values at five sizes, the first four of which form a grid;
    None where there is none."""
    known = np.asarray(values, np.float64)
    for inverse in (False, True):
        if inverse and not known.all():
            break
        formula = Formula(_solve(1 / known if inverse else known, at), inverse)
        computed = np.array([formula.at(size) for size in at])
        if np.allclose(computed, known, rtol=_TOLERANCE, atol=_TOLERANCE):
            return formula
    return None


def _solve(v: NDArray[np.float64], at: Sequence[Size]) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    """Coefficients from the values at (h0,w0), (h1,w0), (h0,w1) and (h1,w1)."""
    (h0, w0), (h1, w1) = at[0], at[3]
    s = (v[3] - v[2] - v[1] + v[0]) / ((h1 - h0) * (w1 - w0))
    q = (v[1] - v[0]) / (h1 - h0) - s * w0
    r = (v[2] - v[0]) / (w1 - w0) - s * h0
    p = v[0] - q * h0 - r * w0 - s * h0 * w0
    return tuple(Fraction(float(term)).limit_denominator(_MAX_DENOMINATOR) for term in (p, q, r, s))  # type: ignore[return-value]


def _term(factor: Fraction, name: str) -> str:
    if not name:
        return str(factor)
    times = "" if abs(factor.numerator) == 1 else f"{abs(factor.numerator)}*"
    over = "" if factor.denominator == 1 else f"/{factor.denominator}"
    return f"{'-' if factor < 0 else ''}{times}{name}{over}"

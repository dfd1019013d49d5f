"""Layers that work on each position by itself, in exact integer arithmetic: what context models are computed by.

Activations are fixed point, integers that stand for n / 2^16, within ±1024, held in float64; weights are integers of
as many bits as keep every partial sum below 2^53 in magnitude, where float64 is exact. So a result depends neither on
the order of summation nor on threads, instruction sets or how many positions are computed at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import CheckpointError

Floats = NDArray[np.float64]

FRACTION = 16
"""Fraction bits of an activation."""
UNIT = 1 << FRACTION
LIMIT = 1 << 10
"""Bound of an activation's magnitude; what is larger is taken as this."""
_MAX_VALUE = float(LIMIT << FRACTION)
_MIN_BITS, _MAX_BITS = 11, 40
"""Bits of a weight's fraction."""
_NORM_FRACTION = 30
"""Fraction bits to which a row's weights are summed up, exactly."""
_ROUNDING = 2.0 ** (_NORM_FRACTION - _MIN_BITS - 1)
"""The largest error of a rounded weight."""
_MAX_WEIGHT = 2.0**12


@dataclass(frozen=True, eq=False)
class PointwiseLayer:
    """x -> floor((x @ weight + bias) * scale), bounded: (positions, inputs) -> (positions, outputs)."""

    weight: Floats
    """(inputs,outputs), integers."""
    bias: Floats
    """(outputs): in the scale of the sums, and half a unit of the result so that flooring rounds."""
    scale: Floats
    """(outputs): powers of 2."""

    @classmethod
    def quantise(cls, weight: ArrayLike, bias: ArrayLike) -> PointwiseLayer:
        """The integer twin of a float layer with a weight (outputs,inputs).

        Every machine makes the same of the same weights. Raises `CheckpointError` for weights that are no numbers or
        too large.
        """
        weight, bias = np.asarray(weight, np.float64), np.asarray(bias, np.float64)
        # Comparing tells "not a number" as well.
        if not ((np.abs(weight) < _MAX_WEIGHT).all() and (np.abs(bias) < _MAX_WEIGHT).all()):
            raise CheckpointError(
                "The context model's weights are no numbers or too large: its training has diverged."
            )
        bits = _weight_bits(weight, bias)
        half = np.ldexp(0.5, bits)
        return cls(
            np.rint(
                np.ldexp(weight, bits[:, None])
            ).T,  # few positions by this are faster than by rows of inputs
            np.rint(np.ldexp(bias, bits + FRACTION)) + half,
            np.ldexp(1.0, -bits),
        )

    def __call__(self, x: Floats) -> Floats:
        return self.to_activations(x @ self.weight)

    def to_activations(self, sums: Floats) -> Floats:
        """Activations from products, in place."""
        sums += self.bias
        sums *= self.scale
        np.floor(sums, out=sums)
        return clamp(sums)


def _weight_bits(weight: Floats, bias: Floats) -> NDArray[np.int_]:
    """Fraction bits of each output's weights, with which no sum reaches 2^53; in integers, so alike everywhere."""
    norms = np.ceil(np.ldexp(np.abs(weight), _NORM_FRACTION) + _ROUNDING).astype(np.int64).sum(1)
    norms += np.ceil(np.ldexp(np.abs(bias), _NORM_FRACTION) / LIMIT + _ROUNDING).astype(np.int64)
    norm_bits = np.array([int(norm).bit_length() for norm in norms]) - _NORM_FRACTION
    bits = 53 - FRACTION - (LIMIT - 1).bit_length() - norm_bits
    if bits.min() < _MIN_BITS:
        raise CheckpointError("The context model's weights are too large: its training has diverged.")
    return np.minimum(bits, _MAX_BITS)


def to_fixed(values: NDArray[np.floating]) -> Floats:
    """Floats of any shape, numbers all, as activations."""
    return clamp(np.rint(values.astype(np.float64) * UNIT))


def clamp(values: Floats) -> Floats:
    """Clamp values to what an activation can be, in place."""
    return np.clip(values, -_MAX_VALUE, _MAX_VALUE, out=values)


def leaky(values: Floats, slope: float) -> Floats:
    """LeakyReLU of activations, whose slope, below 1, is rounded to 16 bits, in place."""
    below = np.floor(values * (round(slope * UNIT) / UNIT))
    return np.maximum(values, below, out=values)

"""What must agree between two implementations before they are timed.

An `Agreement` takes what the warm-up calls of ours and of the peer gave. It returns a sentence, or raises
`Disagreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.measure import Arrays

Agreement = Callable[[Sequence[Arrays], Sequence[Arrays]], str]

TOLERANCE = 1e-4
"""Largest difference between the implementations' results: absolute, relative to the largest value where that is
above 1."""
_QUANTILE, _QUANTILE_TOLERANCE = 0.75, 1e-5
"""Share of the pixels that no such latent may reach, and their largest difference."""
_TIES_TOLERANCE = 3e-3
"""Of all pixels' root mean square, about 50 dB."""
LOW_TOLERANCE = 0.03
"""In bfloat16, the root mean square of differences over that of the results."""
NOISE_TOLERANCE = 0.05
"""Of the first losses of steps in which each draws its own noise, relative."""
BYTES_TOLERANCE = 0.02
"""Of the payloads: rounded references, another coder or none."""


class Disagreement(Exception):
    """The implementations do not compute the same."""


def equal_results(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    """Everything that every call returned."""
    worst, largest = 0.0, 0.0
    for our_call, their_call in zip(ours, theirs, strict=True):
        for our, their in zip(our_call, their_call, strict=True):
            if our.shape != their.shape or not np.isfinite(our).all():
                raise Disagreement(f"results of shapes {our.shape} and {their.shape}, or not finite.")
            largest = max(largest, float(np.abs(their).max()))
            worst = max(worst, float(np.abs(our - their).max()) / max(1.0, float(np.abs(their).max())))
    told = f"largest difference {worst:.1e} on values up to {largest:.3g} (tolerance {TOLERANCE:.0e})"
    return _judge(told, worst <= TOLERANCE)


def equal_but_for_ties(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    """What the first call returned. A latent halfway between two symbols may fall to either side, which moves the
    pixels about it by more than rounding errors do: so most pixels must be equal, and all together alike."""
    worst, of_most = 0.0, 0.0
    for our, their in zip(ours[0], theirs[0], strict=True):
        differences = np.abs(our - their) / max(1.0, float(np.abs(their).max()))
        worst = max(worst, float(np.sqrt(np.square(differences).mean())))
        if differences.ndim:
            of_most = max(of_most, float(np.quantile(differences, _QUANTILE)))
    told = (
        f"differences of {_QUANTILE:.0%} of the pixels below {of_most:.1e} (tolerance {_QUANTILE_TOLERANCE:.0e}), "
        f"root mean square of all {worst:.1e} (tolerance {_TIES_TOLERANCE:.0e})"
    )
    return _judge(told, of_most <= _QUANTILE_TOLERANCE and worst <= _TIES_TOLERANCE)


def alike(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    """All that the first call returned, but for bfloat16's digits."""
    worst = 0.0
    for our, their in zip(ours[0], theirs[0], strict=True):
        worst = max(worst, float(np.sqrt(np.square(our - their).mean() / np.square(their).mean())))
    told = f"differences of {worst:.1e} of the results (tolerance {LOW_TOLERANCE})"
    return _judge(told, worst <= LOW_TOLERANCE)


def equal_losses(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    """The first losses, noise apart."""
    our, their = float(ours[0][0]), float(theirs[0][0])
    told = f"first losses {our:.4f} and {their:.4f} (noise apart)"
    return _judge(told, abs(our - their) <= NOISE_TOLERANCE * abs(their))


def equal_bytes(ours: Sequence[Arrays], theirs: Sequence[Arrays], tolerance: float = BYTES_TOLERANCE) -> str:
    """Numbers of bytes, or what the peer estimates for them."""
    our, their = float(ours[0][0]), float(theirs[0][0])
    told = f"{our:.0f} and {their:.0f} bytes"
    return _judge(told, abs(our - their) <= tolerance * their)


def like_pictures(ours: Sequence[Arrays], theirs: Sequence[Arrays], least: Sequence[float]) -> str:
    """Decoded pictures by their PSNR: ``least`` dB for the first and so on, the last for all that follow."""
    errors = [float(np.square(o - t).mean()) for o, t in zip(ours[0], theirs[0], strict=True)]
    alike = [-10 * np.log10(max(error, 1e-12)) for error in errors]
    bounds = [*least, *[least[-1]] * len(alike)]
    told = f"decoded pictures {', '.join(f'{value:.1f}' for value in alike)} dB alike"
    return _judge(told, all(value >= bound for value, bound in zip(alike, bounds, strict=False)))


def _judge(told: str, agree: Any) -> str:
    if not agree:
        raise Disagreement(f"the implementations disagree: {told}.")
    return told

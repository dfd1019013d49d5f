"""Name-seeded weights of cheng2020-anchor: `named_tensor` with gains that give each part something to do."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from core.hooks import Array
from core.testing.recipes import named_tensor

_GAINS = (
    (r"g_a\.6\.weight", 2.5),
    (r"h_a\.8\.weight", 8),
    (r"h_[as]\..*weight", 1.4),
    (r"entropy_parameters\.[02]\.weight", 1.4),
    (r"context_prediction\.weight", 1),
    (r"g_s\.7\.0\.weight", 0.1),
    (r"g_s\..*weight", 0.5),
)
"""Pairs of a pattern of whole names and the gain of those that match; the first match decides, else it is 1."""


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """A tensor for each published name."""
    return {name: _tensor(name, shape) for name, shape in shapes.items()}


def _tensor(name: str, shape: Sequence[int]) -> Array:
    normal = named_tensor(name, shape, math.sqrt(math.prod(shape[1:])), bias_scale=1)
    if name.startswith("entropy_bottleneck."):
        return _prior(name, shape, normal)
    if name.endswith(".gamma"):
        return np.float32(math.sqrt(0.1)) * np.eye(shape[0], dtype=np.float32) + np.float32(0.05) * normal
    if name.endswith(".beta"):
        return 1 + np.float32(0.05) * np.abs(normal)
    if len(shape) > 1:
        return normal * np.float32(_gain(name) / math.sqrt(math.prod(shape[1:])))
    return normal * np.float32(0.05) + _shift(name, shape[0])


def _prior(name: str, shape: Sequence[int], normal: Array) -> Array:
    if "matrices" in name:
        return np.float32(math.log(math.expm1(1 / 10 ** (1 / 5) / shape[1]))) + np.float32(0.2) * normal
    if name.endswith("quantiles"):
        return np.float32(0.3) * normal * np.float32([0, 1, 0]) + np.float32([-10, 0, 10])
    return np.float32(0.3) * normal


def _gain(name: str) -> float:
    return next((gain for pattern, gain in _GAINS if re.fullmatch(pattern, name)), 1)


def _shift(name: str, channels: int) -> Array:
    """Scales, the first half of what the last layer gives, are about 1; pictures are grey."""
    if name == "entropy_parameters.4.bias":
        return np.repeat(np.float32([1, 0]), channels // 2)
    return np.full(channels, 0.5 if name == "g_s.7.0.bias" else 0, np.float32)

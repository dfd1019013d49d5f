"""DCVC's name-seeded weights: `named_tensor` with gains that give each part of the network something to do."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from core.hooks import Array
from core.testing.recipes import named_tensor

_GAINS = (
    (r"mvDecoder_part1\.[024]\.weight", 1.5),
    (r"mvDecoder_part1\.6\.weight", 8),
    (r"contextualDecoder_part1\..*weight", 1.2),
    (r"entropy_parameters(_mv)?\.4\.weight", 0.8),
    (r"contextualEncoder\.8\.weight", 3.5),
    (r"mvEncoder\.6\.weight", 2),
    (r"(mv)?priorEncoder\.4\.weight", 4.5),
    (r"contextualDecoder_part2\.3\.weight", 0.3),
    (r"entropy_parameters(_mv)?\.[02]\.weight", 2.5),
    (r"auto_regressive(_mv)?\.weight", 2.5),
    (r"opticFlow\..*conv[1234]\.weight", 2.8),
    (r"opticFlow\..*conv5\.weight", 3),
    (r"mvEncoder\.0\.weight", 4),
    (r"mvEncoder\.[24]\.weight", 3),
    (r"mvDecoder_part2\.(0|2|4|6|8|10)\.weight", 2.5),
    (r"(mv)?priorEncoder\.[02]\.weight", 3),
    (r"(mv)?priorDecoder\.[024]\.weight", 3),
    (r"feature_extract\.0\.weight", 2.5),
    (r"contextualEncoder\.[036]\.weight", 3),
    (r"temporalPriorEncoder\.[0246]\.weight", 3),
)
"""Pairs of a pattern of whole names and the gain of those that match; the first match decides."""


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """A tensor for each published name."""
    return {name: _tensor(name, shape) for name, shape in shapes.items()}


def _tensor(name: str, shape: Sequence[int]) -> Array:
    normal = named_tensor(name, shape, math.sqrt(math.prod(shape[1:])), bias_scale=1)
    if name.startswith("bitEstimator_"):
        return np.float32(0.2) * normal + np.float32(0.2 if name.endswith(".h") else 0)
    if name.endswith(".gamma"):
        root = np.sqrt(0.1 * np.eye(shape[0]) + 2.0**-36).astype(np.float32)
        return root + np.float32(0.01) * np.abs(normal)
    if name.endswith(".beta"):
        return 1 + np.float32(0.05) * normal
    if len(shape) > 1:
        return _masked(name, normal * (np.float32(0.5 / math.sqrt(math.prod(shape[1:]))) * _gain(name)))
    return normal * np.float32(0.05) + _shift(name, shape[0])


def _gain(name: str) -> np.float32:
    return np.float32(next((gain for pattern, gain in _GAINS if re.fullmatch(pattern, name)), 1))


def _masked(name: str, weight: Array) -> Array:
    """Context models see what comes before their place alone."""
    if name.startswith("auto_regressive"):
        weight[:, :, 2, 2:] = 0
        weight[:, :, 3:] = 0
    return weight


def _shift(name: str, channels: int) -> Array:
    if name == "contextualDecoder_part2.3.bias":
        return np.full(channels, 0.5, np.float32)
    if re.fullmatch(r"entropy_parameters(_mv)?\.4\.bias", name):
        return np.repeat(np.float32([0, 1]), channels // 2)
    return np.zeros(channels, np.float32)

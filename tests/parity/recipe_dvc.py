"""DVC's name-seeded weights: `named_tensor` with gains that give each part of the network something to do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.hooks import Array
from core.testing.recipes import named_tensor

_GAINS = {
    "": 0.5,
    "opticFlow.": 1.2,
    "opticFlow.moduleBasic.0.conv5": 0.5,
    "opticFlow.moduleBasic.1.conv5": 0.5,
    "opticFlow.moduleBasic.2.conv5": 0.5,
    "opticFlow.moduleBasic.3.conv5": 0.5,
    "mvEncoder.": 1.4,
    "mvDecoder.": 2.0,
    "mvDecoder.deconv8": 2.2,
    "warpnet.": 0.7,
    "warpnet.conv6": 0.08,
    "resEncoder.": 1.5,
    "resEncoder.conv1": 5.0,
    "resDecoder.": 1.0,
    "resDecoder.deconv4": 0.12,
    "respriorEncoder.": 1.6,
    "respriorDecoder.": 1.9,
}
"""By the beginning of a name; the longest that fits holds."""


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """A tensor for each published name."""
    return {name: _tensor(name, shape) for name, shape in shapes.items()}


def _tensor(name: str, shape: Sequence[int]) -> Array:
    normal = named_tensor(name, shape, math.sqrt(math.prod(shape[1:])), bias_scale=1)
    if name.startswith("bitEstimator_"):
        return np.float32(0.2) * normal
    if name.endswith(".gamma"):
        root = np.float32(math.sqrt(0.1)) * np.eye(shape[0], dtype=np.float32)
        return root + np.float32(0.05) * normal
    if name.endswith(".beta"):
        return 1 + np.float32(0.05) * np.abs(normal)
    if len(shape) > 1:
        return normal * np.float32(_gain(name) / math.sqrt(math.prod(shape[1:])))
    return normal * np.float32(0.05)


def _gain(name: str) -> float:
    return _GAINS[max((start for start in _GAINS if name.startswith(start)), key=len)]

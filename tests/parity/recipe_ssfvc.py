"""SSFVC's name-seeded weights: `named_tensor` with gains that give each part of the network something to do."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from core.hooks import Array
from core.testing.recipes import named_tensor

Rules = tuple[tuple[str, Any], ...]
"""Pairs of a pattern and what holds for the names that match it; the first match decides."""

_GAINS: Rules = (
    (r"img_encoder\.6\.weight", 6),
    (r"motion_encoder\.6\.weight", 5),
    (r"res_encoder\.6\.weight", 14),
    (r"hyper_decoder_mean\.4\.weight", 6),
    (r"hyper_decoder_scale\.deconv3\.weight", 5),
    (r"img_decoder\.6\.weight", 0.08),
    (r"res_decoder\.6\.weight", 0.04),
    (r"hyper_encoder\.\d\.weight", 3),
    (r"_encoder\.[024]\.weight", 2.5),
    (r"_decoder\.[024]\.weight", 4),
    (r"hyper_decoder_mean\.[02]\.weight", 4),
    (r"hyper_decoder_scale\.deconv[12]\.weight", 4),
)
_SHIFTS: Rules = (
    (r"motion_decoder\.6\.bias", (0, 0, -0.4)),
    (r"img_decoder\.6\.bias", 0.5),
    (r"hyper_decoder_scale\.deconv3\.bias", 1),
)


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """A tensor for each published name."""
    return {name: _tensor(name, shape) for name, shape in shapes.items()}


def _tensor(name: str, shape: Sequence[int]) -> Array:
    normal = named_tensor(name, shape, math.sqrt(math.prod(shape[1:])), bias_scale=1)
    if ".entropy_bottleneck." in name:
        return _prior(name, shape, normal)
    base = np.float32(0.5 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0.05)
    tensor = normal * (base * np.float32(_matching(_GAINS, name, 1)))
    if name == "motion_decoder.6.weight":
        tensor = tensor * np.array([0.12, 0.12, 1.2], np.float32)[:, None, None]
    return tensor + np.asarray(_matching(_SHIFTS, name, 0), np.float32)


def _prior(name: str, shape: Sequence[int], normal: Array) -> Array:
    if "matrices" in name:
        return np.float32(math.log(math.expm1(1 / 10 ** (1 / 5) / shape[1]))) + np.float32(0.2) * normal
    if name.endswith("quantiles"):
        return np.float32(0.3) * normal * np.float32([0, 1, 0]) + np.float32([-10, 0, 10])
    return np.float32(0.3) * normal


def _matching(rules: Rules, name: str, default: Any) -> Any:
    return next((value for pattern, value in rules if re.search(pattern, name)), default)

"""DCVC-UF's name-seeded weights: normal values whose gains give each part of the networks something to do."""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from core.hooks import Array

_GAINS = (
    (r"y_spatial_prior\.conv\.2\.weight", 0.5),
    (r"y_spatial_prior\.conv\.3\.weight", 0.2),
    (r"y_prior_fusion\.conv\.3\.weight", 0.4),
    (r"decoder\.conv1\.0\.adaptor\.weight", 0.4),
    (r"decoder\.conv2\.weight", 1.2),
    (r"feature_adaptor_m\.conv\.0\.adaptor\.weight", 0.6),
    (r"recon_head\.head\.weight", 0.3),
    (r"recon_head\.conv2\.\d\.3\.weight", 0.2),
    (r"recon_head\.conv\.\d\.5\.weight", 0.2),
    (r"enc\.enc_2\.6\.weight", 4),
    (r"enc\.enc_1\.adaptor\.weight", 2),
    (r"dec\.dec_2\.adaptor\.weight", 0.025),
    (r"encoder\.down\.weight", 3),
    (r"hyper_enc\.conv\.[012]\.(down|adaptor)\.weight", 0.6),
    (r"hyper_encoder\.conv\.[012]\.(down|adaptor)\.weight", 1.1),
    (r"hyper_dec(oder)?\.conv\.[012]\.(up\.conv\.0|adaptor)\.weight", 0.7),
    (r".*\.dc\.[02]\.weight", 1.5),
    (r".*\.dc\.3\.weight", 0.2),
    (r".*\.ffn\.0\.weight", 1.2),
    (r".*\.ffn\.2\.weight", 0.08),
)
"""Pairs of a pattern of whole names and the gain of those that match; the first match decides."""
_GAINS_OF_HTL = (
    (r"hyper_encoder\.conv\.[012]\.(down|adaptor)\.weight", 0.5),
    (r"hyper_decoder\.conv\.[012]\.(up\.conv\.0|adaptor)\.weight", 0.35),
)
"""What stands before the others for ``htl``."""


def weights(shapes: Mapping[str, Sequence[int]], salt: str, kind: str) -> dict[str, Array]:
    """A tensor for each published name of the network ``kind``: intra, ld, hts or htl."""
    return {name: _tensor(name, shape, salt, kind) for name, shape in shapes.items()}


def _tensor(name: str, shape: Sequence[int], salt: str, kind: str) -> Array:
    rng = np.random.default_rng(zlib.crc32((salt + name).encode()))
    normal = rng.standard_normal(tuple(shape)).astype(np.float32)
    if name.startswith("bit_estimator_z."):
        spread, shift = {"h": (0.2, 0.5), "b": (0.3, 0), "a": (0.5, 0)}[name[-1]]
        return np.float32(shift) + np.float32(spread) * normal
    if name.startswith("q_"):
        start, end = (1.4, 0.6) if "dec" in name else (0.6, 1.4)
        rising = np.linspace(0, 1, shape[0], dtype=np.float64)[:, None]
        factors = (start + (end - start) * rising).astype(np.float32)
        return factors * (1 + np.float32(0.1) * normal)
    if len(shape) == 4:
        return normal * np.float32(_gain(name, kind) / math.sqrt(math.prod(shape[1:])))
    return np.float32(0.05) * normal + _shift(name, shape[0], kind)


def _gain(name: str, kind: str) -> float:
    gains = (*_GAINS_OF_HTL, *_GAINS) if kind == "htl" else _GAINS
    return next((gain for pattern, gain in gains if re.fullmatch(pattern, name)), 1)


def _shift(name: str, channels: int, kind: str) -> Array:
    if name == "y_prior_fusion.conv.3.bias":
        parts = (0.6, 0) if kind == "intra" else (1, 0.6, 0)
    elif name == "y_spatial_prior.conv.3.bias" and kind in ("intra", "htl"):
        parts = (0.6, 0)
    else:
        parts = (0,)
    return np.repeat(np.float32(parts), channels // len(parts))

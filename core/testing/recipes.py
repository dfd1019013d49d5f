"""Weights made from nothing but their names, so that two implementations can share them without a file."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.hooks import Array, PublishedWeights

if TYPE_CHECKING:
    from mindspore import nn


def named_tensor(name: str, shape: Sequence[int], gain: float, bias_scale: float = 0.05) -> Array:
    """Normal values from a generator seeded by the CRC-32 of ``name``.

    Tensors of two and more dimensions are scaled by gain / sqrt(product of all but the first side), vectors
    by ``bias_scale``.
    """
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(tuple(shape)).astype(np.float32)
    if len(shape) >= 2:
        return values * np.float32(gain / math.sqrt(math.prod(shape[1:])))
    return values * np.float32(bias_scale)


def named_weights(shapes: Mapping[str, Sequence[int]], gain: float) -> dict[str, Array]:
    """`named_tensor` for each of a published checkpoint's names and shapes."""
    return {name: named_tensor(name, shape, gain) for name, shape in shapes.items()}


def convert_weights(published: PublishedWeights, checkpoint: Mapping[str, Array]) -> dict[str, Array]:
    """Our parameters from the tensors of a published checkpoint; raises KeyError where one is missing."""
    return {ours: tensor.convert(checkpoint[tensor.name]) for ours, tensor in published.tensors.items()}


def load_weights(network: nn.Cell, weights: Mapping[str, Array]) -> None:
    """Set every parameter of ``network`` by name; raises `CheckpointError` unless names and shapes agree exactly."""
    from core.training.checkpoint import assign

    assign(network, weights, Path("named weights"))

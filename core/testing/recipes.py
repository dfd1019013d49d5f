"""Weights for tests: from nothing but their names, which two implementations can share, or random ones that code.

A random codec network tests little: its pictures are noise, and errors add up from frame to frame. `randomise` moves
every weight away from its start, and `add_values` lays a path through it on which pictures pass (`carry`), so that
decoded frames follow their source.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.hooks import Array, PublishedWeights

if TYPE_CHECKING:
    from mindspore import Parameter, nn

Floats = NDArray[np.floating[Any]]
Values = Callable[[Floats], Floats]
"""Values of a parameter from standard normal ones of its shape."""
DOWN = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
UP = np.outer(*[np.array([1, 4, 6, 4, 1]) / 8] * 2)
"""Kernels of 5x5 that keep constant pictures: of a convolution of stride 2, and of a transposed one."""


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


def randomise(network: nn.Cell, seed: int, others: Mapping[str, Values | None]) -> None:
    """Draw every parameter of a network in turn.

    What is called ``weight`` gets values of deviation 0.7 / sqrt(product of all but the first side), the rest small
    ones, but for ``others`` by the last word of their names; None leaves a parameter as it is.
    """
    rng = np.random.default_rng(seed)
    kinds: dict[str, Values | None] = {"weight": _unit_gain, **others}
    for parameter in network.get_parameters():
        noise = rng.standard_normal(parameter.shape)
        word = next(word for word in reversed(parameter.name.split(".")) if not word.isdigit())
        values = kinds.get(word, _small)
        if values is not None:
            set_values(parameter, values(noise))


def _unit_gain(noise: Floats) -> Floats:
    return 0.7 * math.prod(noise.shape[1:]) ** -0.5 * noise


def _small(noise: Floats) -> Floats:
    return 0.02 * noise


def set_values(parameter: Parameter, values: Floats) -> None:
    """Give a parameter these values."""
    from mindspore import Tensor

    parameter.set_data(Tensor(values.astype(np.float32)))


def scale_values(parameter: Parameter, gain: float) -> None:
    """Multiply a parameter."""
    set_values(parameter, gain * parameter.asnumpy())


def add_values(parameter: Parameter, values: Floats, kept: float = 0.1) -> None:
    """Add to the leading part of a parameter, of whose own values a share is kept."""
    total = kept * parameter.asnumpy()
    total[tuple(slice(side) for side in values.shape)] += values
    set_values(parameter, total)


def carry(
    analysis: nn.Cell, synthesis: nn.Cell, down: Sequence[Floats], up: Sequence[Floats], last_kept: float
) -> None:
    """Lay a path for pictures through convolutions that halve height and width and transposed ones that double them.

    ``down`` and ``up`` are matrices from the first inputs of each layer to its first outputs. Of random values a tenth
    is kept, but ``last_kept`` of the last layer's, whose biases become 0.
    """
    from core.nn.init import convolutions

    for layer, matrix in zip(convolutions(analysis), down, strict=True):
        add_values(layer.weight, matrix[:, :, None, None] * DOWN)
    *layers, last = convolutions(synthesis)
    shares = [0.1] * len(layers) + [last_kept]
    for layer, matrix, kept in zip([*layers, last], up, shares, strict=True):
        add_values(layer.weight, matrix.T[:, :, None, None] * UP, kept)
    set_values(last.bias, np.zeros(last.out_channels))

"""Weights that a training starts from, where a framework's own would let signals fade from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from mindspore import nn
from mindspore.common.initializer import Normal, initializer
from numpy.typing import NDArray

from core.nn.conv import Conv2d, ConvTranspose2d
from core.nn.separable import SeparableBlock


def convolutions(cell: nn.Cell) -> list[nn.Cell]:
    """All convolutions in a cell, in order."""
    return [layer for _, layer in cell.cells_and_names() if isinstance(layer, Conv2d | ConvTranspose2d)]


def fan_in(layer: nn.Cell) -> int:
    """Inputs of an output times the area of the kernel."""
    return layer.in_channels // layer.group * math.prod(layer.weight.shape[2:])


def taps(layer: nn.Cell) -> float:
    """How many inputs each output of a convolution really sees, on average where it is transposed."""
    strides = math.prod(layer.stride) if isinstance(layer, ConvTranspose2d) else 1
    return fan_in(layer) / strides


def set_normal(layer: nn.Cell, inputs: float, gain: float = 1.0) -> None:
    """Weights of variance 2 / inputs, times ``gain``: a ReLU keeps the mean square (He et al. 2015, equation 10)."""
    layer.weight.set_data(initializer(Normal(gain * math.sqrt(2 / inputs)), layer.weight.shape))


def set_bias(layer: nn.Cell, value: float) -> None:
    """The same bias for all outputs."""
    layer.bias.set_data(initializer(value, layer.bias.shape))


def start(layer: nn.Cell, gain: float = 1.0, bias: float = 0.0) -> None:
    """Weights by `fan_in`, and biases."""
    set_normal(layer, fan_in(layer), gain)
    set_bias(layer, bias)


def start_chain(layers: Iterable[nn.Cell], gain: float, bias: float = 0.0) -> None:
    """`start` of convolutions one after another, of which the last has a ``gain``, also of its bias."""
    *hidden, last = layers
    for layer in hidden:
        start(layer, 1.0, bias)
    start(last, gain, gain * bias)


def scale_branches(cell: nn.Cell, gain: float) -> None:
    """Scale the last layers of the branches of the separable blocks in a cell: small, they are near identity."""
    for _, block in cell.cells_and_names():
        if isinstance(block, SeparableBlock):
            for last in (block.dc[-1], block.ffn[-1]):
                last.weight.set_data(gain * last.weight)


def patch_cosines(side: int, planes: int) -> NDArray[np.float64]:
    """(planes * side², planes * side²): the orthonormal cosine transform of patches whose samples are channels.

    Rows go by plane, vertical and horizontal frequency, columns by plane, row and column.
    """
    place, frequency = np.arange(side), np.arange(side)[:, None]
    cosines = np.cos(np.pi * (2 * place + 1) * frequency / (2 * side)) * math.sqrt(2 / side)
    cosines[0] /= math.sqrt(2)
    return np.kron(np.eye(planes), np.kron(cosines, cosines))

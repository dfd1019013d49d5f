"""Weights that a training starts from, where a framework's own would let signals fade from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mindspore import nn
from mindspore.common.initializer import Normal, initializer

from core.nn.conv import Conv2d, ConvTranspose2d


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

"""The weights that training starts from."""

from __future__ import annotations

import math

from mindspore import nn
from mindspore.common.initializer import Normal, XavierUniform, initializer

from core.nn.conv import Conv2d, ConvTranspose2d
from core.nn.refinement import RefinementNetwork
from core.nn.spynet import SPyNet

_BIAS = 0.01
_FLOW_GAIN = 0.01
"""Of the last layer of each level of SPyNet: the first flows are faint."""


def start_transform(chain: nn.SequentialCell) -> None:
    """As published: normal weights of variance 2 / (inputs k^2), small biases."""
    for layer in _layers(chain):
        _normal(layer, 1.0, _BIAS)


def start_refinement(network: RefinementNetwork) -> None:
    """As published: Xavier's uniform weights, no biases."""
    for layer in _layers(network):
        layer.weight.set_data(initializer(XavierUniform(), layer.weight.shape))
        layer.bias.set_data(initializer("zeros", layer.bias.shape))


def start_spynet(network: SPyNet) -> None:
    """The published training starts from a SPyNet that was trained before; this one is to be trained with the rest."""
    for level in network.levels:
        *hidden, last = _layers(level)
        for layer in hidden:
            _normal(layer, 1.0)
        _normal(last, _FLOW_GAIN)


def _layers(cell: nn.Cell) -> list[nn.Cell]:
    """All convolutions in it."""
    return [layer for _, layer in cell.cells_and_names() if isinstance(layer, Conv2d | ConvTranspose2d)]


def _normal(layer: nn.Cell, gain: float, bias: float = 0.0) -> None:
    inputs = layer.in_channels * math.prod(layer.weight.shape[2:])
    layer.weight.set_data(initializer(Normal(gain * math.sqrt(2 / inputs)), layer.weight.shape))
    layer.bias.set_data(initializer(bias, layer.bias.shape))

"""The weights that training starts from: those published, but for the last layer of each part.

These are scaled so that latents start a few steps of rounding large and what is made of them faint: the first
predictions are the frame before, and the first reconstructions the predictions.
"""

from __future__ import annotations

import math

from mindspore import nn
from mindspore.common.initializer import Normal, XavierUniform, initializer

from core.nn.conv import Conv2d, ConvTranspose2d
from core.nn.refinement import RefinementNetwork
from core.nn.spynet import SPyNet

LATENT_GAIN = 4.0
"""Of the last layer of an analysis."""
FAINT_GAIN = 0.1
"""Of the last layers of a synthesis, of the refinement, and of each level of the flow."""
_BIAS = 0.01


def start_transform(chain: nn.SequentialCell, gain: float = 1.0) -> None:
    """Normal weights of variance 2 / (inputs k^2), the last layer's times ``gain``; small biases."""
    *hidden, last = _layers(chain)
    for layer in hidden:
        _normal(layer, 1.0, _BIAS)
    _normal(last, gain, gain * _BIAS)


def start_refinement(network: RefinementNetwork) -> None:
    """Xavier's uniform weights, no biases."""
    for layer in _layers(network):
        gain = FAINT_GAIN if layer is network.last else 1.0
        layer.weight.set_data(initializer(XavierUniform(gain), layer.weight.shape))
        layer.bias.set_data(initializer("zeros", layer.bias.shape))


def start_spynet(network: SPyNet) -> None:
    """The published training starts from a SPyNet that was trained before; this one is to be trained with the rest."""
    for level in network.levels:
        *hidden, last = _layers(level)
        for layer in hidden:
            _normal(layer, 1.0)
        _normal(last, FAINT_GAIN)


def _layers(cell: nn.Cell) -> list[nn.Cell]:
    """All convolutions in it."""
    return [layer for _, layer in cell.cells_and_names() if isinstance(layer, Conv2d | ConvTranspose2d)]


def _normal(layer: nn.Cell, gain: float, bias: float = 0.0) -> None:
    inputs = layer.in_channels * math.prod(layer.weight.shape[2:])
    layer.weight.set_data(initializer(Normal(gain * math.sqrt(2 / inputs)), layer.weight.shape))
    layer.bias.set_data(initializer(bias, layer.bias.shape))

"""The weights that training starts from.

Last layers are scaled so that latents start a few steps of rounding large and what is made of motion faint: the first
contexts are those of the frame before. Scales of latents start at 1.
"""

from __future__ import annotations

import math

import numpy as np
from mindspore import Tensor, nn
from mindspore.common.initializer import Normal, initializer

from core.nn.conv import Conv2d, ConvTranspose2d

_LATENT_GAIN = 4.0
"""Of the last layer of an analysis."""
_FAINT_GAIN = 0.1
"""Of the last layers of what makes flow, frames and distributions."""
_GREY = 0.5
"""The first frames."""


def start(network: nn.Cell) -> None:
    """Normal weights of variance 2 / (inputs k^2) and no biases, but for last layers (`Dcvc`)."""
    for layer in _layers(network):
        _normal(layer, 1.0)
    for level in network.spynet.levels:
        _normal(_layers(level)[-1], _FAINT_GAIN)
    motion, content = network.motion, network.contextual
    for chain, gain in (
        (motion.analysis, _LATENT_GAIN),
        (motion.synthesis, _FAINT_GAIN),
        (motion.refinement, _FAINT_GAIN),
        (content.analysis, _LATENT_GAIN),
        (content.generation, _FAINT_GAIN),
    ):
        _normal(chain[-1], gain)
    content.generation[-1].bias.set_data(initializer(_GREY, content.generation[-1].bias.shape))
    for prior in (motion.prior, content.prior):
        _start_distributions(prior.parameters_of[-1])


def _start_distributions(layer: Conv2d) -> None:
    """Means near 0, scales near 1."""
    _normal(layer, _FAINT_GAIN)
    half = layer.out_channels // 2
    layer.bias.set_data(Tensor(np.repeat(np.float32([0, 1]), half)))


def _layers(cell: nn.Cell) -> list[nn.Cell]:
    """All convolutions in it."""
    return [layer for _, layer in cell.cells_and_names() if isinstance(layer, Conv2d | ConvTranspose2d)]


def _normal(layer: nn.Cell, gain: float) -> None:
    inputs = layer.in_channels * math.prod(layer.weight.shape[2:])
    layer.weight.set_data(initializer(Normal(gain * math.sqrt(2 / inputs)), layer.weight.shape))
    layer.bias.set_data(initializer("zeros", layer.bias.shape))

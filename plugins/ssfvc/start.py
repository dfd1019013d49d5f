"""The weights that training starts from: signals keep their size, and there is something for rounding to round.

With a framework's usual start every layer shrinks its signal; latents then round to zero for thousands of steps.
"""

from __future__ import annotations

import math

from mindspore import nn
from mindspore.common.initializer import Normal, initializer

from core.nn.conv import Conv2d, ConvTranspose2d

LATENT_GAIN = 4.0
"""Of the last layer of an analysis: latents start a few steps of rounding large."""
PICTURE_GAIN, MOTION_GAIN = 0.1, 0.01
"""Of the last layer of a synthesis: the first pictures and motions are faint."""
FIRST_SCALE = 1.0
"""Scale of the conditional priors at the start; with a smaller one, likelihoods vanish and so do their gradients."""


def start_analysis(chain: nn.SequentialCell) -> None:
    """Begin an analysis transform."""
    *hidden, last = _layers(chain)
    for layer in hidden:
        _scaled(layer, 1.0)
    _scaled(last, LATENT_GAIN)


def start_synthesis(chain: nn.SequentialCell, gain: float) -> None:
    """Begin a synthesis transform whose last layer has the given gain."""
    *hidden, last = _layers(chain)
    for layer in hidden:
        _scaled(layer, 1.0)
    _scaled(last, gain)


def start_scales(chain: nn.SequentialCell) -> None:
    """Begin the transform from hyper-latents to scales."""
    bias = _layers(chain)[-1].bias
    bias.set_data(initializer(FIRST_SCALE, bias.shape))


def _layers(chain: nn.SequentialCell) -> list[nn.Cell]:
    """The convolutions; a slice of a SequentialCell would rename their parameters."""
    return [cell for cell in chain if isinstance(cell, Conv2d | ConvTranspose2d)]


def _scaled(layer: nn.Cell, gain: float) -> None:
    """Normal weights that keep the mean square of what comes out of a ReLU (He et al. 2015, equation 10)."""
    seen = layer.in_channels * math.prod(layer.weight.shape[2:])
    if isinstance(layer, ConvTranspose2d):
        seen /= layer.stride[0] * layer.stride[1]
    layer.weight.set_data(initializer(Normal(gain * math.sqrt(2 / seen)), layer.weight.shape))

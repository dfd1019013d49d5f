"""The weights that training starts from.

Three channels of every feature carry the reference's colours, so that the first reconstruction is the reference under
a motion that is faint at first. Latents start a few steps of rounding large, with expected scales of 1.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn

from core.nn import Conv2d, PreActivationBlock, init

_LATENT_GAIN = 4.0
"""Gain of the last layer of the motion's analysis; the content's, whose blocks amplify, has half."""
_QUIET_GAIN = 0.4
"""Gain of all syntheses: the inverse normalisations in them grow with the square of what goes in."""
_FAINT_GAIN = 0.1
"""Gain of the last layers of what makes flow and distributions, and of residual blocks' branches."""
_COLOURS = 3


def init_weights(network: nn.Cell) -> None:
    """Normal weights of variance 2 / (inputs k^2) and no biases, but for the layers that are named here (`Dcvc`)."""
    for layer in init.convolutions(network):
        init.start(layer)
    motion, content = network.motion, network.contextual
    for chain in (motion.synthesis, content.synthesis, content.generation):
        for layer in init.convolutions(chain):
            init.start(layer, _QUIET_GAIN)
    for level in network.spynet.levels:
        init.start(init.convolutions(level)[-1], _FAINT_GAIN)
    init.start(motion.analysis[-1], _LATENT_GAIN)
    init.start(motion.refinement[-1], _FAINT_GAIN)
    init.start(content.analysis[-1], _LATENT_GAIN / 2)
    for prior in (motion.prior, content.prior):
        _init_distributions(prior.parameters_of[-1])
    _init_colours(network)


def _init_colours(network: nn.Cell) -> None:
    """A path from the reference through features and context to the reconstruction."""
    for _, cell in network.cells_and_names():
        if isinstance(cell, PreActivationBlock):
            init.start(cell.conv2, _FAINT_GAIN)
    generation = network.contextual.generation
    for layer, first in (
        (network.features[0], 0),
        (network.context_refinement[-1], 0),
        (generation[0], network.config.features),  # behind the decoded features
        (generation[-1], 0),
    ):
        _carry_colours(layer, first)


def _carry_colours(layer: Conv2d, first: int) -> None:
    """The first outputs become the inputs from number ``first`` on, and hardly anything else."""
    weight = layer.weight.asnumpy()
    middle = weight.shape[2] // 2
    weight[:_COLOURS] *= _FAINT_GAIN
    for colour in range(min(_COLOURS, len(weight))):
        weight[colour, first + colour, middle, middle] += 1
    layer.weight.set_data(Tensor(weight))


def _init_distributions(layer: Conv2d) -> None:
    """Means near 0, scales near 1."""
    init.start(layer, _FAINT_GAIN)
    half = layer.out_channels // 2
    layer.bias.set_data(Tensor(np.repeat(np.array([0, 1], np.float32), half)))

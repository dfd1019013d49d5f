"""A network small enough for seconds that the tests of DVC-P share.

Its weights are random, but for a path that really codes: residuals are carried as pictures of a sixteenth of the size,
so that decoded frames follow the source and errors do not add up. Where channels are normalised, one that is constant
and much larger than the others makes that hardly more than a factor.
"""

import math
from functools import partial

import numpy as np
import pytest

from core.nn.init import convolutions
from core.testing.recipes import randomise, scale_values, set_values
from plugins.dvcp.cells import Dvcp
from plugins.dvcp.config import DvcpConfig
from plugins.dvcp.normalisation import ChannelNorm

from ..dvc import conftest as dvc_tests

SMALLEST = {"hidden": 8, "latent": 4, "motion": 4, "refinement": 4, "flow": 4}
WIDTHS = {"hidden": 10, "latent": 6, "motion": 6, "refinement": 4, "flow": 8}
LEVELS = 48
"""Steps of the small residuals' samples."""
CARRIED = 7
"""Channels of the path: red, green and blue, the same negated, and the constant one."""
CONSTANT = 16.0
SMOOTH = np.outer(*[np.array([1, 2, 1]) / 4] * 2)
"""Kernel that keeps constant pictures."""


def build_network(seed=7, **widths):
    """The network for a seed, in evaluation mode."""
    network = Dvcp(DvcpConfig(**{**WIDTHS, **widths})).set_train(False)
    randomise(network, seed, {"gamma": lambda noise: 1 + 0.05 * noise})
    _carry(network.residual.analysis, LEVELS, 1.0)
    _carry(network.residual.synthesis, 1.0, 1 / LEVELS)
    set_values(network.residual.hyperprior.synthesis[-1].bias, np.full(network.config.latent, math.log(2)))
    scale_values(network.motion.analysis[-1].weight, 3)
    scale_values(network.motion.synthesis[-1].weight, 0.5)
    scale_values(network.refinement.last.weight, 0.05)
    return network


def _carry(chain, last, first):
    """A path of three pictures through a chain: what goes in times ``first`` and ``last``."""
    *hidden, end = convolutions(chain)
    signs = np.array([[1, -1]])
    for number, layer in enumerate(hidden):
        back = signs if number else np.array([[first]])
        _join(layer, np.kron(signs.T @ back, np.eye(3)), 0.01)
        bias = np.zeros(layer.out_channels)
        bias[CARRIED - 1] = CONSTANT
        set_values(layer.bias, bias)
    _join(end, last * np.kron(signs, np.eye(3)), 0.01)
    set_values(end.bias, np.zeros(end.out_channels))
    for norm in chain:
        if isinstance(norm, ChannelNorm):
            channels = norm.beta.shape[0]
            set_values(norm.gamma, np.full(channels, CONSTANT * channels**-0.5))
            set_values(norm.beta, np.full(channels, CONSTANT / channels))


def _join(layer, matrix, kept):
    """Outputs of a layer by a matrix from its inputs, smoothed; of the random weights a share is kept."""
    weight = kept * layer.weight.asnumpy()
    outputs, inputs = matrix.shape
    weight[:outputs, :inputs] = matrix[:, :, None, None] * SMOOTH
    set_values(layer.weight, weight)


forged = partial(dvc_tests.forged, sizes=SMALLEST)


@pytest.fixture(scope="session")
def make():
    return build_network

"""A network small enough for seconds that the tests of DVC share.

Its weights are random, but for a path that really codes: residuals are carried as pictures of a sixteenth of the size,
so that decoded frames follow the source and errors do not add up.
"""

import math

import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import Packet, PacketType
from core.nn.conv import Conv2d, ConvTranspose2d
from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig

from ..codecs.material import extreme_symbols

SMALLEST = {"hidden": 4, "latent": 4, "motion": 4, "refinement": 4, "flow": 4}
WIDTHS = {"hidden": 8, "latent": 12, "motion": 6, "refinement": 4, "flow": 8}
LEVELS = 48
"""Steps of the small residuals' samples."""
DOWN = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
UP = np.outer(*[np.array([1, 4, 6, 4, 1]) / 8] * 2)
"""Kernels that keep constant pictures, down and up."""


def build_network(seed=7, **widths):
    """The network for a seed, in evaluation mode."""
    network = Dvc(DvcConfig(**{**WIDTHS, **widths})).set_train(False)
    rng = np.random.default_rng(seed)
    for parameter in network.get_parameters():
        noise = rng.standard_normal(parameter.shape)
        kind = parameter.name.rpartition(".")[2]
        if kind == "weight":
            _set(parameter, 0.7 * math.prod(parameter.shape[1:]) ** -0.5 * noise)
        elif kind == "beta":
            _set(parameter, 1 + 0.05 * np.abs(noise))
        else:
            _set(parameter, (0.05 if kind == "gamma" else 0.02) * noise)
    _carry(network.residual)
    _set(network.residual.hyperprior.synthesis[-1].bias, np.full(network.config.latent, math.log(2)))
    _scale(network.motion.analysis[-1], 6)
    _scale(network.motion.synthesis[-1], 0.5)
    _scale(network.refinement.last, 0.05)
    return network


def _carry(residual):
    """A path from residual to latent and back; normalisation is hardly more than a copy."""
    shares = (0.1, 0.1, 0.1, 0.1 / LEVELS)
    for layer, gain in zip(_layers(residual.analysis), (1, 1, 1, LEVELS), strict=True):
        _add(layer.weight, gain * np.eye(3)[:, :, None, None] * DOWN, 0.1)
    for layer, gain, kept in zip(_layers(residual.synthesis), (1, 1, 1, 1 / LEVELS), shares, strict=True):
        _add(layer.weight, gain * np.eye(3)[:, :, None, None] * UP, kept)
    _set(residual.synthesis[-1].bias, np.zeros(3))


def _layers(chain):
    return [cell for cell in chain if isinstance(cell, Conv2d | ConvTranspose2d)]


def _scale(layer, gain):
    _set(layer.weight, gain * layer.weight.asnumpy())


def _add(parameter, values, kept):
    """Add to the leading part of a parameter, of whose random values a share is kept."""
    sum = kept * parameter.asnumpy()
    sum[tuple(slice(side) for side in values.shape)] += values
    _set(parameter, sum)


def _set(parameter, values):
    parameter.set_data(Tensor(values.astype(np.float32)))


def forged(codec, rng, largest):
    """None, and an inter packet of 40x24 pixels, most of whose symbols are zero, some as large as can be."""
    shapes = [(1, SMALLEST["motion"], 4, 4), (1, SMALLEST["hidden"], 1, 1), (1, SMALLEST["latent"], 4, 4)]
    motion, z, y = (Tensor(extreme_symbols(rng, shape, largest)) for shape in shapes)
    packet = codec.writer()
    packet.write("motion.prior", motion)
    packet.write("residual", (z, y))
    coded = packet.finish(None)
    return None, Packet(PacketType.INTER, 1, coded.payload, coded.symbols, 0)


@pytest.fixture(scope="session")
def make():
    return build_network

"""A network small enough for seconds, and moving frames, that the tests of SSFVC share.

Its weights are random, but for a path that really codes: image and residual are carried as pictures of a sixteenth of
the size, so that decoded frames follow the source and errors do not add up.
"""

import numpy as np
import pytest
from mindspore import Tensor, nn

from core.hooks import Packet, PacketType
from plugins.ssfvc.cells import ScaleSpaceFlow
from plugins.ssfvc.config import SsfvcConfig

from ..codecs.material import build_frames, extreme_symbols

HIDDEN, LATENT = 8, 12
SMALLEST = {"hidden": 4, "latent": 4}
LEVELS = 48
"""Steps of the small pictures' samples."""
DOWN = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
UP = np.outer(*[np.array([1, 4, 6, 4, 1]) / 8] * 2)
"""Kernels that keep constant pictures, down and up."""
PASS = np.eye(6)


def build_network(seed=7, hidden=HIDDEN, latent=LATENT):
    """The network for a seed, in evaluation mode; with fewer than 6 channels, dark residuals are lost."""
    network = ScaleSpaceFlow(SsfvcConfig(hidden=hidden, latent=latent)).set_train(False)
    rng = np.random.default_rng(seed)
    for parameter in network.get_parameters():
        noise = rng.standard_normal(parameter.shape)
        if parameter.name.endswith("weight"):
            _set(parameter, 0.7 * np.prod(parameter.shape[1:]) ** -0.5 * noise)
        elif "bias" in parameter.name or "factors" in parameter.name:
            _set(parameter, 0.02 * noise)
    signs = np.concatenate((np.eye(3), -np.eye(3)))
    _carry(network.image, signs[:3], PASS[:3, :3])
    carried = min(6, hidden, latent)
    _carry(network.residual, signs[:carried], PASS[:carried, :carried])
    for part, spread in ((network.image, 6), (network.motion, 2), (network.residual, 3)):
        _add(part.hyperprior.scale_synthesis[-2].bias, np.full(latent, spread))
    _set(network.motion.analysis[-1].weight, 4 * network.motion.analysis[-1].weight.asnumpy())
    _set(network.motion.synthesis[-1].weight, 0.1 * network.motion.synthesis[-1].weight.asnumpy())
    _add(network.motion.synthesis[-1].bias, np.array([0.02, -0.01, -0.7]))
    return network


def _carry(part, first, between):
    """A path from picture to latent, whose first layer parts positive from negative if it must, and back."""
    down = [first, between, between, LEVELS * between]
    up = [between, between, between, first.T / LEVELS]
    for layer, matrix in zip(_layers(part.analysis), down, strict=True):
        _add(layer.weight, matrix[:, :, None, None] * DOWN)
    shares = (0.1, 0.1, 0.1, 0.1 / LEVELS)
    for layer, matrix, kept in zip(_layers(part.synthesis), up, shares, strict=True):
        _add(layer.weight, matrix.T[:, :, None, None] * UP, kept)
    _set(part.synthesis[-1].bias, np.zeros(3))


def _layers(chain):
    """The convolutions; a slice of a SequentialCell would rename their parameters."""
    return [cell for cell in chain if not isinstance(cell, nn.ReLU)]


def _add(parameter, values, kept=0.1):
    """Add to the leading part of a parameter, of whose random values a share is kept."""
    sum = kept * parameter.asnumpy()
    sum[tuple(slice(side) for side in values.shape)] += values
    _set(parameter, sum)


def _set(parameter, values):
    parameter.set_data(Tensor(values.astype(np.float32)))


def forged(codec, rng, largest):
    """An intra and an inter packet of 40x24 pixels, most of whose symbols are zero, some as large as can be."""
    latents = {name: _extremes(rng, largest) for name in ("image", "motion", "residual")}
    intra = _packed(codec, {"image": latents.pop("image")}, PacketType.INTRA, 0)
    return intra, _packed(codec, latents, PacketType.INTER, 1)


def _extremes(rng, largest):
    """Symbols of z and y."""
    channels = SMALLEST["latent"]
    return tuple(
        Tensor(extreme_symbols(rng, shape, largest)) for shape in ((1, channels, 1, 1), (1, channels, 8, 8))
    )


def _packed(codec, latents, kind, time):
    packet = codec.writer()
    for name, symbols in latents.items():
        packet.write(name, symbols)
    coded = packet.finish(None)
    return Packet(kind, time, coded.payload, coded.symbols, 0)


@pytest.fixture(scope="session")
def make():
    return build_network


@pytest.fixture(scope="session")
def frames():
    """Three 128x128 frames, batch 2."""
    return np.stack([build_frames(3, seed=seed) for seed in (8, 9)])

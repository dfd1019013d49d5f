"""A network small enough for seconds, and moving frames, that the tests of SSFVC share.

Its weights are random, but for a path that really codes: image and residual are carried as pictures of a sixteenth of
the size, so that decoded frames follow the source and errors do not add up.
"""

import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import Packet, PacketType
from core.testing.recipes import add_values, carry, randomise, scale_values
from plugins.ssfvc.cells import ScaleSpaceFlow
from plugins.ssfvc.config import SsfvcConfig

from ..codecs.material import NetworkCase, build_frames, extreme_symbols

HIDDEN, LATENT = 8, 12
SMALLEST = {"hidden": 4, "latent": 4}
LEVELS = 48
"""Steps of the small pictures' samples."""
PASS = np.eye(6)


def build_network(seed=7, hidden=HIDDEN, latent=LATENT):
    """The network for a seed, in evaluation mode; with fewer than 6 channels, dark residuals are lost."""
    network = ScaleSpaceFlow(SsfvcConfig(hidden=hidden, latent=latent)).set_train(False)
    randomise(network, seed, {"matrices": None, "quantiles": None})
    signs = np.concatenate((np.eye(3), -np.eye(3)))
    _carry(network.image, signs[:3], PASS[:3, :3])
    carried = min(6, hidden, latent)
    _carry(network.residual, signs[:carried], PASS[:carried, :carried])
    for part, spread in ((network.image, 6), (network.motion, 2), (network.residual, 3)):
        add_values(part.hyperprior.scale_synthesis[-2].bias, np.full(latent, spread))
    scale_values(network.motion.analysis[-1].weight, 4)
    scale_values(network.motion.synthesis[-1].weight, 0.1)
    add_values(network.motion.synthesis[-1].bias, np.array([0.02, -0.01, -0.7]))
    return network


def _carry(part, first, between):
    """A path from picture to latent, whose first layer parts positive from negative if it must, and back."""
    down = [first, between, between, LEVELS * between]
    up = [between, between, between, first.T / LEVELS]
    carry(part.analysis, part.synthesis, down, up, 0.1 / LEVELS)


def computed(network, frame, reference):
    """What the network itself makes of a frame, 1,3,H,W, by itself or under a decoded picture, and bits."""
    return network.code_intra(frame) if reference is None else network.code_inter(frame, reference)


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


FRAMES = np.stack([build_frames(3, seed=seed) for seed in (8, 9)])
"""Three 128x128 frames, batch 2."""
NETWORK = NetworkCase(
    inputs=[Tensor(FRAMES)],
    short=[Tensor(FRAMES[:1, :2])],
    flat=list,
    pictures=1,
    shapes=[FRAMES.shape, ()],
    certain=set(),
    rtol=0,
    atol=1e-5,
    rel=1e-6,
)


@pytest.fixture(scope="session")
def make():
    return build_network


@pytest.fixture(scope="session")
def frames():
    return FRAMES

"""A network small enough for seconds that the tests of DVC share.

Its weights are random, but for a path that really codes: residuals are carried as pictures of a sixteenth of the size,
so that decoded frames follow the source and errors do not add up.
"""

import math

import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import Packet, PacketType
from core.testing.recipes import carry, randomise, scale_values, set_values
from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig

from ..codecs.material import NetworkCase, extreme_symbols, moved_pair

SMALLEST = {"hidden": 4, "latent": 4, "motion": 4, "refinement": 4, "flow": 4}
WIDTHS = {"hidden": 8, "latent": 12, "motion": 6, "refinement": 4, "flow": 8}
LEVELS = 48
"""Steps of the small residuals' samples."""


def build_network(seed=7, **widths):
    """The network for a seed, in evaluation mode; its normalisation is hardly more than a copy."""
    network = Dvc(DvcConfig(**{**WIDTHS, **widths})).set_train(False)
    randomise(
        network, seed, {"beta": lambda noise: 1 + 0.05 * np.abs(noise), "gamma": lambda noise: 0.05 * noise}
    )
    residual, same = network.residual, np.eye(3)
    up = [same, same, same, same / LEVELS]
    carry(residual.analysis, residual.synthesis, [same, same, same, LEVELS * same], up, 0.1 / LEVELS)
    set_values(residual.hyperprior.synthesis[-1].bias, np.full(network.config.latent, math.log(2)))
    scale_values(network.motion.analysis[-1].weight, 6)
    scale_values(network.motion.synthesis[-1].weight, 0.5)
    scale_values(network.refinement.last.weight, 0.05)
    return network


def computed(network, frame, reference):
    """What the network itself makes of a frame under a decoded picture, 1,3,H,W, and bits; None without one."""
    if reference is None:
        return None
    picture, _, costs = network(frame, reference)
    return picture, sum(float(cost) for cost in costs)


def forged(codec, rng, largest, sizes=SMALLEST):
    """None, and an inter packet of 40x24 pixels, most of whose symbols are zero, some as large as can be."""
    shapes = [(1, sizes["motion"], 4, 4), (1, sizes["hidden"], 1, 1), (1, sizes["latent"], 4, 4)]
    motion, z, y = (Tensor(extreme_symbols(rng, shape, largest)) for shape in shapes)
    packet = codec.writer()
    packet.write("motion.prior", motion)
    packet.write("residual", (z, y))
    coded = packet.finish(None)
    return None, Packet(PacketType.INTER, 1, coded.payload, coded.symbols, 0)


def flat(result):
    """The network's nested result."""
    reconstruction, between, costs = result
    return [reconstruction, *between, *costs]


PAIR = moved_pair(block=8)
PICTURE, FLOW = (2, 3, 64, 128), (2, 2, 64, 128)
NETWORK = NetworkCase(
    inputs=PAIR,
    short=PAIR,
    flat=flat,
    pictures=4,
    shapes=[PICTURE, FLOW, PICTURE, PICTURE, (), (), ()],
    certain={1},
    rtol=1e-5,
    atol=2e-5,
    rel=1e-5,
)


def assert_stages(told, lmbda):
    """Steps of a training: one of the flow, one of the motion, one in which the loss holds w, and the rest."""
    flow, motion, helped, *rest = told
    assert flow["loss"] < lmbda * flow["warp_mse"] * 4
    errors = {n: lmbda * (v["warp_mse"] + v["prediction_mse"]) for n, v in (("m", motion), ("h", helped))}
    assert motion["loss"] == pytest.approx(errors["m"] + motion["motion_bpp"], rel=1e-5)
    assert helped["loss"] == pytest.approx(
        lmbda * helped["mse"] + helped["bpp"] + 0.1 * errors["h"], rel=1e-5
    )
    for value in rest:
        assert value["loss"] == pytest.approx(lmbda * value["mse"] + value["bpp"], rel=1e-5)


@pytest.fixture(scope="session")
def make():
    return build_network

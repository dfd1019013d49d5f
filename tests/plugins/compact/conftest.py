"""A network small enough for seconds that the tests of the compact codec share: a classical start that tells more."""

import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import Packet, PacketType
from core.testing.recipes import randomise, scale_values
from plugins.compact.cells import Compact
from plugins.compact.classical import init_weights
from plugins.compact.config import CompactConfig, Start

from ..codecs.material import NetworkCase, build_frames, extreme_symbols

WIDTHS = {"trunk": 16, "latent": 16, "wide": 8, "hyper": 4, "side": 4, "analysis": 1, "context": 1}
SMALLEST = {
    "trunk": 8,
    "latent": 8,
    "wide": 8,
    "hyper": 2,
    "side": 2,
    "analysis": 1,
    "context": 1,
    "parts": 2,
}


def build_network(seed=7, **widths):
    """The network for a seed, in evaluation mode."""
    network = Compact(CompactConfig(**{**WIDTHS, **widths}, start=Start.plain)).set_train(False)
    randomise(network, seed, {})
    init_weights(network)
    for coder in (network.intra, network.inter):
        scale_values(coder.latent.analysis[-1].weight, 20)
    return network


def forged(codec, rng, largest):
    """An intra and an inter packet of 40x24 pixels, most of whose symbols are zero, some as large as can be."""
    latent, hyper = SMALLEST["latent"], SMALLEST["hyper"]
    packets = []
    for name, kind in (("intra", PacketType.INTRA), ("inter", PacketType.INTER)):
        packet = codec.writer()
        packet.write_number(5, range(64))
        if name == "inter":
            packet.write("vectors", Tensor(extreme_symbols(rng, (1, 2, 4, 4), min(largest, 1 << 28))))
        z = packet.write(f"{name}.hyper", Tensor(extreme_symbols(rng, (1, hyper, 1, 1), largest)), 5)
        coded, indices = (codec.pictures if name == "intra" else codec.frames).tables(z, 5)
        packet.write(name, Tensor(extreme_symbols(rng, (1, latent, 4, 4), largest)), coded, indices)
        coded = packet.finish(None)
        packets.append(Packet(kind, len(packets), coded.payload, coded.symbols, 0))
    return packets


FRAMES = np.stack([build_frames(3, 64, 64, seed=seed) for seed in (8, 9)])
"""Three 64x64 frames, batch 2."""
LEVELS = np.array([[3, 2, 2.5], [5.5, 5, 6]], np.float32)
NETWORK = NetworkCase(
    inputs=[Tensor(FRAMES), Tensor(LEVELS)],
    short=[Tensor(FRAMES[:1, :2]), Tensor(LEVELS[:1, :2])],
    flat=lambda made: [made[0], made[1].sum()],
    pictures=1,
    shapes=[FRAMES.shape, ()],
    certain={0},
    rtol=0,
    atol=1e-5,
    rel=1e-5,
)


@pytest.fixture(scope="session")
def make():
    return build_network

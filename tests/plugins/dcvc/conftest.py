"""A network small enough for seconds that the tests of DCVC share.

Its weights are random, but for a path that really codes: frames are carried as pictures of a sixteenth of the size, so
that decoded frames follow the source and errors do not add up. What is expected of latents depends on everything.
"""

import zlib

import numpy as np
import pytest
from mindspore import Tensor

from core.codec.decoded_pictures import DecodedPictures
from core.hooks import Packet, PacketType, PictureFormat
from core.testing.recipes import DOWN, add_values, randomise, scale_values, set_values
from plugins.dcvc.cells import MULTIPLE, Dcvc
from plugins.dcvc.config import DcvcConfig, Quantize

from ..codecs.material import NetworkCase, build_frames, extreme_symbols, intra_codec, moved_pair

SMALLEST = {"features": 4, "latent": 4, "motion": 4, "refinement": 4, "hyper": 4, "flow": 4}
WIDTHS = {"features": 8, "latent": 12, "motion": 6, "refinement": 4, "hyper": 4, "flow": 8}
LEVELS = 48
"""Steps of the small frames' samples."""
COLOURS = np.eye(3)
PADDING = ((0, 0), (0, 0), (1, 1), (1, 1))
HALFWAY = [np.outer(down, across) for down in ((0, 2, 0), (0, 1, 1)) for across in ((0, 2, 0), (0, 1, 1))]
BETWEEN = np.concatenate([COLOURS[c, None, :, None, None] * np.array(HALFWAY)[:, None] for c in range(3)]) / 4
"""Kernels of an enlargement: a pixel itself, halfway to its right and lower neighbours, and between all four."""


def build_network(seed=7, **options):
    """The network for a seed, in evaluation mode."""
    network = Dcvc(DcvcConfig(**{**WIDTHS, **options})).set_train(False)
    randomise(
        network, seed, {"beta": lambda noise: 1 + 0.05 * np.abs(noise), "gamma": lambda noise: 0.05 * noise}
    )
    _carry(network.contextual)
    for prior in (network.motion.prior, network.contextual.prior):
        last = prior.parameters_of[-1]
        set_values(last.bias, np.repeat([0.0, 3.0], last.out_channels // 2))
    scale_values(network.motion.analysis[-1].weight, 6)
    scale_values(network.motion.synthesis[-1].weight, 0.5)
    return network


def _carry(coder):
    """A path from frame to latent and back; normalisation is hardly more than a copy."""
    down = COLOURS[:, :, None, None] * DOWN
    for number, gain in ((0, 1), (3, 1), (6, 1), (8, LEVELS)):
        add_values(coder.analysis[number].weight, gain * down, 0.1)
    rest = coder.analysis[8].weight.asnumpy()
    rest[3:] *= 300  # these are coded as well, but hardly seen
    set_values(coder.analysis[8].weight, rest)
    centre = coder.analysis[8].bias.asnumpy()
    centre[:3] -= LEVELS / 2
    set_values(coder.analysis[8].bias, centre)
    for number, gain in ((0, 1 / LEVELS), (3, 1), (7, 1), (11, 1)):
        add_values(coder.synthesis[number].weight, gain * BETWEEN, 0.1 if number else 0.1 / LEVELS)
    for number in (0, 3):
        add_values(coder.generation[number].weight, np.pad(COLOURS[:, :, None, None], PADDING), 0.05)
    set_values(coder.generation[3].bias, np.full(3, 0.5))
    blocks = [coder.analysis[2], coder.analysis[5], coder.synthesis[6], coder.synthesis[10]]
    for block in (*blocks, coder.generation[1], coder.generation[2]):
        scale_values(block.conv2.weight, 0.1)


def forged(codec, rng, largest):
    """An intra and an inter packet of 40x24 pixels; most symbols are zero, some as large as can be.

    The inter packet is coded under the intra packet's picture, as what its last symbols mean depends on that.
    """
    format = PictureFormat(40, 24)
    frame = build_frames(1, 24, 40)[0]
    picture_codec = intra_codec("png")
    intra = picture_codec.encode(frame, format, 0)
    pictures = DecodedPictures(format, MULTIPLE)
    reference = Tensor(pictures.reference(pictures.samples(picture_codec.decode(intra, format)))[None])

    packet = codec.writer()
    packet.write_number(tuple(Quantize).index(Quantize.codec), range(2))
    z, motion, content = (Tensor(extreme_symbols(rng, (1, 4, side, side), largest)) for side in (1, 4, 4))
    packet.write("motion.hyper", z)
    decoded = packet.write("motion", motion, codec.motion_side(z))
    _, *temporal = codec.predict(decoded, reference)
    packet.write("contextual.hyper", z)
    packet.write("contextual", content, codec.content_side(z, *temporal))
    coded = packet.finish(None)
    inter = Packet(PacketType.INTER, 1, coded.payload, coded.symbols, 0)
    return Packet(PacketType.INTRA, 0, intra, zlib.crc32(intra), 0), inter


def flat(result):
    """The network's nested result."""
    reconstruction, flows, costs = result
    return [reconstruction, *flows, *costs]


PAIR = moved_pair(block=32)
PICTURE, FLOW = (2, 3, 64, 128), (2, 2, 64, 128)
NETWORK = NetworkCase(
    inputs=PAIR,
    short=PAIR,
    flat=flat,
    pictures=3,
    shapes=[PICTURE, FLOW, FLOW, (), (), (), ()],
    certain={1},
    rtol=1e-5,
    atol=2e-5,
    rel=1e-5,
)


def assert_stages(told, lmbda):
    """Steps of a training: one of flow, motion, distortion each, three of the content, whose rate rises, the rest."""
    flow, motion, distortion, *rest = told
    assert flow["loss"] < lmbda * flow["warp_mse"] * 4
    assert motion["loss"] == pytest.approx(lmbda * motion["warp_mse"] + motion["motion_bpp"], rel=1e-5)
    assert distortion["loss"] == pytest.approx(lmbda * distortion["mse"], rel=1e-5)
    shares = [(0, 0.5), (0, 1), (0, 1), *[(1, 1)] * 3]
    for value, (of_motion, of_content) in zip(rest, shares, strict=True):
        content_bpp = value["bpp"] - value["motion_bpp"]
        rate = of_motion * value["motion_bpp"] + of_content * content_bpp
        assert value["loss"] == pytest.approx(lmbda * value["mse"] + rate, rel=1e-5)


@pytest.fixture(scope="session")
def make():
    return build_network

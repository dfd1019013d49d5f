"""A network small enough for seconds that the tests of DCVC share.

Its weights are random, but for a path that really codes: frames are carried as pictures of a sixteenth of the size, so
that decoded frames follow the source and errors do not add up. What is expected of latents depends on everything.
"""

import math
import zlib

import numpy as np
import pytest
from mindspore import Tensor

from core.codec.decoded import DecodedPictures
from core.hooks import Packet, PacketType, PictureFormat
from plugins.dcvc.cells import MULTIPLE, Dcvc
from plugins.dcvc.config import DcvcConfig, Quantize

from ..codecs.material import build_frames, extreme_symbols, intra_codec

SMALLEST = {"features": 4, "latent": 4, "motion": 4, "refinement": 4, "hyper": 4, "flow": 4}
WIDTHS = {"features": 8, "latent": 12, "motion": 6, "refinement": 4, "hyper": 4, "flow": 8}
LEVELS = 48
"""Steps of the small frames' samples."""
DOWN = np.outer(*[np.array([1, 4, 6, 4, 1]) / 16] * 2)
"""A kernel that keeps constant pictures."""
COLOURS = np.eye(3)
PADDING = ((0, 0), (0, 0), (1, 1), (1, 1))
HALFWAY = [np.outer(down, across) for down in ((0, 2, 0), (0, 1, 1)) for across in ((0, 2, 0), (0, 1, 1))]
BETWEEN = np.concatenate([COLOURS[c, None, :, None, None] * np.array(HALFWAY)[:, None] for c in range(3)]) / 4
"""Kernels of an enlargement: a pixel itself, halfway to its right and lower neighbours, and between all four."""


def build_network(seed=7, **options):
    """The network for a seed, in evaluation mode."""
    network = Dcvc(DcvcConfig(**{**WIDTHS, **options})).set_train(False)
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
    _carry(network.contextual)
    for prior in (network.motion.prior, network.contextual.prior):
        last = prior.parameters_of[-1]
        _set(last.bias, np.repeat([0.0, 3.0], last.out_channels // 2))
    _scale(network.motion.analysis[-1].weight, 6)
    _scale(network.motion.synthesis[-1].weight, 0.5)
    return network


def _carry(coder):
    """A path from frame to latent and back; normalisation is hardly more than a copy."""
    down = COLOURS[:, :, None, None] * DOWN
    for number, gain in ((0, 1), (3, 1), (6, 1), (8, LEVELS)):
        _add(coder.analysis[number].weight, gain * down, 0.1)
    rest = coder.analysis[8].weight.asnumpy()
    rest[3:] *= 300  # these are coded as well, but hardly seen
    _set(coder.analysis[8].weight, rest)
    centre = coder.analysis[8].bias.asnumpy()
    centre[:3] -= LEVELS / 2
    _set(coder.analysis[8].bias, centre)
    for number, gain in ((0, 1 / LEVELS), (3, 1), (7, 1), (11, 1)):
        _add(coder.synthesis[number].weight, gain * BETWEEN, 0.1 if number else 0.1 / LEVELS)
    for number in (0, 3):
        _add(coder.generation[number].weight, np.pad(COLOURS[:, :, None, None], PADDING), 0.05)
    _set(coder.generation[3].bias, np.full(3, 0.5))
    blocks = [coder.analysis[2], coder.analysis[5], coder.synthesis[6], coder.synthesis[10]]
    for block in (*blocks, coder.generation[1], coder.generation[2]):
        _scale(block.conv2.weight, 0.1)


def _scale(parameter, gain):
    _set(parameter, gain * parameter.asnumpy())


def _add(parameter, values, kept):
    """Add to the leading part of a parameter, of whose random values a share is kept."""
    sum = kept * parameter.asnumpy()
    sum[tuple(slice(side) for side in values.shape)] += values
    _set(parameter, sum)


def _set(parameter, values):
    parameter.set_data(Tensor(values.astype(np.float32)))


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


@pytest.fixture(scope="session")
def make():
    return build_network

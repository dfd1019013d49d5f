"""The conformance suite's tests of coding and damage, on a codec that uses all that the base class leaves room for.

It keeps features in place of decoded pictures, codes two frames in a packet, at a quality that changes from packet to
packet and chooses the tables of its hyper-latent, and leaves out elements whose scale is small.
"""

from copy import copy
from functools import cached_property
from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.codec.intra import NamedIntraCodec
from core.codec.options import InterCodecConfig
from core.codec.predictive import PredictiveCodec
from core.coding.codec import LoadedCodec
from core.entropy.coders import FactorizedCoder, HyperpriorCoder
from core.hooks import PacketType
from core.media.png import Png
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import Deconvolution, IntegerNetwork
from core.symbols.tables import TableSet, gaussian_tables, tables_from_pmfs
from core.testing import test_coding
from core.testing.cases import Case
from core.testing.material import COUNT
from core.testing.test_coding import *  # noqa: F403
from core.testing.test_damage import *  # noqa: F403

CHUNK, QUALITIES, REDUCTION = 2, 3, 4
CHANNELS = 3 * CHUNK


class SkippingCoder(HyperpriorCoder):
    """Table 0 is for elements that are not coded: they are 0."""

    def _encode(self, symbols, indices, encoder):
        coded = indices > 0
        encoder.encode(symbols[coded], self._tables, indices[coded] - 1)
        return np.where(coded, symbols, 0)

    def _decode(self, indices, decoder):
        symbols, coded = np.zeros(indices.shape, np.int32), indices > 0
        symbols[coded] = decoder.decode(self._tables, indices[coded] - 1)
        return symbols


class Residual(nn.Cell):
    """z has tables for each quality; how large y is expected to be follows from z in integers, and may be nothing."""

    def tables(self, name):
        widths = np.repeat(np.arange(1, QUALITIES + 1), CHANNELS)  # of quality 0, then 1, …
        pmfs = [np.full(2 * width + 1, 0.9 / (2 * width + 1)) for width in widths]
        prior = tables_from_pmfs(pmfs, np.full(len(pmfs), 0.1), -widths)
        taps = np.eye(CHANNELS)[:, :, None, None] * np.full((5, 5), 1.0)
        layer = Deconvolution(taps, np.ones(CHANNELS), REDUCTION)
        scales = IntegerNetwork.quantise([layer], [0.5, 2.0, 4.0], np.zeros(CHANNELS))
        arrays = prior.arrays(f"{name}.prior") | scales.arrays(f"{name}.scales")
        return arrays | gaussian_tables().arrays("gaussian")

    def coder(self, tables, name):
        numbers = np.arange(QUALITIES * CHANNELS).reshape(QUALITIES, CHANNELS)
        prior = FactorizedCoder(TableSet.from_arrays(tables, f"{name}.prior"), numbers)
        scales = IntegerNetwork.from_arrays(tables, f"{name}.scales")
        return SkippingCoder(prior, TableSet.from_arrays(tables, "gaussian"), scales)

    def information(self, z, y):
        return ops.abs(z).sum() + ops.abs(y).sum() + 1.0


class RecurrentCodec(PredictiveCodec):
    """Codes the difference of two frames to features, in steps that the quality says."""

    multiple, chunk = REDUCTION, CHUNK

    @staticmethod
    def latents(network):
        return {"residual": (network, 1)}

    def state_of(self, picture):
        return picture.asnumpy(), 0

    def encode(self, frames, state, packet):
        features, count = state
        quality = count % QUALITIES
        packet.write_number(quality, range(QUALITIES))
        difference = (frames.asnumpy() - features).reshape(1, CHANNELS, *frames.shape[2:]) / step(quality)
        z = np.rint(coarse(difference))
        y = np.rint(difference - fine(z))
        written = packet.write("residual", (Tensor(z), Tensor(y)), quality)
        return made(written, state, quality)

    def decode(self, packet, state):
        quality = packet.read_number(range(QUALITIES))
        return made(packet.read("residual", quality), state, quality)


def made(residual, state, quality):
    """Two pictures, and the features after them, which are not rounded."""
    (z, y), (features, count) = (part.asnumpy() for part in residual), state
    pictures = features + step(quality) * (fine(z) + y).reshape(CHUNK, 3, *y.shape[2:])
    return Tensor(pictures), ((0.7 * pictures[-1:] + 0.3 * features).astype(np.float32), count + 1)


def step(quality):
    return np.float32(0.5 ** (quality + 2))


def coarse(plane):
    """Means of blocks."""
    _, channels, height, width = plane.shape
    blocks = plane.reshape(1, channels, height // REDUCTION, REDUCTION, width // REDUCTION, REDUCTION)
    return blocks.mean((3, 5), dtype=np.float32)


def fine(plane):
    """Blocks of one value."""
    return plane.repeat(REDUCTION, 2).repeat(REDUCTION, 3)


class Toy(Case):
    """The codec in place of a plugin's."""

    @cached_property
    def codec(self):
        network, config = Residual(), InterCodecConfig(gop=6)
        codec = RecurrentCodec(
            config, network, RecurrentCodec.tables(network), NamedIntraCodec("png", Png(), {})
        )
        return LoadedCodec("toy", codec, bytes(16), config.gop, False, "tests")


@pytest.fixture(scope="module")
def coder():
    before = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield Toy("toy", [])
    ms.set_context(mode=before)


@pytest.fixture
def pynative():
    pass


@pytest.fixture(autouse=True)
def _learned(monkeypatch):
    """No registry has an entry of it."""
    monkeypatch.setattr(test_coding, "codec_of", lambda run: SimpleNamespace(is_conventional=False))


def test_a_packet_holds_a_chunk(coder):
    """Frames 0 and 6 are intra frames; the last chunk of the first group has one frame."""
    packets = [frame.packet for frame in coder.coded]
    assert [packet.type for packet in packets] == [
        PacketType.INTRA if time % 6 == 0 else PacketType.INTER for time in range(COUNT)
    ]
    assert [bool(packet.payload) for packet in packets] == [True, True, False, True, False, True, True, True]


def test_a_copied_encoder_goes_on_by_itself(coder):
    """Half a chunk into its group, each copy makes the same packet, and the encoder as well."""
    height, width = test_coding.FORMAT.height, test_coding.FORMAT.width
    frames = np.random.default_rng(5).random((3, 3, height, width), np.float32)
    encoder = coder.codec.codec.encoder(test_coding.FORMAT)
    for time in range(2):
        encoder.encode(frames[time], time, intra=time == 0)
    packets = [
        [frame.packet for frame in one.encode(frames[2], 2, intra=False)]
        for one in (copy(encoder), copy(encoder), encoder)
    ]
    assert packets[0] == packets[1] == packets[2] and len(packets[0]) == 2


def test_features_and_qualities_go_on_within_a_group(coder):
    """The third chunk is finer than the first, and not what a fresh decoder would make of it."""
    first, _, _, _, _, third, *_ = coder.coded
    decoder = coder.codec.codec.decoder(test_coding.FORMAT)
    decoder.decode(first.packet)
    (shown,) = decoder.decode(third.packet)
    assert not np.array_equal(shown.picture, third.picture)
    assert len(np.unique(third.picture)) > len(np.unique(coder.coded[1].picture))


def test_some_elements_are_not_coded(coder):
    """More is decoded as nothing than was nothing."""
    latent = coder.codec.codec.coded_latents["residual"].coder
    rng = np.random.default_rng(2)
    z, y = (Tensor(rng.integers(-2, 3, (1, CHANNELS, side, side)).astype(np.float32)) for side in (3, 12))
    encoder = SymbolEncoder()
    (_, coded), _ = latent.encode((z, y), encoder, 1)
    skipped = (coded.asnumpy() == 0) & (y.asnumpy() != 0)
    assert 0 < skipped.sum() < y.size / 2
    read = latent.decode(SymbolDecoder(encoder.finish()), 12, 12, 1)
    np.testing.assert_array_equal(read[1].asnumpy(), coded.asnumpy())
    np.testing.assert_array_equal(read[0].asnumpy(), z.asnumpy())

"""Real coding under context models, against a twin that goes from position to position in Python's own integers."""

from itertools import pairwise

import numpy as np
import pytest
from mindspore import Tensor

from core.entropy.masked import MaskedConv2d
from core.errors import CheckpointError, StreamError
from core.symbols.autoregressive import AutoregressiveCoder, ContextNetwork
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.context import ContextOrder, first_half, visible
from core.symbols.pointwise import FRACTION, LIMIT, UNIT, PointwiseLayer
from core.symbols.tables import LAPLACE_SCALES, laplace_tables

KERNEL, SLOPE = 5, 0.01
THRESHOLDS = LAPLACE_SCALES[:-1]


def build(channels, side, order=ContextOrder.raster, seed=1, gain=1.0):
    """A context model of random weights whose means and scales really vary."""
    rng = np.random.default_rng(seed)
    seen = visible(order, KERNEL)
    context = gain * rng.standard_normal((2 * channels, channels, KERNEL, KERNEL)) * 0.3 / np.sqrt(channels)
    widths = (side + 2 * channels, channels * 10 // 3, channels * 8 // 3, 2 * channels)
    layers = [
        (rng.standard_normal((after, before)) / np.sqrt(before), 0.1 * rng.standard_normal(after))
        for before, after in pairwise(widths)
    ]
    layers[-1][1][channels:] += 1
    bias = 0.1 * rng.standard_normal(2 * channels)
    singles = [tuple(part.astype(np.float32) for part in layer) for layer in layers]
    return ContextNetwork(
        ((context * seen).astype(np.float32), bias.astype(np.float32)), singles, SLOPE, order
    )


def coder(network):
    return AutoregressiveCoder(network, laplace_tables(), THRESHOLDS)


def material(channels, side, height, width, seed=2):
    rng = np.random.default_rng(seed)
    latent = 2 * rng.standard_normal((channels, height, width))
    return latent.astype(np.float32), rng.standard_normal((side, height, width)).astype(np.float32)


def encoded(network, latent, side, whole=False):
    encoder = SymbolEncoder()
    coded = coder(network).encode(latent, side, encoder, whole)
    return coded, encoder.finish()


class Serial:
    """One position after the other, row by row: what the waves must agree with to the last bit.

    Weights are quantised as the coder's are, and everything after that is Python's integers, which have no rounding.
    """

    def __init__(self, network):
        weight, bias = network.context
        self.taps = np.argwhere(visible(network.order, KERNEL)) - KERNEL // 2
        seen = visible(network.order, KERNEL)
        flat = weight[:, :, seen].transpose(0, 2, 1).reshape(len(weight), -1)
        self.layers = [self._integers(PointwiseLayer.quantise(flat, bias))]
        self.layers += [self._integers(PointwiseLayer.quantise(*layer)) for layer in network.layers]
        self.slope = round(network.slope * UNIT)
        self.thresholds = [int(np.floor(np.float64(t) * UNIT)) for t in THRESHOLDS]

    @staticmethod
    def _integers(layer):
        shifts = [-int(np.log2(scale)) for scale in layer.scale]
        return layer.weight.T.astype(np.int64).astype(object), [int(b) for b in layer.bias], shifts

    @staticmethod
    def _apply(layer, x):
        weight, bias, shifts = layer
        sums = weight @ x
        limit = LIMIT << FRACTION
        made = [
            max(-limit, min(limit, (int(s) + b) >> n)) for s, b, n in zip(sums, bias, shifts, strict=True)
        ]
        return np.array(made, object)

    def distributions(self, plane, row, column, side):
        """Means and tables at a position, from a plane of known values (rows, columns, channels)."""
        height, width, channels = plane.shape
        context = []
        for dy, dx in self.taps:
            y, x = row + dy, column + dx
            inside = 0 <= y < height and 0 <= x < width
            context += plane[y, x].tolist() if inside else [0] * channels
        first = self._apply(self.layers[0], np.array(context, object))
        made = self._apply(self.layers[1], np.concatenate([side, first]))
        for layer in self.layers[2:]:
            made = self._apply(layer, np.array([max(v, v * self.slope >> FRACTION) for v in made], object))
        tables = [sum(int(raw) > t for t in self.thresholds) for raw in made[channels:]]
        return [int(v) for v in made[:channels]], tables

    def encode(self, latent, side):
        """Symbols and decoded values of a latent (C,H,W)."""
        channels, height, width = latent.shape
        plane = np.zeros((height, width, channels), object)
        fixed = np.rint(side.astype(np.float64) * UNIT).astype(np.int64).astype(object)
        symbols, tables = np.zeros(latent.shape, int), np.zeros(latent.shape, int)
        for row in range(height):
            for column in range(width):
                means, tables[:, row, column] = self.distributions(plane, row, column, fixed[:, row, column])
                for channel, mean in enumerate(means):
                    target = float(latent[channel, row, column]) * UNIT
                    symbol = int(np.rint((target - mean) / UNIT))
                    symbols[channel, row, column] = symbol
                    plane[row, column, channel] = symbol * UNIT + mean
        return symbols, tables, (plane / UNIT).astype(np.float32).transpose(2, 0, 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 11), (6, 5)])
def test_waves_agree_with_one_position_at_a_time(height, width):
    network = build(4, 6)
    latent, side = material(4, 6, height, width)
    coded, _ = encoded(network, latent, side)
    symbols, _, values = Serial(network).encode(latent, side)
    np.testing.assert_array_equal(coded.symbols, symbols)
    np.testing.assert_array_equal(coded.values, values)
    assert len(np.unique(symbols)) > 3 or height * width == 1


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("order", ContextOrder)
def test_what_is_decoded_is_what_was_encoded(order, whole):
    network = build(5, 3, order)
    latent, side = material(5, 3, 9, 14)
    coded, payload = encoded(network, latent, side, whole)
    decoder = SymbolDecoder(payload)
    decoded = coder(network).decode(side, decoder, whole)
    for ours, theirs in ((decoded.values, coded.values), (decoded.symbols, coded.symbols)):
        np.testing.assert_array_equal(ours, theirs)
    centres = np.rint(coded.means) if whole else coded.means
    np.testing.assert_allclose(coded.values, coded.symbols + centres, atol=1e-6)
    assert np.abs(coded.values - latent).max() <= (0.5 if not whole else 1.0) + 1e-5
    if whole:
        np.testing.assert_array_equal(coded.values, np.rint(coded.values))


@pytest.mark.parametrize("order", ContextOrder)
def test_distributions_are_those_of_the_float_network(order):
    """All positions at once by the cells, from the values that real coding made: means and scales to fixed point."""
    channels, side_channels = 6, 4
    network = build(channels, side_channels, order)
    latent, side = material(channels, side_channels, 8, 10)
    coded, _ = encoded(network, latent, side)
    conv = MaskedConv2d(channels, 2 * channels, KERNEL, order)
    weight, bias = network.context
    conv.weight.set_data(
        Tensor(weight + (1 - visible(order, KERNEL)).astype(np.float32))
    )  # taps that do not count
    conv.bias.set_data(Tensor(bias))
    made = np.concatenate([side, conv(Tensor(coded.values[None])).asnumpy()[0]])
    for number, (weight, bias) in enumerate(network.layers):
        made = np.einsum("oi,ihw->ohw", weight, made) + bias[:, None, None]
        if number < len(network.layers) - 1:
            made = np.where(made > 0, made, SLOPE * made)
    np.testing.assert_allclose(coded.means, made[:channels], atol=6e-5)
    np.testing.assert_allclose(coded.scales, made[channels:], atol=6e-5)


def test_the_checkerboard_s_first_half_sees_nothing():
    """Its distributions depend on side information alone, the other half's on the first half too."""
    network = build(4, 3, ContextOrder.checkerboard)
    latent, side = material(4, 3, 7, 9)
    first, other = (encoded(network, shift + latent, side)[0] for shift in (0, 5))
    half = first_half(7, 9)
    np.testing.assert_array_equal(first.means[:, half], other.means[:, half])
    assert (first.means[:, ~half] != other.means[:, ~half]).mean() > 0.9


def test_it_does_not_matter_how_many_are_computed_at_once(monkeypatch):
    from core.symbols import autoregressive

    network = build(4, 3, ContextOrder.checkerboard)
    latent, side = material(4, 3, 16, 16)
    whole = encoded(network, latent, side)
    monkeypatch.setattr(autoregressive, "_STRIP", 7)
    parts = encoded(network, latent, side)
    assert parts[1] == whole[1]
    np.testing.assert_array_equal(parts[0].means, whole[0].means)


def test_the_payload_is_as_long_as_its_symbols_are_rare():
    network = build(8, 4)
    network.layers[-1][0][8:] *= np.float32(0.1)  # scales between 1.5 and 3, which no latent is far beyond
    network.layers[-1][1][8:] += 1
    latent, side = material(8, 4, 24, 24)
    coded, payload = encoded(network, latent, side)
    bits = -np.log2(below(coded.symbols + 0.5, coded.scales) - below(coded.symbols - 0.5, coded.scales)).sum()
    assert 8 * len(payload) == pytest.approx(bits, rel=0.015)


def below(x, scale):
    """The cumulative Laplace distribution."""
    return 0.5 - 0.5 * np.sign(x) * np.expm1(-np.abs(x) / scale)


@pytest.mark.parametrize("largest", [1e4, 2.0**31 - 256])
def test_large_values_are_coded(largest):
    """Beyond what a context can hold they are taken as its limit, by both sides."""
    network = build(3, 2, gain=30)
    rng = np.random.default_rng(3)
    latent = (largest * rng.uniform(-1, 1, (3, 6, 6))).astype(np.float32)
    side = (largest * rng.uniform(-1, 1, (2, 6, 6))).astype(np.float32)
    coded, payload = encoded(network, latent, side)
    decoder = SymbolDecoder(payload)
    np.testing.assert_array_equal(coder(network).decode(side, decoder).values, coded.values)
    np.testing.assert_allclose(coded.values, latent, rtol=1e-6, atol=0.51)


def test_other_side_information_is_noticed():
    network = build(4, 6)
    latent, side = material(4, 6, 8, 8)
    encoder = SymbolEncoder()
    coder(network).encode(latent, side, encoder)
    decoder = SymbolDecoder(encoder.finish())
    coder(network).decode(side + np.float32(0.01), decoder)
    with pytest.raises(StreamError, match="other symbols"):
        decoder.finish(encoder.symbols_hash)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e12])
def test_latents_that_are_no_numbers_are_named(value):
    network = build(3, 2)
    latent, side = material(3, 2, 4, 4)
    latent[1, 2, 3] = value
    with pytest.raises(CheckpointError, match="diverged"):
        encoded(network, latent, side)


def test_side_information_that_is_no_number_is_named():
    network = build(3, 2)
    latent, side = material(3, 2, 4, 4)
    _, payload = encoded(network, latent, side)
    with pytest.raises(ValueError, match=r"3 channels, not 2"):
        coder(network).decode(np.concatenate([side, side[:1]]), SymbolDecoder(payload))
    side[0, 1, 1] = np.nan
    with pytest.raises(CheckpointError, match="diverged"):
        encoded(network, latent, side)
    with pytest.raises(StreamError, match="damaged"):
        coder(network).decode(side, SymbolDecoder(payload))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e5])
def test_weights_that_are_no_numbers_are_named(value):
    network = build(3, 2)
    network.layers[1][0][0, 0] = value
    with pytest.raises(CheckpointError, match="diverged"):
        coder(network)


def test_sums_stay_exact():
    """The largest sum that a layer's weights allow is below 2^53, and its weights have as many bits as fit."""
    rng = np.random.default_rng(5)
    for gain in (1e-6, 0.1, 1, 50):
        weight = (gain * rng.standard_normal((20, 300))).astype(np.float32)
        bias = (10 * gain * rng.standard_normal(20)).astype(np.float32)
        layer = PointwiseLayer.quantise(weight, bias)
        largest = np.abs(layer.weight).astype(object).sum(0) * (LIMIT << FRACTION) + np.abs(
            layer.bias
        ).astype(object)
        assert max(largest) < 2**53
        assert gain < 1e-3 or min(largest) > 2**51
        np.testing.assert_allclose(layer.weight.T * layer.scale[:, None], weight, atol=gain * 1e-3)

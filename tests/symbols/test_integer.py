"""Integer networks: exact against plain integers, close to the float network, the same under any threads."""

import os
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import CheckpointError
from core.symbols.integer import (
    ACTIVATION_BITS,
    INPUT_BITS,
    OUTPUT_BITS,
    SLOPE_BITS,
    SYMBOL_LIMIT,
    Deconvolution,
    IntegerLayer,
    IntegerNetwork,
)
from core.symbols.tables import GAUSSIAN_SCALES, LAPLACE_SCALES, table_index

ROOT = Path(__file__).parents[2]


def slow_sums(x: np.ndarray, layer: IntegerLayer) -> np.ndarray:
    """A transposed convolution by its definition, in Python's integers: every input is spread over the output."""
    channels, height, width = x.shape
    k, s = layer.weight.shape[2], layer.stride
    spread = np.zeros((layer.bias.size, s * height + k, s * width + k), object)
    weight = layer.weight.astype(object)
    for c in range(channels):
        for y in range(height):
            for x_ in range(width):
                spread[:, s * y : s * y + k, s * x_ : s * x_ + k] += x[c, y, x_] * weight[c]
    pad = k // 2
    cropped = spread[:, pad : pad + s * height, pad : pad + s * width]
    return cropped + layer.bias.astype(object)[:, None, None]


def slow_layer(x: np.ndarray, layer: IntegerLayer) -> np.ndarray:
    shifts = np.broadcast_to(layer.shifts.astype(object)[:, None, None], (layer.bias.size, 1, 1))
    return np.vectorize(lambda v, s: v >> s if s >= 0 else v << -s, otypes=[object])(
        slow_sums(x, layer), shifts
    )


def slow_network(network: IntegerNetwork, symbols: np.ndarray) -> np.ndarray:
    """What `IntegerNetwork` computes, in Python's integers."""
    limited = np.vectorize(lambda v: min(max(int(v), -SYMBOL_LIMIT), SYMBOL_LIMIT), otypes=[object])(symbols)
    x = limited * (1 << INPUT_BITS) + network.medians.astype(object)[:, None, None]
    for layer in network.layers[:-1]:
        x = np.vectorize(slow_activation, [object], excluded=[1])(slow_layer(x, layer), network)
    thresholds = network.thresholds.tolist()
    return np.vectorize(lambda v: sum(v > t for t in thresholds), otypes=[int])(
        slow_layer(x, network.layers[-1])
    )


def slow_activation(value: int, network: IntegerNetwork) -> int:
    top = network.activation_limit << ACTIVATION_BITS
    limited = min(max(value, -top), top)
    return max(limited, limited * network.slope >> SLOPE_BITS)


def float_network(
    layers: list[Deconvolution], medians: np.ndarray, symbols: np.ndarray, slope: float = 0.0
) -> np.ndarray:
    """The float layers with ReLU or LeakyReLU between them, in float64."""
    x = symbols + medians.astype(np.float64)[:, None, None]
    for number, layer in enumerate(layers):
        _, height, width = x.shape
        k, s = layer.weight.shape[2], layer.stride
        spread = np.zeros((layer.bias.size, s * height + k, s * width + k))
        for ky in range(k):
            for kx in range(k):
                part = np.tensordot(layer.weight[:, :, ky, kx].astype(np.float64), x, (0, 0))
                spread[:, ky : ky + s * height : s, kx : kx + s * width : s] += part
        pad = k // 2
        x = spread[:, pad : pad + s * height, pad : pad + s * width] + layer.bias[:, None, None]
        x = np.maximum(x, slope * x).clip(-255, 255) if number < len(layers) - 1 else x
    return x


Form = tuple[list[Deconvolution], np.ndarray, np.ndarray]
"""Layers, thresholds, medians."""


def deconvolution(
    rng: np.random.Generator, inputs: int, outputs: int, k: int = 5, stride: int = 2, gain: float = 2.0
) -> Deconvolution:
    """Weights that keep the spread of what goes through, in channels of unequal strength."""
    weight = rng.standard_normal((inputs, outputs, k, k)) * np.exp(rng.normal(0, 0.3, (1, outputs, 1, 1)))
    weight *= gain / np.sqrt(inputs * k * k / stride**2)
    return Deconvolution(weight.astype(np.float32), np.float32(0.1 * rng.standard_normal(outputs)), stride)


def scale_space_like(rng: np.random.Generator, channels: int) -> Form:
    """SSF's form: three 5x5 of stride 2, scales from the output itself."""
    layers = [deconvolution(rng, channels, channels, gain=1) for _ in range(3)]
    return layers, GAUSSIAN_SCALES[:-1], rng.normal(0, 0.3, channels)


def dvc_like(rng: np.random.Generator, channels: int) -> Form:
    """DVC's form: two 5x5 of stride 2, one 3x3 of stride 1, an exponential."""
    layers = [deconvolution(rng, channels, channels, gain=1) for _ in range(2)]
    layers.append(deconvolution(rng, channels, channels * 3 // 2, 3, 1, gain=0.7))
    return layers, np.log(LAPLACE_SCALES[:-1].astype(np.float64)), np.zeros(channels)


@pytest.mark.parametrize("slope", [0.0, 0.01])
@pytest.mark.parametrize("form", [scale_space_like, dvc_like])
def test_exact_against_plain_integers(form, slope) -> None:
    rng = np.random.default_rng(1)
    layers, thresholds, medians = form(rng, 4)
    network = IntegerNetwork.quantise(layers, thresholds, medians, slope=slope)
    symbols = rng.integers(-30, 31, (4, 2, 3)).astype(np.int32)
    symbols[0, 0] = (2**31 - 1, -(2**31), 5000)
    index = network(symbols)
    np.testing.assert_array_equal(index, slow_network(network, symbols))
    assert index.dtype == np.uint8
    assert len(np.unique(index)) > 10


@st.composite
def networks(draw: st.DrawFn) -> IntegerNetwork:
    """Any integers that a file may hold and that `IntegerNetwork` accepts, up to the limits of exactness."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    channels = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(2, 4)))]
    layers = []
    for inputs, outputs in pairwise(channels):
        k = draw(st.sampled_from([1, 3, 5]))
        largest = draw(st.sampled_from([3, 2**15 - 1]))
        weight = rng.integers(-largest, largest + 1, (inputs, outputs, k, k)).astype(np.int16)
        bias = rng.integers(-(2 ** draw(st.integers(1, 52))), 2**20, outputs)
        shifts = rng.integers(-3, draw(st.integers(0, 60)), outputs).astype(np.int8)
        layers.append(IntegerLayer(weight, bias, shifts, draw(st.integers(1, min(k, 3)))))
    limit = SYMBOL_LIMIT << INPUT_BITS
    medians = rng.integers(-limit, limit + 1, channels[0])
    thresholds = np.sort(rng.choice(2**30, draw(st.integers(1, 255)), replace=False)) - 2**29
    slope = draw(st.sampled_from([0, 1, 655, (1 << SLOPE_BITS) - 1]))
    return IntegerNetwork(layers, medians, thresholds, draw(st.integers(1, 1 << 14)), slope)


@settings(max_examples=60, deadline=None)
@given(networks(), st.integers(0, 2**32), st.sampled_from([3, 2000, 2**31 - 1]))
def test_any_network_is_exact(network: IntegerNetwork, seed: int, largest: int) -> None:
    rng = np.random.default_rng(seed)
    symbols = rng.integers(-largest, largest, (network.medians.size, *rng.integers(1, 3, 2))).astype(np.int32)
    np.testing.assert_array_equal(network(symbols), slow_network(network, symbols))


def test_exact_up_to_the_last_bit_of_a_double() -> None:
    """Odd sums just below 2^53: anything less exact than float64, or one bit more, would differ."""
    weight = np.full((1, 1, 1, 1), 2**15 - 1, np.int16)
    largest = SYMBOL_LIMIT << INPUT_BITS
    spare = 2**53 - 1 - (2**15 - 1) * 2 * largest
    layer = IntegerLayer(weight, np.array([spare]), np.array([0], np.int8), 1)
    sums = layer(np.array([[[2.0 * largest, 1.0, 3.0]]]))
    assert sums.astype(np.int64).tolist() == [[[2**53 - 1, spare + 2**15 - 1, spare + 3 * (2**15 - 1)]]]
    thresholds = np.array([2**53 - 3, 2**53 - 2])
    network = IntegerNetwork([layer], np.array([largest]), thresholds, 255)
    assert network(np.array([[[SYMBOL_LIMIT, 0]]], np.int32)).tolist() == [[[2, 0]]]
    too_large = IntegerLayer(weight, np.array([spare + 1]), np.array([0], np.int8), 1)
    with pytest.raises(CheckpointError, match="too large to be exact"):
        IntegerNetwork([too_large], np.array([0]), thresholds, 255)


@pytest.mark.parametrize("form", [scale_space_like, dvc_like])
def test_close_to_the_float_network(form) -> None:
    """The table next to the float one in less than 1 of 1000 places, where a scale lies between two tables."""
    rng = np.random.default_rng(2)
    layers, thresholds, medians = form(rng, 32)
    symbols = np.rint(rng.laplace(0, 2, (32, 9, 7))).astype(np.int32)
    index = IntegerNetwork.quantise(layers, thresholds, medians)(symbols).astype(int)
    expected = np.searchsorted(thresholds.astype(np.float64), float_network(layers, medians, symbols))
    assert index.shape == expected.shape
    difference = np.abs(index - expected)
    assert difference.max() <= 1
    assert difference.mean() < 1e-3
    assert np.unique(expected).size > 30


def normal(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)


def test_close_to_the_published_scales() -> None:
    """SSF's image codec under the name-seeded weights of the parity fixture: indices of PyTorch's float32 scales."""
    prefix = "img_hyperprior.hyper_decoder_scale.deconv"
    layers = []
    for number, gain in ((1, 2.0), (2, 2.0), (3, 2.5)):
        weight = normal(f"{prefix}{number}.weight", (192, 192, 5, 5)) * np.float32(gain / np.sqrt(192 * 25))
        bias = np.float32(0.05) * normal(f"{prefix}{number}.bias", (192,)) + np.float32(number == 3)
        layers.append(Deconvolution(weight, bias))
    medians = 0.3 * normal("img_hyperprior.entropy_bottleneck.quantiles", (192, 1, 3))[:, 0, 1]
    network = IntegerNetwork.quantise(layers, GAUSSIAN_SCALES[:-1], medians)
    fixture = np.load(ROOT / "tests" / "parity" / "ssfvc.npz")
    index = network(fixture["f0_img_sym_z"].astype(np.int32)).astype(int)
    difference = np.abs(index - table_index(fixture["f0_img_scales"], GAUSSIAN_SCALES))
    assert difference.max() <= 1
    assert difference.mean() < 1e-3


def test_activations_saturate() -> None:
    grow = Deconvolution(np.full((1, 1, 1, 1), 1000.0), np.zeros(1), 1)
    same = Deconvolution(np.ones((1, 1, 1, 1)), np.zeros(1), 1)
    network = IntegerNetwork.quantise([grow, same], [0, 99.5, 100.5, 1e5], [0.0], activation_limit=100)
    symbols = np.array([[[-5, 0, 1, 2**31 - 1, -(2**31)]]], np.int32)
    assert network(symbols).tolist() == [[[0, 0, 2, 2, 0]]]


def test_medians_are_added_and_thresholds_are_strict() -> None:
    same = Deconvolution(np.ones((1, 1, 1, 1)), np.zeros(1), 1)
    network = IntegerNetwork.quantise([same], [-2.25, 1.0, 1.25], [0.25])
    symbols = np.array([[[-3, -2, 0, 1, 2]]], np.int32)
    assert network(symbols).tolist() == [[[0, 1, 1, 2, 3]]]


def test_zero_and_tiny_channels_are_no_trouble() -> None:
    weight = np.zeros((2, 3, 5, 5))
    weight[:, 1] = 1e-30
    weight[:, 2] = 1e5
    network = IntegerNetwork.quantise([Deconvolution(weight, np.array([0.5, 0, 1e5]))], [0.25, 1e4], [0, 0])
    index = network(np.array([[[1]], [[0]]], np.int32))
    assert (index[0] == 1).all() and (index[1] == 0).all() and (index[2] == 2).all()


def test_sizes_of_outputs() -> None:
    network = IntegerNetwork.quantise(*dvc_like(np.random.default_rng(3), 4))
    for height, width in ((1, 1), (5, 3), (0, 4), (1, 1100)):
        assert network(np.zeros((4, height, width), np.int32)).shape == (6, 4 * height, 4 * width)


def test_strips_are_seamless() -> None:
    """More positions than are convolved at a time give what fewer do, where the distance is out of reach."""
    rng = np.random.default_rng(4)
    network = IntegerNetwork.quantise(*dvc_like(rng, 2))
    symbols = rng.integers(-9, 9, (2, 70, 40)).astype(np.int32)
    whole = network(symbols)
    part = network(symbols[:, 20:40])
    np.testing.assert_array_equal(whole[:, 4 * 24 : 4 * 36], part[:, 16:64])


_THREADS = """
import sys, zlib
import numpy as np
sys.path.insert(0, {root!r})
from core.symbols.integer import Deconvolution, IntegerNetwork
rng = np.random.default_rng(5)
layers = [Deconvolution(rng.standard_normal((96, 96, 5, 5)) / 25, np.full(96, 0.1)) for _ in range(3)]
network = IntegerNetwork.quantise(layers, np.geomspace(0.11, 200, 63), rng.normal(0, 1, 96))
print(zlib.crc32(network(rng.integers(-9, 10, (96, 9, 11)).astype(np.int32))))
"""


@pytest.mark.heavy
def test_same_under_any_threads() -> None:
    script = _THREADS.format(root=str(ROOT))
    hashes = {_hash(script, threads, kernel) for threads, kernel in (("1", ""), ("2", ""), ("2", "Nehalem"))}
    assert len(hashes) == 1 and "" not in hashes


def _hash(script: str, threads: str, kernel: str) -> str:
    """Output of a fresh process; OpenBLAS takes the kernels of the processor that is named."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": threads, "OPENBLAS_CORETYPE": kernel}
    if not kernel:
        del environment["OPENBLAS_CORETYPE"]
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


# What a checkpoint keeps, and what is wrong with it.


def small() -> IntegerNetwork:
    return IntegerNetwork.quantise(*dvc_like(np.random.default_rng(6), 2))


def test_returns_from_a_checkpoint() -> None:
    network = small()
    arrays = network.arrays("motion.scales")
    assert all(np.issubdtype(array.dtype, np.integer) for array in arrays.values())
    assert all(name.startswith("motion.scales.") for name in arrays)
    again = IntegerNetwork.from_arrays(arrays, "motion.scales")
    symbols = np.random.default_rng(7).integers(-9, 9, (2, 3, 3)).astype(np.int32)
    np.testing.assert_array_equal(again(symbols), network(symbols))
    for name, array in again.arrays("motion.scales").items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.mark.parametrize("name", sorted(small().arrays("p")))
def test_missing_and_mistyped_arrays_are_named(name: str) -> None:
    arrays = small().arrays("p")
    with pytest.raises(CheckpointError, match=f"lacks.*'{name}'"):
        IntegerNetwork.from_arrays({n: a for n, a in arrays.items() if n != name}, "p")
    for damaged in (arrays[name].astype(np.float32), arrays[name][None]):
        with pytest.raises(CheckpointError, match=f"'{name}'"):
            IntegerNetwork.from_arrays(arrays | {name: damaged}, "p")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("form", np.zeros(0, np.int32), "no layers"),
        ("form", np.array([255], np.int32), "no layers"),
        ("form", np.array([0, 2, 2, 1], np.int32), "activations"),
        ("form", np.array([2**30, 2, 2, 1], np.int32), "activations"),
        ("form", np.array([255, 0, 2, 1], np.int32), "stride 0"),
        ("form", np.array([255, 6, 2, 1], np.int32), "stride 6"),
        ("form", np.array([255, 2, 2, 1, 1], np.int32), "lacks"),
        ("medians", np.zeros(3, np.int64), "channels"),
        ("medians", np.full(2, 2**40), "medians"),
        ("medians", np.full(2, -(2**63)), "medians"),
        ("thresholds", np.zeros(0, np.int64), "thresholds"),
        ("thresholds", np.array([1, 1]), "thresholds"),
        ("thresholds", np.array([-(2**63), 2**62]), "thresholds"),
        ("thresholds", np.array([2**60]), "thresholds"),
        ("thresholds", np.arange(256), "thresholds"),
        ("0.weight", np.zeros((2, 2, 5, 3), np.int16), "5x3"),
        ("0.weight", np.zeros((2, 2, 4, 4), np.int16), "4x4"),
        ("0.weight", np.zeros((2, 2, 17, 17), np.int16), "17x17"),
        ("0.weight", np.zeros((2, 0, 5, 5), np.int16), "channels"),
        ("1.bias", np.zeros(3, np.int64), "channels"),
        ("1.bias", np.full(2, -(2**63)), "exact"),
        ("1.shifts", np.zeros(1, np.int8), "channels"),
    ],
)
def test_malformed_networks_are_refused(name: str, value: np.ndarray, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        IntegerNetwork.from_arrays(small().arrays("p") | {f"p.{name}": value}, "p")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_diverged_weights_are_refused(bad: float) -> None:
    layer = Deconvolution(np.full((1, 1, 3, 3), bad), np.zeros(1))
    with pytest.raises(CheckpointError, match="diverged"):
        IntegerNetwork.quantise([layer], [0.5], [0.0])


def test_fraction_bits_are_as_documented() -> None:
    """The format: a change of these decodes old streams wrongly, so it must be deliberate."""
    assert (INPUT_BITS, ACTIVATION_BITS, OUTPUT_BITS, SYMBOL_LIMIT) == (14, 12, 20, 1023)

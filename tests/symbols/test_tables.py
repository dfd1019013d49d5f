"""Integer tables: those of the published codecs to the last count, and nothing malformed from a file."""

import zlib
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit

from core.errors import CheckpointError
from core.symbols.tables import (
    GAUSSIAN_SCALES,
    LAPLACE_SCALES,
    TableSet,
    bottleneck_tables,
    factorized_tables,
    gaussian_tables,
    laplace_tables,
    quantise_pmf,
    table_index,
    tables_from_pmfs,
)

FIXTURE = np.load(Path(__file__).parents[1] / "parity" / "entropy_tables.npz")
"""Tables of CompressAI 1.2.8 and DCVC, with name-seeded weights where they depend on weights."""
TIE = 0.005
"""Counts within which the reference's float32 may round another way than float64."""


def published(name: str) -> TableSet:
    return TableSet(*(FIXTURE[f"{name}_{part}"] for part in ("cdf_flat", "cdf_length", "offset")))


def split(tables: TableSet) -> list[np.ndarray]:
    return np.split(tables.cdf, np.cumsum(tables.lengths[:-1]))


def assert_same(ours: TableSet, theirs: TableSet) -> None:
    for mine, other in zip(ours.arrays("").values(), theirs.arrays("").values(), strict=True):
        np.testing.assert_array_equal(mine, other)
        assert mine.dtype == np.int32


@pytest.mark.parametrize(
    ("name", "tables", "scales"),
    [("gauss", gaussian_tables, GAUSSIAN_SCALES), ("laplace", laplace_tables, LAPLACE_SCALES)],
)
def test_scale_tables_are_the_published_ones(
    name: str, tables: Callable[[], TableSet], scales: np.ndarray
) -> None:
    np.testing.assert_array_equal(scales, FIXTURE[f"{name}_scale_table"])
    assert_same(tables(), published(name))
    index = table_index(FIXTURE[f"{name}_index_in"], scales)
    np.testing.assert_array_equal(index, FIXTURE[f"{name}_index_out"])
    assert index.dtype == np.uint8


def normal(name: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)


def ssf_prior() -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """Logits and quantiles of the image codec's bottleneck, in float64 from the recipe's float32 weights."""
    prefix, widths = "img_hyperprior.entropy_bottleneck.", (1, 3, 3, 3, 3, 1)
    steps = []
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        start = np.float32(np.log(np.expm1(10 ** (-1 / 5) / outputs)))
        matrix = start + np.float32(0.2) * normal(f"{prefix}matrices.{i}", (192, outputs, inputs))
        bias = np.float32(0.3) * normal(f"{prefix}biases.{i}", (192, outputs, 1))
        factor = np.float32(0.3) * normal(f"{prefix}factors.{i}", (192, outputs, 1)) if i < 4 else bias * 0
        steps.append([part.astype(np.float64) for part in (matrix, bias, factor)])
    quantiles = normal(f"{prefix}quantiles", (192, 1, 3))[:, 0]
    quantiles[:, 0], quantiles[:, 2] = -10, 10
    quantiles[:, 1] *= np.float32(0.3)

    def logits(values: np.ndarray) -> np.ndarray:
        x = values[:, None]
        for matrix, bias, factor in steps:
            x = np.log1p(np.exp(matrix)) @ x + bias
            x = x + np.tanh(factor) * np.tanh(x)
        return x[:, 0]

    return logits, quantiles


def dcvc_prior(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """Logits of one of DCVC's factorised priors."""

    def part(key: str) -> np.ndarray:
        return np.float64(np.float32(0.2) * normal(f"{name}.{key}", (1, 64, 1, 1))).reshape(64, 1)

    def logits(x: np.ndarray) -> np.ndarray:
        for i in (1, 2, 3, 4):
            x = x * np.log1p(np.exp(np.float32(0.2) + part(f"f{i}.h"))) + part(f"f{i}.b")
            x = x + np.tanh(x) * np.tanh(part(f"f{i}.a")) if i < 4 else x
        return x

    return logits


def assert_equal_but_for_ties(mine: np.ndarray, theirs: np.ndarray, mass: np.ndarray) -> bool:
    """Whether a table is the published one; if not, it must be so once entries next to a tie round the other way."""
    if np.array_equal(mine, theirs):
        return True
    ties = np.flatnonzero(np.abs(mass * 65536 % 1 - 0.5) < TIE)
    assert 0 < ties.size < 6
    for signs in product((-1, 1), repeat=ties.size):
        moved = mass.copy()
        moved[ties] += np.array(signs) * TIE / 65536
        if np.array_equal(quantise_pmf(moved[:-1], moved[-1]), theirs):
            return False
    pytest.fail("no rounding of the ties gives the published table")


def test_bottleneck_tables_are_the_published_ones() -> None:
    logits, quantiles = ssf_prior()
    tables, reference = bottleneck_tables(logits, quantiles), published("ssf_img_eb")
    np.testing.assert_array_equal(tables.lengths, reference.lengths)
    np.testing.assert_array_equal(tables.offsets, reference.offsets)
    values = quantiles[:, 1:2].astype(np.float64) + np.arange(22) + tables.offsets[:, None]
    lower, upper = logits(values - 0.5), logits(values + 0.5)
    mass = np.concatenate([expit(upper) - expit(lower), expit(lower[:, :1]) + expit(-upper[:, -1:])], 1)
    same = [
        assert_equal_but_for_ties(*each) for each in zip(split(tables), split(reference), mass, strict=True)
    ]
    assert sum(same) >= 186


@pytest.mark.parametrize(
    ("name", "prior"), [("dcvc_z", "bitEstimator_z"), ("dcvc_mv_z", "bitEstimator_z_mv")]
)
def test_factorised_tables_are_the_published_ones(name: str, prior: str) -> None:
    logits, reference = dcvc_prior(prior), published(name)
    tables = factorized_tables(logits, 64)
    np.testing.assert_array_equal(tables.lengths, reference.lengths)
    np.testing.assert_array_equal(tables.offsets, reference.offsets)
    values = np.arange(tables.sizes.max()) + tables.offsets[:, None].astype(np.float64)
    lower, upper = expit(logits(values - 0.5)), expit(logits(values + 0.5))
    same = []
    for c, (mine, theirs) in enumerate(zip(split(tables), split(reference), strict=True)):
        mass = np.append((upper - lower)[c, : tables.sizes[c]], lower[c, 0] + 1 - upper[c, -1])
        same.append(assert_equal_but_for_ties(mine, theirs, mass))
    assert sum(same) >= 57


def slow_quantise(mass: list[float]) -> list[int]:
    """The published rule with plain integers, entry by entry."""
    counts = [int(p * 65536 + 0.5) for p in mass]
    total = sum(counts)
    cdf = [0]
    for count in counts:
        cdf.append(cdf[-1] + 65536 * count // total)
    cdf[-1] = 65536
    for i in range(len(counts)):
        if cdf[i] == cdf[i + 1]:
            widths = [(cdf[j + 1] - cdf[j], j) for j in range(len(counts)) if cdf[j + 1] - cdf[j] > 1]
            _, donor = min(widths)
            for j in range(donor + 1, i + 1):
                cdf[j] -= 1
            for j in range(i + 1, donor + 1):
                cdf[j] += 1
    return cdf


weights = hnp.arrays(
    np.float64, st.integers(2, 60), elements=st.floats(0, 1) | st.sampled_from([0.0, 1e-7, 1e-4])
)


@settings(max_examples=150, deadline=None)
@given(weights)
def test_quantiser_agrees_with_its_slow_twin(raw: np.ndarray) -> None:
    raw[0] += 0.01
    mass = raw / raw.sum()
    cdf = quantise_pmf(mass[:-1], mass[-1])
    assert cdf.tolist() == slow_quantise(mass.tolist())
    assert cdf[0] == 0 and cdf[-1] == 65536 and np.diff(cdf).min() >= 1


def test_a_prior_that_misses_its_support_escapes() -> None:
    assert quantise_pmf([0.0, 0.0], 0.0).tolist() == [0, 1, 2, 65536]


@pytest.mark.parametrize("mass", [[np.nan, 0.5], [-0.5, 0.9], [0.9, 0.9], [np.inf, 0.0]])
def test_what_is_no_probability_is_refused(mass: list[float]) -> None:
    with pytest.raises(CheckpointError, match="no probabilities"):
        quantise_pmf(mass, 0.1)


def logistic(values: np.ndarray) -> np.ndarray:
    return values


def test_bottleneck_support_follows_the_quantiles() -> None:
    tables = bottleneck_tables(logistic, np.array([[-3.2, 0.1, 2.0], [5.0, 5.0, 5.0], [-1e9, 0.0, 1e9]]))
    assert tables.offsets.tolist() == [-4, 0, -2047]
    assert tables.sizes.tolist() == [4 + 2 + 1, 1, 4095]
    # The mass outside is counted from a channel's own ends.
    expected = expit(0.1 - 4 - 0.5) + expit(-(0.1 + 2 + 0.5))
    assert tables.frequencies[0][-1] == pytest.approx(65536 * expected, abs=8)  # and what rounding left


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_quantiles_must_be_numbers(bad: float) -> None:
    with np.errstate(over="ignore"), pytest.raises(CheckpointError, match="quantiles"):
        bottleneck_tables(logistic, np.array([[-1.0, 0.0, bad]]))


def test_diverged_prior_is_refused() -> None:
    with pytest.raises(CheckpointError, match="no probabilities"):
        factorized_tables(lambda values: values * np.nan, 3)


def test_tables_return_from_a_checkpoint() -> None:
    arrays = gaussian_tables().arrays("prior")
    assert sorted(arrays) == ["prior.cdf", "prior.lengths", "prior.offsets"]
    assert_same(
        TableSet.from_arrays({k: v.astype(np.int64) for k, v in arrays.items()}, "prior"), gaussian_tables()
    )


def small() -> dict[str, np.ndarray]:
    return tables_from_pmfs([[0.5, 0.25], [0.9]], [0.25, 0.1], [-1, 7]).arrays("p")


def test_a_small_set() -> None:
    named = {name: array.tolist() for name, array in small().items()}
    assert named == {
        "p.cdf": [0, 32768, 49152, 65536, 0, 58982, 65536],
        "p.lengths": [4, 3],
        "p.offsets": [-1, 7],
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cdf", [0, 32768, 49152, 65536, 0, 58982, 65535]),
        ("cdf", [1, 32768, 49152, 65536, 0, 58982, 65536]),
        ("cdf", [0, 32768, 32768, 65536, 0, 58982, 65536]),
        ("cdf", [0, 49152, 32768, 65536, 0, 58982, 65536]),
        ("cdf", [0, 70000, 49152, 65536, 0, 58982, 65536]),
        ("cdf", [0, 32768, 49152, 65536, 0, 58982]),
        ("cdf", [[0, 65536]]),
        ("cdf", []),
        ("cdf", [0.0, 32768.0, 49152.0, 65536.0, 0.0, 58982.0, 65536.0]),
        ("lengths", [7]),
        ("lengths", [5, 2]),
        ("lengths", [8, -1]),
        ("lengths", [2**62, 2**62]),
        ("lengths", []),
        ("offsets", [0]),
        ("offsets", [0, 2**31]),
        ("offsets", [-(2**63), 0]),
        ("offsets", [True, False]),
    ],
)
def test_malformed_tables_are_refused(name: str, value: list) -> None:
    damaged = small() | {f"p.{name}": np.array(value)}
    with pytest.raises(CheckpointError, match="coding table"):
        TableSet.from_arrays(damaged, "p")


@pytest.mark.parametrize("name", ["cdf", "lengths", "offsets"])
def test_missing_tables_are_named(name: str) -> None:
    arrays = small()
    del arrays[f"p.{name}"]
    with pytest.raises(CheckpointError, match=f"p.{name}"):
        TableSet.from_arrays(arrays, "p")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-2, 65537), max_size=9), st.lists(st.integers(-3, 9), max_size=3), st.integers(0, 4)
)
def test_any_arrays_give_tables_or_the_error(cdf: list[int], lengths: list[int], offsets: int) -> None:
    arrays = {
        "a.cdf": np.array(cdf, int),
        "a.lengths": np.array(lengths, int),
        "a.offsets": np.zeros(offsets, int),
    }
    try:
        tables = TableSet.from_arrays(arrays, "a")
    except CheckpointError:
        return
    assert all(f.min() >= 1 and f.sum() == 65536 for f in tables.frequencies)


def test_index_is_the_narrowest_table_that_suffices() -> None:
    scales = np.float32([0, 0.11, 0.1100001, 1, 226.36, 1e9, np.inf])
    index = table_index(scales.reshape(1, 7), GAUSSIAN_SCALES)[0]
    assert index.tolist() == [0, 0, 1, 18, 63, 63, 63]
    assert (table_index(GAUSSIAN_SCALES, GAUSSIAN_SCALES) == np.arange(64)).all()

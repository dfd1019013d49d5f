"""Integer frequency tables: what the range coder knows of a prior, equal on every machine.

A table is made once, after training, and travels with the checkpoint. Frequencies have 16 bits; every symbol of a
table's support has at least one count, and the last entry is the escape symbol for values outside the support.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import constriction
import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.special import erf, erfc, expit, ndtri

from core.errors import CheckpointError
from core.hooks import Tables

Ints = NDArray[np.int32]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Extents = NDArray[np.int_]
Logits = Callable[[Floats], Floats]
"""Logit of each channel's cumulative distribution at given values: (C,L) -> (C,L)."""

PRECISION = 16
"""Bits of a frequency: those of a table sum to 65536."""
_TOTAL = 1 << PRECISION
_CODER_PRECISION = 24
"""Bits of a frequency inside constriction."""
_TAIL_MASS = 1e-9
_ROUNDING = 1e-3
"""How much float probabilities may be below 0, or exceed 1 in sum."""
_MAX_EXTENT = 2047
"""Support on either side of the median at most; rarer values are escapes."""
_MAX_OFFSET = 1 << 24
_MAX_TABLES = 1 << 16


@dataclass(frozen=True, eq=False)
class TableSet:
    """Cumulative frequency tables, numbered from 0."""

    cdf: Ints
    """All tables one after the other, each rising from 0 to 65536."""
    lengths: Ints
    """Entries of each table in ``cdf``: its symbols, the escape symbol and the closing 65536."""
    offsets: Ints
    """Value of each table's first symbol."""

    def __len__(self) -> int:
        return self.lengths.size

    @property
    def sizes(self) -> Ints:
        """Symbols of each table without the escape symbol, whose number this is."""
        return self.lengths - 2

    @property
    def frequencies(self) -> list[Ints]:
        """Counts of each table's symbols, the escape symbol last; they sum to 65536."""
        return [np.diff(table) for table in np.split(self.cdf, np.cumsum(self.lengths[:-1]))]

    @cached_property
    def models(self) -> list[Any]:
        """The tables as constriction's models, exactly.

        constriction gives symbol i the width floor(w_i * scale) + 1 of 2^24, with scale = (2^24 - n) / sum(w). With
        w_i = 256 f_i - 1 the scale is 1 and all of it is exact in float64, so the width is 256 f_i.
        """
        categorical = constriction.stream.model.Categorical
        step = 1 << (_CODER_PRECISION - PRECISION)
        return [categorical(f.astype(np.float64) * step - 1, perfect=False) for f in self.frequencies]

    def arrays(self, prefix: str) -> dict[str, Ints]:
        """The arrays that a checkpoint keeps: ``<prefix>.cdf``, ``.lengths`` and ``.offsets``."""
        return {f"{prefix}.{name}": getattr(self, name) for name in ("cdf", "lengths", "offsets")}

    @classmethod
    def from_arrays(cls, tables: Tables, prefix: str) -> TableSet:
        """The tables that `arrays` gave; raises `CheckpointError` where they are absent or malformed."""
        parts = [
            read_table(tables, f"{prefix}.{name}", np.integer, (None,)).astype(np.int64)
            for name in ("cdf", "lengths", "offsets")
        ]
        problem = _problem(*parts)
        if problem:
            raise CheckpointError(
                f"The coding tables '{prefix}' are damaged: {problem}. Give another checkpoint."
            )
        return cls(*(part.astype(np.int32) for part in parts))


def read_table(tables: Tables, name: str, dtype: DTypeLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """An array of integers out of a checkpoint's tables, of which None in a shape may be any number.

    Raises `CheckpointError` where there is none, or of another type or shape.
    """
    if name not in tables:
        raise CheckpointError(f"The checkpoint lacks the coding table '{name}': it belongs to another model.")
    array = np.asarray(tables[name])
    fits = array.ndim == len(shape) and all(
        side in (None, own) for side, own in zip(shape, array.shape, strict=True)
    )
    if not fits or not np.issubdtype(array.dtype, dtype):
        raise CheckpointError(
            f"The coding table '{name}' has the wrong type or shape; give another checkpoint."
        )
    return array


def _problem(cdf: NDArray[np.int64], lengths: NDArray[np.int64], offsets: NDArray[np.int64]) -> str | None:
    """The fault of arrays that may come from any file; None where there is none."""
    if not 0 < lengths.size <= _MAX_TABLES or lengths.size != offsets.size:
        return "there must be one length and one offset for each table"
    if lengths.min() < 3 or lengths.max() > cdf.size or lengths.sum() != cdf.size:
        return "the lengths do not add up"
    if offsets.min() < -_MAX_OFFSET or offsets.max() > _MAX_OFFSET:
        return "an offset is out of range"
    last = np.cumsum(lengths) - 1
    if cdf[last - lengths + 1].any() or (cdf[last] != _TOTAL).any():
        return f"a table does not go from 0 to {_TOTAL}"
    steps = np.diff(cdf)
    steps[last[:-1]] = 1
    if (steps < 1).any():
        return "a table does not rise"
    return None


def quantise_pmf(pmf: ArrayLike, tail: float) -> Ints:
    """Probabilities (K,) and the mass outside of them -> cumulative 16-bit frequencies (K+2,).

    Every entry gets at least one count, taken from the narrowest entries that have more than one. Raises
    `CheckpointError` for values that are no probabilities.
    """
    mass = np.append(np.asarray(pmf, np.float64), tail)
    return np.append(0, np.cumsum(_counts(mass[None], np.array([mass.size]))[0])).astype(np.int32)


def _counts(mass: Floats, sizes: Extents, largest: float = 1.0) -> NDArray[np.int64]:
    """What `quantise_pmf` gives each entry of many tables at once: (tables, entries), of which ``sizes`` count.

    No table's mass may be above the ``largest``.
    """
    if not (np.isfinite(mass).all() and mass.min() > -_ROUNDING and mass.sum(1).max() < largest + _ROUNDING):
        raise CheckpointError(
            "A prior of the network gives no probabilities: the weights are damaged or have diverged."
        )
    counts = np.floor(mass * _TOTAL + 0.5).astype(np.int64)
    counts = counts * _TOTAL // np.maximum(counts.sum(1, keepdims=True), 1)
    rows, last = np.arange(len(counts)), sizes - 1
    counts[rows, last] = 0
    counts[rows, last] = _TOTAL - counts.sum(1)
    inside = np.arange(counts.shape[1]) < sizes[:, None]
    while (empty := inside & (counts == 0)).any():
        rows = np.flatnonzero(empty.any(1))
        counts[rows, np.where(counts[rows] > 1, counts[rows], _TOTAL + 1).argmin(1)] -= 1
        counts[rows, empty[rows].argmax(1)] = 1
    return counts


def tables_from_pmfs(pmfs: Sequence[ArrayLike], tails: ArrayLike, offsets: ArrayLike) -> TableSet:
    """One table for each pmf: its mass outside is ``tails[i]`` and its first value ``offsets[i]``."""
    tables = [quantise_pmf(pmf, tail) for pmf, tail in zip(pmfs, np.asarray(tails), strict=True)]
    lengths = np.array([table.size for table in tables], np.int32)
    return TableSet(np.concatenate(tables), lengths, np.asarray(offsets).astype(np.int32))


# Scales and their distributions are evaluated as the published codecs do, so that the tables are theirs to the last
# count: in float32, but for elementary functions, which float64 rounded to float32 gives alike on every machine.


def _single(values: ArrayLike) -> Singles:
    return np.asarray(values).astype(np.float32)


def _log_spaced(first: float, last: float, count: int = 64) -> Singles:
    """Values from ``first`` to ``last`` in equal ratios, both ends counted from their own side."""
    low, high = _single(np.log([first, last]))
    step, index = (high - low) / np.float32(count - 1), np.arange(count)
    from_low = _single(np.float64(low) + np.float64(step) * index)
    from_high = _single(np.float64(high) - np.float64(step) * index[::-1])
    return _single(np.exp(np.where(index < count // 2, from_low, from_high).astype(np.float64)))


GAUSSIAN_SCALES = _log_spaced(0.11, 256)
"""Standard deviations of the 64 Gaussian tables."""
LAPLACE_SCALES = _log_spaced(0.01, 16)
"""Diversities b of the 64 Laplace tables."""
FINE_SCALES = _log_spaced(0.11, 16, 128)
"""Standard deviations of the 128 Gaussian tables of DCVC-UF."""
_FINE_FLOOR, _FINE_RANGE = 2.2073, 2.7726 + 2.2073
"""Logarithms of scales, as the published code rounds them."""
FINE_THRESHOLDS = _single(np.exp(np.arange(1, 128) * (_FINE_RANGE / 127) - _FINE_FLOOR))
"""A scale has table i of these where it is at least as large as i of them."""


def table_index(scales: ArrayLike, table_scales: Singles) -> NDArray[np.uint8]:
    """The narrowest table that is not narrower than a scale; the widest one above all. Any shape, float32.

    Float scales differ in the last bit between machines: for streams the index comes from an `IntegerNetwork`.
    """
    return np.searchsorted(table_scales[:-1], _single(scales), side="left").astype(np.uint8)


@cache
def gaussian_tables() -> TableSet:
    """Zero-mean Gaussians of `GAUSSIAN_SCALES`, each as wide as leaves 1e-9 outside (Ballé 2018, section 3)."""
    extents = np.ceil(GAUSSIAN_SCALES * np.float32(-ndtri(_TAIL_MASS / 2))).astype(int)
    return _symmetric_tables(extents, GAUSSIAN_SCALES, _gaussian_cdf, folded=True)


@cache
def laplace_tables() -> TableSet:
    """Zero-mean Laplace distributions of `LAPLACE_SCALES`, each as wide as leaves 1e-4 above, within ±2 and ±50."""
    reach = np.arange(_MIN_REACH, _MAX_REACH + 1)
    inside = _laplace_cdf(_single(reach), LAPLACE_SCALES[:, None]) > np.float32(1 - _CROSSING)
    return _symmetric_tables(_first_true(inside), LAPLACE_SCALES, _laplace_cdf, folded=False)


def _symmetric_tables(
    extents: Extents, scales: Singles, cdf: Callable[[Singles, Singles], Singles], folded: bool
) -> TableSet:
    """``folded`` takes both tails from the lower one, where float32 has more digits."""
    half = np.float32(0.5)
    pmfs, tails = [], []
    for extent, scale in zip(extents, scales, strict=True):
        values = _single(np.arange(-extent, extent + 1))
        values = -np.abs(values) if folded else values
        pmfs.append(cdf(values + half, scale) - cdf(values - half, scale))
        tails.append(2 * cdf(values[:1] - half, scale)[0])
    return tables_from_pmfs(pmfs, tails, -extents)


def _gaussian_cdf(values: Singles, scale: Singles) -> Singles:
    argument = np.float32(-np.sqrt(0.5)) * (values / scale)
    return np.float32(0.5) * _single(erfc(argument.astype(np.float64)))


def _laplace_cdf(values: Singles, scale: Singles) -> Singles:
    half = np.float32(0.5)
    return half - half * np.sign(values) * _single(np.expm1((-np.abs(values) / scale).astype(np.float64)))


# Factorised priors: one table for each channel.

_MIN_REACH, _MAX_REACH = 2, 50
_CROSSING = 1e-4


def bottleneck_tables(logits: Logits, quantiles: Floats) -> TableSet:
    """Tables of a factorised prior with learned quantiles (Ballé 2018, appendix 6.1).

    ``quantiles`` (C,3): lower end, median and upper end of each channel; a symbol is round(value - median). Raises
    `CheckpointError` when they are not finite.
    """
    quantiles = np.asarray(quantiles, np.float32)
    if not np.isfinite(quantiles).all():
        raise CheckpointError(
            "The quantiles of a prior are not numbers: the weights are damaged or have diverged."
        )
    low, median, high = quantiles.T
    below = np.clip(np.ceil(median - low), 0, _MAX_EXTENT).astype(int)
    above = np.clip(np.ceil(high - median), 0, _MAX_EXTENT).astype(int)
    return _channel_tables(logits, below, above, above, median.astype(np.float64))


def factorized_tables(logits: Logits, channels: int) -> TableSet:
    """Tables of a factorised prior without quantiles, as DCVC has them.

    Each side of 0 ends where 1e-4 is outside, after 2 values at least and 50 at most.
    """
    reach = np.broadcast_to(
        np.arange(_MIN_REACH, _MAX_REACH + 1, dtype=np.float64), (channels, _MAX_REACH - 1)
    )
    below = _first_true(expit(logits(-reach)) < _CROSSING)
    above = _first_true(expit(logits(reach)) > 1 - _CROSSING)
    # As published, the mass above a channel's table is what lies beyond the longest table of all.
    beyond = (below + above).max() - below
    return _channel_tables(logits, below, above, beyond, np.zeros(channels))


def _first_true(conditions: NDArray[np.bool_], longest: int = _MAX_REACH) -> Extents:
    """The extent whose condition holds first in each row, else the longest."""
    return np.where(conditions.any(1), _MIN_REACH + conditions.argmax(1), longest)


def _channel_tables(
    logits: Logits, below: Extents, above: Extents, beyond: Extents, median: Floats
) -> TableSet:
    """Tables from ``below`` to ``above`` the median; their mass outside is that below, and that above ``beyond``."""
    lengths = below + above + 1
    values = (median - below)[:, None] + np.arange((below + beyond).max() + 1)
    lower, upper = logits(values - 0.5), logits(values + 0.5)
    mass = expit(upper) - expit(lower)
    tails = expit(lower[:, 0]) + expit(-upper[np.arange(below.size), below + beyond])
    return tables_from_pmfs([row[:n] for row, n in zip(mass, lengths, strict=True)], tails, -below)


# DCVC-UF: many tables. Symbols stand in the order 0, 1, -1, 2, -2, ... where counts are made up for.

_WITHIN = 0.999
_MAX_REACH_FACTORIZED = 8
_MAX_MASS = 2.0
"""Limit of a table's mass: published tails overlap with its last symbols."""


@cache
def fine_gaussian_tables() -> TableSet:
    """Zero-mean Gaussians of `FINE_SCALES`, each as wide as leaves 1e-3 above, within ±2 and ±50.

    The published tables end at ±8, beyond which the wider half of them would code most symbols as escapes.
    """
    scales = FINE_SCALES[:, None]

    def cdf(values: ArrayLike) -> Singles:
        argument = _single(values) / scales * np.float32(np.sqrt(0.5))
        return np.float32(0.5) * (1 + _single(erf(argument.astype(np.float64))))

    reach = np.arange(_MIN_REACH, _MAX_REACH + 1)
    extents = _first_true(cdf(reach) > np.float32(_WITHIN), _MAX_REACH)
    tails = 2 * np.take_along_axis(cdf(-reach - 0.5), extents[:, None] - _MIN_REACH, 1)[:, 0]
    values = _alternating(_MAX_REACH)
    return _alternating_tables(cdf(values + 0.5) - cdf(values - 0.5), extents, tails)


def short_factorized_tables(logits: Logits) -> TableSet:
    """Tables of a factorised prior as DCVC-UF has them: as wide as leaves 1e-3 on either side, within ±2 and ±8."""
    reach = np.arange(_MIN_REACH, _MAX_REACH_FACTORIZED + 1, dtype=np.float64)[None]
    inside = (expit(logits(-reach)) < 1 - _WITHIN) & (expit(logits(reach)) > _WITHIN)
    extents = _first_true(inside, _MAX_REACH_FACTORIZED)
    ends = extents[:, None].astype(np.float64)
    # As published, the mass above begins half a symbol early.
    tails = (expit(logits(-ends - 0.5)) + expit(-logits(ends)))[:, 0]
    values = _alternating(_MAX_REACH_FACTORIZED)[None].astype(np.float64)
    return _alternating_tables(expit(logits(values + 0.5)) - expit(logits(values - 0.5)), extents, tails)


def _alternating(extent: int) -> Extents:
    """0, 1, -1, 2, -2, ..., up to an extent."""
    values = np.arange(1, extent + 1)
    return np.append(0, np.stack((values, -values), 1))


def _alternating_tables(probabilities: NDArray[Any], extents: Extents, tails: NDArray[Any]) -> TableSet:
    """Tables of probabilities (tables, values) in alternating order, each up to its extent, and the mass outside."""
    sizes = 2 * extents + 2
    mass = np.pad(probabilities.astype(np.float64), ((0, 0), (0, 1)))
    mass[np.arange(mass.shape[1]) >= sizes[:, None] - 1] = 0
    mass[np.arange(len(mass)), sizes - 1] = tails
    counts = _counts(mass, sizes, _MAX_MASS)
    cdfs = np.zeros((len(mass), mass.shape[1] + 1), np.int32)
    for extent in np.unique(extents):
        rising = np.append(np.argsort(_alternating(extent)), 2 * extent + 1)
        rows = extents == extent
        cdfs[rows, 1 : 2 * extent + 3] = np.cumsum(counts[rows][:, rising], 1)
    lengths = (sizes + 1).astype(np.int32)
    return TableSet(cdfs[np.arange(cdfs.shape[1]) < lengths[:, None]], lengths, -extents.astype(np.int32))

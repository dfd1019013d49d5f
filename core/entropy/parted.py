"""A latent that decodes everywhere although networks of floats expect it: what chooses tables is in integers.

The scale of every element, hence its table and whether it is coded at all, follows from the hyper-latent z and the
picture's quality in exact integers. Means follow from all else that is known, part after part of the latent (Li et
al., CVPR 2023: a checkerboard over quarters of the channels), in floats: symbols are distances from them, so that
another arithmetic moves a picture a little and loses nothing.

Scales are learned at a few *levels*; a *quality* is a whole number, and lies between two levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.ops import constexpr
from numpy.typing import NDArray

from core.entropy.coders import Indices, Written
from core.entropy.conditional import GaussianConditional, bits
from core.entropy.latents import Arrays, integer_twin
from core.entropy.quantize import add_noise, round_straight_through
from core.entropy.symbols import to_integers, to_tensor
from core.errors import CheckpointError
from core.hooks import Tables
from core.nn.chain import ConvChain
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import OUTPUT_BITS, IntegerNetwork
from core.symbols.tables import GAUSSIAN_SCALES, TableSet, table_index

SKIPPED = int(np.searchsorted(GAUSSIAN_SCALES, 0.18))
"""Elements of tables below this one are not coded: all but a few in a thousand of them are 0 anyway."""
_LARGEST_OFFSET = 1000.0
"""Of the logarithm of a scale."""
_LARGEST_LOG = math.log(GAUSSIAN_SCALES[-1])


class LevelTable(nn.Cell):
    """A learned row for each level, interpolated between them: ``construct(level)``, N,1 from 0 -> N,C."""

    def __init__(self, levels: int, channels: int, value: float = 0.0) -> None:
        super().__init__()
        self.rows = Parameter(Tensor(np.full((levels, channels), value, np.float32)))
        self.numbers = Tensor(np.arange(levels, dtype=np.float32))

    def construct(self, level: Tensor) -> Tensor:
        shares = ops.relu(1.0 - ops.abs(level - self.numbers))
        return ops.matmul(shares, self.rows)

    def of_qualities(self, qualities: int) -> NDArray[np.float64]:
        """(Q,C): the rows of so many qualities, the first and the last of which are the first and the last level."""
        rows = self.rows.asnumpy().astype(np.float64)
        levels = np.linspace(0, len(rows) - 1, qualities)
        shares = np.maximum(1 - np.abs(levels[:, None] - np.arange(len(rows))), 0)
        return shares @ rows


class LevelPrior(nn.Cell):
    """Of a hyper-latent z, N,C,h,w: Gaussians of mean zero, whose scale is that of channel and level.

    ``construct(z, level)`` returns ``z_hat`` and each item's bits, (N).
    """

    def __init__(self, channels: int, levels: int, qualities: int) -> None:
        super().__init__()
        self.qualities = qualities
        self.log_scales = LevelTable(levels, channels)
        self.conditional = GaussianConditional()

    def construct(self, z: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        scales = ops.exp(self.log_scales(level)).expand_dims(2).expand_dims(3)
        z_hat = round_straight_through(z)
        judged = add_noise(z) if self.training else z_hat
        return z_hat, bits_of_items(self.conditional.likelihood(judged, scales))

    def symbols(self, z: Tensor) -> Tensor:
        """Whole numbers that stand for z, and that are restored as they are."""
        return ops.round(z)

    def medians_in_numpy(self) -> NDArray[np.floating[Any]]:
        """See `core.entropy.latents.FactorizedLatent`."""
        return np.zeros(self.log_scales.rows.shape[1])

    def information(self, symbols: Tensor, scales: Tensor) -> Tensor:
        """See `core.entropy.latents.Latent`."""
        return bits(self.conditional.likelihood(symbols, scales))

    def tables(self, name: str) -> Arrays:
        """``<name>.tables`` (Q,C): the Gaussian table of each channel at each quality; and the Gaussian tables."""
        scales = np.exp(self.log_scales.of_qualities(self.qualities))
        return self.conditional.tables() | {f"{name}.tables": table_index(scales, GAUSSIAN_SCALES)}

    def coder(self, tables: Tables, name: str) -> LevelCoder:
        """See `core.entropy.latents.Latent`; what is known is the quality."""
        numbers = _read(tables, f"{name}.tables", np.uint8, (self.qualities, self.log_scales.rows.shape[1]))
        gaussians = self.conditional.coded_by(tables)
        if numbers.max(initial=0) >= len(gaussians):
            raise CheckpointError(f"The coding table '{name}.tables' is damaged: give another checkpoint.")
        return LevelCoder(gaussians, numbers)


class LevelCoder:
    """Codes symbols 1,C,h,w, each under the Gaussian table of its channel at a quality."""

    def __init__(self, tables: TableSet, numbers: Indices) -> None:
        self._tables, self._numbers = tables, numbers

    def encode(self, latent: Tensor, encoder: SymbolEncoder, quality: int) -> Written:
        """See `core.entropy.coders.LatentCoder`."""
        symbols = to_integers(latent)
        _, height, width = symbols.shape
        indices = self._indices(height, width, quality)
        encoder.encode(symbols, self._tables, indices)
        return Written(latent, (latent, _scales(indices)))

    def decode(self, decoder: SymbolDecoder, height: int, width: int, quality: int) -> Tensor:
        """See `core.entropy.coders.LatentCoder`."""
        return to_tensor(decoder.decode(self._tables, self._indices(height, width, quality)))

    def _indices(self, height: int, width: int, quality: int) -> Indices:
        row = self._numbers[quality]
        return np.repeat(row, height * width).reshape(row.size, height, width)


class PartedLatent(nn.Cell):
    """A latent y, N,C,h,w, sides divisible by 4.

    ``construct(y, level, *known)``, level N,1 and what else is known of y, N,K,h,w each; returns ``y_hat`` and the
    bits of each item, hyper-latent included (N). For coding, z is a latent of its own, `prior`.

    Args:
        analysis: y to z, a quarter of the sides.
        scale_synthesis: z to the logarithm of every scale, N,C,h,w, to which that of channel and level is added;
            transposed convolutions with activations that are all alike.
        side: z_hat to what it tells of y, N,S,h,w.
        fusion: side information and all that is known to N,F,h,w.
        adaptors: for each part but the first, what is known with the parts before it, N,F+C,h,w, to N,F,h,w.
        refinement: N,F,h,w to the same, for all parts but the first.
        means: N,F,h,w to N,C,h,w.
        levels, qualities: how many.
    """

    def __init__(
        self,
        channels: int,
        hyper: int,
        analysis: nn.Cell,
        scale_synthesis: ConvChain,
        side: nn.Cell,
        fusion: nn.Cell,
        adaptors: Sequence[nn.Cell],
        refinement: nn.Cell,
        means: nn.Cell,
        levels: int,
        qualities: int,
    ) -> None:
        super().__init__()
        self.analysis, self.scale_synthesis, self.side = analysis, scale_synthesis, side
        self.fusion, self.adaptors, self.refinement = fusion, nn.CellList(list(adaptors)), refinement
        self.means = means
        self.prior = LevelPrior(hyper, levels, qualities)
        self.log_scales = LevelTable(levels, channels)
        self.conditional = GaussianConditional()
        self.channels, self.parts, self.qualities = channels, len(adaptors) + 1, qualities

    def construct(self, y: Tensor, level: Tensor, *known: Tensor) -> tuple[Tensor, Tensor]:
        z_hat, z_bits = self.prior(self.analysis(y), level)
        logarithms = self.scale_synthesis(z_hat) + self.log_scales(level).expand_dims(2).expand_dims(3)
        scales = ops.exp(ops.clamp(logarithms, max=_LARGEST_LOG))
        expected = self._expected(z_hat, known)
        y_hat, means = ops.zeros_like(y), ops.zeros_like(y)
        for number in range(self.parts):
            part = self._part(y, number)
            mean = self._means(number, expected, y_hat) * part
            means = means + mean
            y_hat = y_hat + (round_straight_through((y - mean) * part) + mean)
        deviation = y - means
        judged = add_noise(deviation) if self.training else ops.round(deviation)
        return y_hat, z_bits + bits_of_items(self.conditional.likelihood(judged, scales))

    def hyper_symbols(self, y: Tensor) -> Tensor:
        """Symbols of z."""
        return self.prior.symbols(self.analysis(y))

    def quantise(self, y: Tensor, z_symbols: Tensor, coded: Tensor, *known: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols of y, and ``y_hat``; ``coded``, like y, is 1 where an element is coded and 0 where it is skipped."""
        expected = self._expected(z_symbols, known)
        symbols, y_hat = ops.zeros_like(y), ops.zeros_like(y)
        for number in range(self.parts):
            part = self._part(y, number)
            mean = self._means(number, expected, y_hat) * part
            made = ops.round((y - mean) * part) * coded
            symbols, y_hat = symbols + made, y_hat + (made + mean)
        return symbols, y_hat

    def restore(self, symbols: Tensor, z_symbols: Tensor, *known: Tensor) -> Tensor:
        """``y_hat`` from symbols."""
        expected = self._expected(z_symbols, known)
        y_hat = ops.zeros_like(symbols)
        for number in range(self.parts):
            part = self._part(symbols, number)
            mean = self._means(number, expected, y_hat) * part
            y_hat = y_hat + (symbols * part + mean)
        return y_hat

    def information(self, symbols: Tensor, scales: Tensor) -> Tensor:
        """See `core.entropy.latents.Latent`."""
        return bits(self.conditional.likelihood(symbols, scales))

    def tables(self, name: str) -> Arrays:
        """``<name>.scales.*``, the network that chooses tables; ``<name>.offsets`` (Q,C), what qualities add to it."""
        thresholds = np.log(self.conditional.thresholds.astype(np.float64))
        network = integer_twin(self.scale_synthesis, thresholds, self.prior.medians_in_numpy())
        logarithms = self.log_scales.of_qualities(self.qualities)
        if not np.abs(logarithms).max() < _LARGEST_OFFSET:  # False for NaN as well
            raise CheckpointError(
                "The scales of a latent are no numbers or too large: its training has diverged."
            )
        offsets = np.rint(np.ldexp(logarithms, OUTPUT_BITS)).astype(np.int32)
        return self.conditional.tables() | network.arrays(f"{name}.scales") | {f"{name}.offsets": offsets}

    def coder(self, tables: Tables, name: str) -> SparseCoder:
        """See `core.entropy.latents.Latent`; what is known is what `ExactTables` chose."""
        return SparseCoder(self.conditional.coded_by(tables))

    def exact_tables(self, tables: Tables, name: str) -> ExactTables:
        """What chooses the tables of y."""
        network = IntegerNetwork.from_arrays(tables, f"{name}.scales")
        return ExactTables(
            network, _read(tables, f"{name}.offsets", np.int32, (self.qualities, self.channels))
        )

    def _expected(self, z_hat: Tensor, known: tuple[Tensor, ...]) -> Tensor:
        side = self.side(z_hat)
        return self.fusion(ops.concat((side, *known), 1) if known else side)

    def _means(self, number: int, expected: Tensor, y_hat: Tensor) -> Tensor:
        """Of all elements, as far as the parts before part ``number`` tell."""
        if number > 0:
            expected = self.refinement(self.adaptors[number - 1](ops.concat((expected, y_hat), 1)))
        return self.means(expected)

    def _part(self, y: Tensor, number: int) -> Tensor:
        """1,C,h,w: 1 where an element belongs to a part, else 0."""
        return _mask(self.channels, y.shape[2], y.shape[3], self.parts, number)


class ExactTables:
    """Symbols of z, 1,Z,h,w, and the quality to the table of every element of y, (C,4h,4w): alike on every machine."""

    def __init__(self, network: IntegerNetwork, offsets: NDArray[np.int32]) -> None:
        self._network, self._offsets = network, offsets.astype(np.float64)
        self._thresholds = network.thresholds.astype(np.float64)

    def __call__(self, z: Tensor, quality: int) -> Indices:
        values = self._network.values(to_integers(z)) + self._offsets[quality][:, None, None]
        return np.searchsorted(self._thresholds, values, side="left").astype(np.uint8)


def coded_elements(indices: Indices) -> Tensor:
    """1,C,h,w: 1 where an element of this table is coded, 0 where it is skipped."""
    return Tensor((indices >= SKIPPED).astype(np.float32)[None])


class SparseCoder:
    """Codes symbols 1,C,h,w under tables (C,h,w) that are known; those of the narrowest tables are not coded."""

    def __init__(self, tables: TableSet) -> None:
        self._tables = tables

    def encode(self, latent: Tensor, encoder: SymbolEncoder, indices: Indices) -> Written:
        """See `core.entropy.coders.LatentCoder`; skipped symbols are 0."""
        chosen = indices >= SKIPPED
        encoder.encode(to_integers(latent)[chosen], self._tables, indices[chosen])
        return Written(latent, (latent, _scales(indices)))

    def decode(self, decoder: SymbolDecoder, height: int, width: int, indices: Indices) -> Tensor:
        """See `core.entropy.coders.LatentCoder`; the sides are those of ``indices``."""
        chosen = indices >= SKIPPED
        symbols = np.zeros(indices.shape, np.int32)
        symbols[chosen] = decoder.decode(self._tables, indices[chosen])
        return to_tensor(symbols)


def bits_of_items(likelihood: Tensor) -> Tensor:
    """Information content of each item of a batch, (N); see `core.entropy.conditional.bits`."""
    return -ops.xlogy(1.0, likelihood).sum((1, 2, 3)) / math.log(2)


def _scales(indices: Indices) -> Tensor:
    return Tensor(GAUSSIAN_SCALES[indices][None])


@constexpr
def _mask(channels: int, height: int, width: int, parts: int, number: int) -> Tensor:
    """Part ``number``: every group of channels has it at other places of each 2x2, so that parts see all around."""
    rows, columns = np.arange(height)[:, None] % 2, np.arange(width) % 2
    if parts == 2:
        kinds = (rows + columns) % 2
    else:
        kinds = np.array([[0, 2], [3, 1]])[rows, columns]
    groups = np.arange(channels) * parts // channels
    return Tensor(((kinds + groups[:, None, None]) % parts == number).astype(np.float32)[None])


def _read(tables: Tables, name: str, dtype: type[np.integer], shape: tuple[int, ...]) -> NDArray[Any]:
    if name not in tables:
        raise CheckpointError(f"The checkpoint lacks the coding table '{name}': it belongs to another model.")
    array = np.asarray(tables[name])
    if array.dtype != dtype or array.shape != shape:
        raise CheckpointError(
            f"The coding table '{name}' has the wrong type or shape; give another checkpoint."
        )
    return array

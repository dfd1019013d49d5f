"""Latents of networks that code at many rates: what is learned at a few levels, and tables of many qualities.

A *level* is a number from 0 on, between whole ones what is learned is interpolated; a *quality* is a whole number, and
has tables of its own. The first and the last quality are the first and the last level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from numpy.typing import NDArray

from core.entropy.coders import FactorizedCoder, Indices, LatentCoder
from core.entropy.conditional import GaussianConditional, InformationOfSamples
from core.entropy.factorized import FactorizedLatent
from core.entropy.latents import Arrays
from core.entropy.parted import HALVES, QUARTERS, PartedLatent, Places
from core.entropy.quantize import add_noise, round_straight_through
from core.entropy.symbols import to_integers
from core.errors import CheckpointError
from core.hooks import Tables
from core.nn.chain import ConvChain
from core.symbols.integer import OUTPUT_BITS, IntegerNetwork
from core.symbols.tables import GAUSSIAN_SCALES, read_table, table_index

SKIPPED = int(np.searchsorted(GAUSSIAN_SCALES, 0.18))
"""Elements of tables below this one are not coded: all but a few in a thousand of them are 0 anyway."""
_MAX_OFFSET = 1000.0
"""Limit of the logarithm of a scale."""
_MAX_LOG = math.log(GAUSSIAN_SCALES[-1])


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
        """(Q,C): the rows of so many qualities."""
        rows = self.rows.asnumpy().astype(np.float64)
        levels = np.linspace(0, len(rows) - 1, qualities)
        shares = np.maximum(1 - np.abs(levels[:, None] - np.arange(len(rows))), 0)
        return shares @ rows


class LevelPrior(FactorizedLatent):
    """The prior of a hyper-latent z, N,C,h,w: Gaussians of mean zero, whose scale is that of channel and level.

    ``construct(z, level)`` returns ``z_hat`` and each item's bits, (N).
    """

    def __init__(self, channels: int, levels: int, qualities: int) -> None:
        super().__init__()
        self.qualities, self.finest = qualities, levels - 1
        self.log_scales = LevelTable(levels, channels)
        self.conditional, self.price = GaussianConditional(), InformationOfSamples()

    def construct(self, z: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        z_hat = round_straight_through(z)
        return z_hat, self.bits(add_noise(z) if self.training else z_hat, level)

    def bits(self, z: Tensor, level: Tensor) -> Tensor:
        """Information of each item of z as it is judged, (N)."""
        scales = ops.exp(self.log_scales(level)).expand_dims(2).expand_dims(3)
        return self.price(self.conditional.likelihood(z, scales))

    def information(self, symbols: Tensor, *quality: Tensor) -> Tensor:
        """Bits of symbols of one quality, (1): a scalar."""
        level = quality[0].reshape(1, 1) * (self.finest / (self.qualities - 1))
        return self.bits(symbols, level).sum()

    def tables(self, name: str) -> Arrays:
        """``<name>.tables`` (Q,C): the Gaussian table of each channel at each quality; and the Gaussian tables."""
        scales = np.exp(self.log_scales.of_qualities(self.qualities))
        return self.conditional.tables() | {f"{name}.tables": table_index(scales, GAUSSIAN_SCALES)}

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `core.entropy.latents.Latent`; the quality is known."""
        numbers = read_table(
            tables, f"{name}.tables", np.uint8, (self.qualities, self.log_scales.rows.shape[1])
        )
        gaussians = self.conditional.coded_by(tables)
        if numbers.max(initial=0) >= len(gaussians):
            raise CheckpointError(f"The coding table '{name}.tables' is damaged: give another checkpoint.")
        return FactorizedCoder(gaussians, numbers)


class LevelLatent(PartedLatent):
    """A latent y, N,C,h,w, height and width divisible by 4, whose scales follow from z and the quality.

    ``construct(y, level, *told)``, level N,1 and what else tells of y, N,K,h,w each; returns ``y_hat`` and the bits
    of each item, hyper-latent included (N). For coding, z is a latent of its own, `prior`.

        y ──▶ analysis ──▶ z ──▶ prior ──▶ side ──▶ fusion ◀── told
                           │                          │
                           ▼                          ▼
                    scale_synthesis         means, part after part ──▶ y_hat

    Args:
        analysis: y to z, a quarter of height and width.
        scale_synthesis: z to the logarithm of every scale, N,C,h,w, to which that of channel and level is added;
            transposed convolutions with activations that are all alike.
        side: z_hat to what it tells of y, N,S,h,w.
        fusion: that, and all that else is told, to N,F,h,w.
        adaptors: for each part but the first, what is known with the parts before it, N,F+C,h,w, to N,F,h,w; one
            of them for halves, three for quarters.
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
        order = HALVES if len(adaptors) == 1 else QUARTERS
        super().__init__(order, GaussianConditional(), scale_synthesis)
        self.analysis, self.scale_synthesis, self.side, self.fusion = analysis, scale_synthesis, side, fusion
        self.adaptors, self.refinement, self.means = nn.CellList(list(adaptors)), refinement, means
        self.prior = LevelPrior(hyper, levels, qualities)
        self.log_scales = LevelTable(levels, channels)
        self.channels, self.qualities = channels, qualities

    def construct(self, y: Tensor, level: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
        z_hat, z_bits = self.prior(self.analysis(y), level)
        logarithms = self.scale_synthesis(z_hat) + self.log_scales(level).expand_dims(2).expand_dims(3)
        scales = ops.exp(ops.clamp(logarithms, max=_MAX_LOG))
        y_hat, bits = self.in_parts(y, *self.known(z_hat, *told), scales)
        return y_hat, z_bits + bits

    def hyper_symbols(self, y: Tensor) -> Tensor:
        """Symbols of z."""
        return self.prior.symbols(self.analysis(y))

    def known(self, z_hat: Tensor, *told: Tensor) -> tuple[Tensor, Tensor]:
        """What is known of y before any of it is coded, and the means of its first part."""
        side = self.side(z_hat)
        fused = self.fusion(ops.concat((side, *told), 1) if told else side)
        return fused, self.means(fused)

    def expect(self, number: int, y_hat: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        """See `PartedLatent`; scales are known from the start."""
        return (self.means(self.refinement(self.adaptors[number - 1](ops.concat((known, y_hat), 1)))),)

    def thresholds(self) -> NDArray[np.float64]:
        """Logarithms, as those are what is added up."""
        return np.log(self.conditional.thresholds.astype(np.float64))

    def tables(self, name: str) -> Arrays:
        """The tables, with ``<name>.offsets`` (Q,C), what qualities add to the logarithms of scales."""
        logarithms = self.log_scales.of_qualities(self.qualities)
        if not np.abs(logarithms).max() < _MAX_OFFSET:  # False for NaN as well
            raise CheckpointError(
                "The scales of a latent are no numbers or too large: its training has diverged."
            )
        offsets = np.rint(np.ldexp(logarithms, OUTPUT_BITS)).astype(np.int32)
        return super().tables(name) | {f"{name}.offsets": offsets}

    def exact_tables(self, tables: Tables, name: str) -> ExactTables:
        """What chooses the tables of y."""
        network = IntegerNetwork.from_arrays(tables, f"{name}.scales")
        read_table(tables, f"{name}.scales.thresholds", np.int64, self.conditional.thresholds.shape)
        offsets = read_table(tables, f"{name}.offsets", np.int32, (self.qualities, self.channels))
        return ExactTables(network, offsets)


class ExactTables:
    """Symbols of z, 1,Z,h,w, and the quality to which elements of y are coded, (C,4h,4w), and their tables, (n).

    It is computed in integers, alike on every machine.
    """

    def __init__(self, network: IntegerNetwork, offsets: NDArray[np.int32]) -> None:
        self._network, self._offsets = network, offsets.astype(np.float64)
        self._thresholds = network.thresholds.astype(np.float64)

    def __call__(self, z: Tensor, quality: int) -> tuple[Places, Indices]:
        values = self._network.values(to_integers(z)) + self._offsets[quality][:, None, None]
        coded = values > self._thresholds[SKIPPED - 1]
        return coded, np.searchsorted(self._thresholds, values[coded], side="left").astype(np.uint8)

"""Latents that are coded in steps, each under means and scales that are known before it (DCVC-UF, section 3.3).

Elements whose scale is at most a threshold are not coded: they are taken to be their means.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops
from numpy.typing import NDArray

from core.entropy.coders import ExactSide, Indices, LatentCoder, Written
from core.entropy.conditional import GaussianConditional, InformationOfSamples
from core.entropy.latents import Arrays, integer_twin
from core.entropy.quantize import add_noise
from core.entropy.symbols import require_whole
from core.hooks import Tables
from core.nn.chain import ConvChain
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import IntegerNetwork
from core.symbols.tables import FINE_THRESHOLDS, TableSet, fine_gaussian_tables

Array = NDArray[np.float32]
Places = NDArray[np.bool_]
_NAME = "fine_gaussian"


class SteppedLatent(nn.Cell):
    """A latent N,C,h,w whose elements are Gaussian about their means.

    Args:
        scales: a chain from the hyper-latent z to the scales of all elements, computed in integers for coding, the
            same on every machine; None where scales are told otherwise.
    """

    def __init__(self, scales: ConvChain | None = None) -> None:
        super().__init__()
        self.scales_of = scales
        self.conditional, self.price = GaussianConditional(), InformationOfSamples()

    def bits(self, distances: Tensor, scales: Tensor) -> Tensor:
        """Information of each sample, (N): of distances from the means, not rounded yet, under raw scales."""
        judged = add_noise(distances) if self.training else ops.round(distances)
        return self.price(self.conditional.likelihood(judged, scales))

    def information(self, symbols: Tensor, scales: Tensor, coded: Tensor) -> Tensor:
        """Bits of those symbols that are ``coded`` (1, else 0): a scalar."""
        likelihood = self.conditional.likelihood(symbols, scales)
        return self.price(ops.where(coded > 0, likelihood, ops.ones_like(likelihood))).sum()

    def tables(self, name: str) -> Arrays:
        """Those of all such latents, and ``<name>.scales.*`` for `exact_scales`."""
        arrays: Arrays = dict(fine_gaussian_tables().arrays(_NAME))
        if self.scales_of is None:
            return arrays
        return arrays | integer_twin(self.scales_of, FINE_THRESHOLDS).arrays(f"{name}.scales")

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `core.entropy.latents.Latent`."""
        return SteppedCoder(TableSet.from_arrays(tables, _NAME))

    def exact_scales(self, tables: Tables, name: str) -> ExactSide:
        """Symbols of z to scales, on every machine alike; raises `CheckpointError` where the tables lack it."""
        return ExactSide(IntegerNetwork.from_arrays(tables, f"{name}.scales"))


class SteppedCoder:
    """Codes a step of a latent, 1,C,h,w: what is known are means and scales, likewise, and the elements' places.

    ``places`` (C,h,w) tells which elements belong to the step, ``skip`` up to which scale they are not coded. What is
    read is the step's part of the quantised latent, 0 elsewhere. Distances are rounded with halves away from zero.
    """

    def __init__(self, tables: TableSet) -> None:
        self._tables = tables

    def encode(
        self,
        latent: Tensor,
        encoder: SymbolEncoder,
        means: Tensor,
        scales: Tensor,
        places: Places,
        skip: float,
    ) -> Written:
        """See `core.entropy.coders.LatentCoder`; what is priced are symbols, scales, and which are coded."""
        of_means, indices, coded = _known(means, scales, places, skip)
        distances = (latent.asnumpy()[0] - of_means)[coded]
        require_whole(distances)
        symbols = np.trunc(distances + np.copysign(np.float32(0.5), distances)).astype(np.int32)
        encoder.encode(symbols, self._tables, indices)
        spread = _spread(symbols, coded)
        priced = Tensor(spread[None]), scales, Tensor(coded[None].astype(np.float32))
        return Written(_quantised(spread, of_means, places), priced)

    def decode(
        self,
        decoder: SymbolDecoder,
        height: int,
        width: int,
        means: Tensor,
        scales: Tensor,
        places: Places,
        skip: float,
    ) -> Tensor:
        """See `core.entropy.coders.LatentCoder`; the sides are those of what is known."""
        of_means, indices, coded = _known(means, scales, places, skip)
        return _quantised(_spread(decoder.decode(self._tables, indices), coded), of_means, places)


def table_indices(scales: Array) -> Indices:
    """The table whose scale is the largest that is not above each of ``scales``."""
    return np.searchsorted(FINE_THRESHOLDS, scales, side="right").astype(np.uint8)


def _known(means: Tensor, scales: Tensor, places: Places, skip: float) -> tuple[Array, Indices, Places]:
    """Means of all elements, the tables of those that are coded, and which these are."""
    of_scales = scales.asnumpy()[0]
    coded = places & (of_scales > np.float32(skip))
    return means.asnumpy()[0], table_indices(of_scales[coded]), coded


def _spread(symbols: NDArray[np.int32], coded: Places) -> Array:
    spread = np.zeros(coded.shape, np.float32)
    spread[coded] = symbols
    return spread


def _quantised(symbols: Array, means: Array, places: Places) -> Tensor:
    values: NDArray[Any] = np.where(places, symbols + means, np.float32(0))
    return Tensor(values[None])

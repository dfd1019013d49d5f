"""Latents that are coded in parts, each under means that the parts before it tell.

Elements whose scale is small are not coded: they are taken to be their means. Where the hyper-latent alone tells the
scales, they are computed in integers, so that symbols decode on every machine. Means are floats, and symbols are
distances from them, so that another arithmetic moves a picture a little and loses nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr
from numpy.typing import NDArray

from core.entropy.coders import ExactSide, Indices, LatentCoder, Written
from core.entropy.conditional import Conditional, InformationOfSamples
from core.entropy.latents import Arrays, integer_twin
from core.entropy.quantize import add_noise, round_straight_through
from core.entropy.symbols import to_integers, to_tensor
from core.hooks import Tables
from core.nn.chain import ConvChain
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import IntegerNetwork
from core.symbols.tables import Singles, TableSet

Places = NDArray[np.bool_]
"""Elements of a latent, (C,h,w): those of a part, or those that are coded."""
Pattern = tuple[tuple[int, ...], ...]
"""One tuple for each equal share of the channels: places of a cell of 2x2, counted row by row, that belong to the
part."""
Order = tuple[Pattern, ...]
"""The parts of a latent, one after another."""

HALVES: Order = (((0, 3), (1, 2)), ((1, 2), (0, 3)))
"""A checkerboard, the other way round in the second half of the channels (Li et al. 2023)."""
QUARTERS: Order = (
    ((0,), (2,), (1,), (3,)),
    ((3,), (0,), (2,), (1,)),
    ((1,), (3,), (0,), (2,)),
    ((2,), (1,), (3,), (0,)),
)
"""A place of each cell at a time, another one in each quarter of the channels."""


class PartedLatent(nn.Cell):
    """A latent y, N,C,h,w, that is coded in the parts of an `Order`. A class states `expect`.

    What its methods take: ``known``, what is known of all of y beforehand, for `expect` to look at; ``means`` and
    ``scales`` of the first part, like y.

    Args:
        order: the parts.
        conditional: the distribution of distances from the means.
        scales: the hyper-latent z to the scales of all elements, where it alone tells them. It is no child of this
            cell by that, as a network may hold it elsewhere.
    """

    scales: ConvChain | None

    def __init__(self, order: Order, conditional: Conditional, scales: ConvChain | None = None) -> None:
        super().__init__()
        self.order, self.conditional, self.price = order, conditional, InformationOfSamples()
        object.__setattr__(self, "scales", scales)

    def expect(self, number: int, y_hat: Tensor, known: Tensor) -> tuple[Tensor, ...]:
        """Means of part ``number``, 1 or later, from those before it; and scales, unless those of the part before
        hold for it too."""
        raise NotImplementedError

    def in_parts(self, y: Tensor, known: Tensor, means: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
        """``y_hat`` and the bits of each sample, (N), in training by noise."""
        y_hat, distances, of_scales = 0.0, 0.0, 0.0
        for number in range(len(self.order)):
            if number > 0:
                told = self.expect(number, y_hat, known)
                means, scales = (told + (scales,))[:2]
            part = self.part(number, y)
            mean = means * part
            distance = (y - mean) * part
            y_hat = y_hat + (round_straight_through(distance) + mean)
            distances, of_scales = distances + distance, of_scales + scales * part
        return y_hat, self.bits(distances, of_scales)

    def bits(self, distances: Tensor, scales: Tensor) -> Tensor:
        """Information of each sample, (N): of distances from the means before rounding, under raw scales."""
        judged = add_noise(distances) if self.training else ops.round(distances)
        return self.price(self.conditional.likelihood(judged, scales))

    def quantise(self, y: Tensor, known: Tensor, means: Tensor, coded: Tensor) -> tuple[Tensor, Tensor]:
        """Symbols of y, and ``y_hat``; ``coded``, like y, is 1 where an element is coded, else 0."""
        symbols, y_hat = ops.zeros_like(y), ops.zeros_like(y)
        for number in range(len(self.order)):
            part = self.part(number, y)
            mean = (means if number == 0 else self.expect(number, y_hat, known)[0]) * part
            made = ops.round((y - mean) * part) * coded
            symbols, y_hat = symbols + made, y_hat + (made + mean)
        return symbols, y_hat

    def restore(self, symbols: Tensor, known: Tensor, means: Tensor) -> Tensor:
        """``y_hat`` from symbols."""
        y_hat = ops.zeros_like(symbols)
        for number in range(len(self.order)):
            part = self.part(number, symbols)
            mean = (means if number == 0 else self.expect(number, y_hat, known)[0]) * part
            y_hat = y_hat + (symbols * part + mean)
        return y_hat

    def part(self, number: int, y: Tensor) -> Tensor:
        """1,C,h,w: 1 where an element belongs to a part, else 0."""
        return _mask(self.order[number], *y.shape[1:])

    def places(self, channels: int, height: int, width: int) -> list[Places]:
        """The elements of each part, (C,h,w)."""
        return [_places(part, channels, height, width) for part in self.order]

    def information(self, symbols: Tensor, scales: Tensor, coded: Tensor) -> Tensor:
        """Bits of those symbols that are ``coded`` (1, else 0): a scalar."""
        likelihood = self.conditional.likelihood(symbols, scales)
        return self.price(ops.where(coded > 0, likelihood, ops.ones_like(likelihood))).sum()

    def thresholds(self) -> NDArray[np.floating[Any]]:
        """Thresholds that ``scales`` is compared with."""
        return self.conditional.thresholds

    def tables(self, name: str) -> Arrays:
        """The tables of the distribution; and ``<name>.scales.*``, where z alone tells the scales."""
        arrays = self.conditional.tables()
        if self.scales is None:
            return arrays
        return arrays | integer_twin(self.scales, self.thresholds()).arrays(f"{name}.scales")

    def coder(self, tables: Tables, name: str) -> LatentCoder:
        """See `core.entropy.latents.Latent`."""
        return PartedCoder(self.conditional.coded_by(tables), self.conditional.table_scales)

    def exact_scales(self, tables: Tables, name: str) -> ExactSide:
        """Symbols of z to scales, on every machine alike; raises `CheckpointError` where the tables lack it."""
        return ExactSide(IntegerNetwork.from_arrays(tables, f"{name}.scales"))


class PartedCoder:
    """Codes symbols 1,C,h,w, of all parts or of one, under tables that are known.

    ``coded`` (C,h,w) says which are coded, the others are 0; ``indices`` (n) are the tables of those n, in order.
    """

    def __init__(self, tables: TableSet, scales: Singles) -> None:
        self._tables, self._scales = tables, scales

    def encode(self, latent: Tensor, encoder: SymbolEncoder, coded: Places, indices: Indices) -> Written:
        """See `core.entropy.coders.LatentCoder`; what is priced are symbols, scales, and which are coded."""
        encoder.encode(to_integers(latent)[coded], self._tables, indices)
        scales = np.ones(coded.shape, np.float32)
        scales[coded] = self._scales[indices]
        return Written(latent, (latent, Tensor(scales[None]), Tensor(coded[None].astype(np.float32))))

    def decode(
        self, decoder: SymbolDecoder, height: int, width: int, coded: Places, indices: Indices
    ) -> Tensor:
        """See `core.entropy.coders.LatentCoder`; the size is that of what is known."""
        symbols = np.zeros(coded.shape, np.int32)
        symbols[coded] = decoder.decode(self._tables, indices)
        return to_tensor(symbols)


@cache
def _places(part: Pattern, channels: int, height: int, width: int) -> Places:
    rows, columns = np.arange(height)[:, None] % 2, np.arange(width)[None] % 2
    shares = [np.isin(2 * rows + columns, share) for share in part]
    return np.repeat(np.array(shares), channels // len(part), 0)


@constexpr
def _mask(part: Pattern, channels: int, height: int, width: int) -> Tensor:
    return Tensor(_places(part, channels, height, width)[None].astype(np.float32))

"""Codes latents by the range coder, under tables that were made before: the same on every machine.

Coders take and give the tensors of one picture, N = 1, and compute in integers between.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from core.entropy.symbols import to_integers, to_tensor
from core.symbols.autoregressive import AutoregressiveCoder
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import OUTPUT_BITS, IntegerNetwork
from core.symbols.tables import TableSet

Ints = NDArray[np.int32]
Indices = NDArray[np.integer[Any]]
Pair = tuple[Tensor, Tensor]


class Written(NamedTuple):
    """A latent that was coded."""

    values: Any
    """The values that the decoder will read."""
    priced: tuple[Tensor, ...]
    """The arguments of the latent's ``information``."""


class LatentCoder(Protocol):
    """One latent's way through the range coder; ``known`` is what encoder and decoder know of it beforehand."""

    def encode(self, latent: Any, encoder: SymbolEncoder, *known: Any) -> Written:
        """Add a latent; raises `CheckpointError` where it holds what is no number or does not fit 32 bits."""
        ...

    def decode(self, decoder: SymbolDecoder, height: int, width: int, *known: Any) -> Any:
        """The next latent, which has this size: `Written.values`. Raises `StreamError` on damage."""
        ...


class FactorizedCoder:
    """Codes symbols 1,C,h,w, each under the table of its channel: by default the tables are those of the channels.

    Else ``numbers`` (Q,C) say which table a channel has at each of several qualities; which counts is known.
    """

    def __init__(self, tables: TableSet, numbers: Indices | None = None) -> None:
        self._tables = tables
        self._numbers = np.arange(len(tables))[None] if numbers is None else numbers

    def encode(self, latent: Tensor, encoder: SymbolEncoder, *quality: int) -> Written:
        """See `LatentCoder`."""
        symbols = to_integers(latent)
        _, height, width = symbols.shape
        encoder.encode(symbols, self._tables, self._indices(height, width, *quality))
        return Written(latent, (latent, *(Tensor(np.array([number], np.int32)) for number in quality)))

    def decode(self, decoder: SymbolDecoder, height: int, width: int, *quality: int) -> Tensor:
        """See `LatentCoder`."""
        return to_tensor(decoder.decode(self._tables, self._indices(height, width, *quality)))

    def _indices(self, height: int, width: int, quality: int = 0) -> Indices:
        """C,h,w: each element has the table of its channel."""
        numbers = self._numbers[quality]
        return np.repeat(numbers, height * width).reshape(len(numbers), height, width)


class HyperpriorCoder:
    """Codes symbols of z by its prior, then those of y, each under the table that z chooses through a network."""

    def __init__(self, prior: FactorizedCoder, tables: TableSet, scales: IntegerNetwork) -> None:
        self._prior, self._tables, self._scales = prior, tables, scales

    def encode(self, latent: Pair, encoder: SymbolEncoder, *known: Any) -> Written:
        """See `LatentCoder`; what is known is the prior's."""
        z, y = (to_integers(part) for part in latent)
        self._prior.encode(latent[0], encoder, *known)
        coded = latent[0], to_tensor(self._encode(y, self._scales(z), encoder))
        return Written(coded, coded)

    def decode(self, decoder: SymbolDecoder, height: int, width: int, *known: Any) -> Pair:
        """See `LatentCoder`; the size is that of y."""
        times = self._scales.enlargement
        z = self._prior.decode(decoder, height // times, width // times, *known)
        return z, to_tensor(self._decode(self._scales(to_integers(z)), decoder))

    def _encode(self, symbols: Ints, indices: Indices, encoder: SymbolEncoder) -> Ints:
        """Add symbols of y under these tables; returns those that the decoder will have."""
        encoder.encode(symbols, self._tables, indices)
        return symbols

    def _decode(self, indices: Indices, decoder: SymbolDecoder) -> Ints:
        return decoder.decode(self._tables, indices)


class ContextCoder:
    """Codes a latent y itself, place after place under a context model; what is known is y's side information.

    ``whole`` decodes to whole numbers, else to whole distances from the means (`AutoregressiveCoder`).
    """

    def __init__(self, coder: AutoregressiveCoder) -> None:
        self._coder = coder

    def encode(self, latent: Tensor, encoder: SymbolEncoder, side: Tensor, whole: bool = False) -> Written:
        """See `LatentCoder`. What is priced are y's rounded distances from the means, and raw scales."""
        y = latent.asnumpy()[0]
        coded = self._coder.encode(y, side.asnumpy()[0], encoder, whole)
        priced = np.rint(y - coded.means), coded.scales
        return Written(Tensor(coded.values[None]), tuple(Tensor(part[None]) for part in priced))

    def decode(
        self, decoder: SymbolDecoder, height: int, width: int, side: Tensor, whole: bool = False
    ) -> Tensor:
        """See `LatentCoder`; the size is that of what is known."""
        return Tensor(self._coder.decode(side.asnumpy()[0], decoder, whole).values[None])


class ExactSide:
    """Computes side information of y, 1,S,H,W, from symbols of z, 1,C,h,w, in integers: the same on every
    machine."""

    def __init__(self, synthesis: IntegerNetwork) -> None:
        self._synthesis = synthesis

    def __call__(self, z: Tensor) -> Tensor:
        values = np.ldexp(self._synthesis.values(to_integers(z)), -OUTPUT_BITS)
        return Tensor(values[None].astype(np.float32))

"""Packets on their way out and in: what a codec's ``encode`` writes, its ``decode`` reads in the same order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from mindspore import Tensor

from core.codec.frame_code import FrameCode, Made
from core.entropy.coders import LatentCoder
from core.errors import StreamError
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import TableSet, tables_from_pmfs

_FIRST = np.zeros(1, np.intp)
"""The only table, of one number."""


@dataclass(frozen=True)
class CodedLatent:
    """One of a codec's latents, ready to be coded."""

    coder: LatentCoder
    reduction: int
    """How many times smaller than the padded picture it is, rounded up."""
    information: Callable[..., Tensor]
    """Bits of what was coded under the float priors, a scalar."""


class PacketWriter:
    """Takes what a packet is to hold; ``estimate`` asks for its bits under the float priors as well."""

    def __init__(self, latents: Mapping[str, CodedLatent], estimate: bool = False) -> None:
        self._latents = latents
        self._encoder = SymbolEncoder()
        self.bits = 0.0 if estimate else None
        """Information content of the latents so far; numbers are not in it."""

    def write(self, name: str, latent: Any, *known: Any) -> Any:
        """Add a latent as the network gives it; returns what the decoder will read.

        ``known`` is what encoder and decoder know of it, as its coder takes it (`core.entropy.coders`). Raises
        `CheckpointError` where the network's numbers are none.
        """
        place = self._latents[name]
        written = place.coder.encode(latent, self._encoder, *known)
        if self.bits is not None:
            self.bits += float(place.information(*written.priced))
        return written.values

    def write_number(self, number: int, among: range) -> None:
        """Add a whole number, all of which are equally likely."""
        self._encoder.encode(np.array([number]), _uniform(among.start, len(among)), _FIRST)

    def finish(self, output: Made) -> FrameCode:
        """The packet whole, from which the decoder will make this; nothing may follow."""
        return FrameCode(self._encoder.finish(), self._encoder.symbols_hash, output, self.bits)


class PacketReader:
    """Gives what a packet holds, for padded pictures of this size. All its methods raise `StreamError` on damage."""

    def __init__(self, latents: Mapping[str, CodedLatent], payload: bytes, height: int, width: int) -> None:
        self._latents = latents
        self._decoder = SymbolDecoder(payload)
        self.height, self.width = height, width

    def read(self, name: str, *known: Any) -> Any:
        """The next latent: what `PacketWriter.write` returned for it."""
        place = self._latents[name]
        size = -(-self.height // place.reduction), -(-self.width // place.reduction)
        return place.coder.decode(self._decoder, *size, *known)

    def read_number(self, among: range) -> int:
        """The next whole number."""
        (number,) = self._decoder.decode(_uniform(among.start, len(among)), _FIRST).tolist()
        if number not in among:
            raise StreamError(
                f"A packet is damaged: it holds {number} where a number from {among[0]} to {among[-1]} stands."
            )
        return int(number)

    def finish(self, symbols: int) -> None:
        """Raise `StreamError` unless all symbols so far have this CRC-32."""
        self._decoder.finish(symbols)


@cache
def _uniform(first: int, count: int) -> TableSet:
    return tables_from_pmfs([np.full(count, 1 / count)], [0.0], [first])

"""Between symbols and bytes: the tables of a trained network, and a frame's way through the range coder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from core.entropy.symbols import channel_tables, to_integers, to_tensor
from core.errors import StreamError
from core.hooks import Tables
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import TableSet, tables_from_pmfs

from .cells import Hierarchy
from .order import MOST

_MOTION, _RESIDUAL, _DISTANCE = "motion.prior", "residual.prior", "distance"
_ONE = np.zeros(1, np.intp)
"""The only table, for one number."""


def tables(network: Hierarchy) -> Tables:
    """The integer tables of a trained network.

    ``motion.prior.*`` and ``residual.prior.*``: one for each channel of a latent; ``distance.*``: that of an anchor's
    distance, all of which are equally likely.
    """
    arrays: dict[str, NDArray[np.integer[Any]]] = {}
    arrays |= network.motion.prior.tables().arrays(_MOTION)
    arrays |= network.residual.prior.tables().arrays(_RESIDUAL)
    return arrays | tables_from_pmfs([np.full(MOST, 1 / MOST)], [0.0], [1]).arrays(_DISTANCE)


class LatentCoder:
    """Codes an anchor's distance, and the symbols of a frame: those of its motion, then those of its residual."""

    def __init__(self, tables: Mapping[str, NDArray[np.integer[Any]]]) -> None:
        self._motion = TableSet.from_arrays(tables, _MOTION)
        self._residual = TableSet.from_arrays(tables, _RESIDUAL)
        self._distance = TableSet.from_arrays(tables, _DISTANCE)

    def encode_distance(self, distance: int, encoder: SymbolEncoder) -> None:
        """Add how many frames an anchor lies after the one before."""
        encoder.encode(np.array([distance], np.int32), self._distance, _ONE)

    def decode_distance(self, decoder: SymbolDecoder) -> int:
        """The next distance, 1 to `MOST`; raises `StreamError` on damage."""
        (distance,) = decoder.decode(self._distance, _ONE).tolist()
        if not 1 <= distance <= MOST:
            raise StreamError(f"A packet is damaged: it says that the next anchor is {distance} frames on.")
        return distance

    def encode(self, motion: Tensor, residual: Tensor, encoder: SymbolEncoder) -> None:
        """Add a frame's symbols; raises `CheckpointError` when one is no number or does not fit 32 bits."""
        for symbols, prior in ((motion, self._motion), (residual, self._residual)):
            values = to_integers(symbols)
            encoder.encode(values, prior, channel_tables(prior, *values.shape[1:]))

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> tuple[Tensor, Tensor]:
        """The next frame's symbols, whose latents have these sides; raises `StreamError` on damage."""
        motion = decoder.decode(self._motion, channel_tables(self._motion, height, width))
        residual = decoder.decode(self._residual, channel_tables(self._residual, height, width))
        return to_tensor(motion), to_tensor(residual)

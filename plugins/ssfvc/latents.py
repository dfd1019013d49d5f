"""Between symbols and bytes: the tables of the three latents, and their way through the range coder."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.entropy.symbols import channel_tables, to_integers, to_tensor
from core.hooks import Tables
from core.nn.conv import ConvTranspose2d
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import Deconvolution, IntegerNetwork
from core.symbols.tables import GAUSSIAN_SCALES, TableSet, gaussian_tables

from .cells import ScaleSpaceFlow
from .hyperprior import Hyperprior
from .stages import Symbols

IMAGE, MOTION, RESIDUAL = "image", "motion", "residual"
LATENTS = (IMAGE, MOTION, RESIDUAL)
"""Names of the latents: those of their cells, and what their tables' names begin with."""
_GAUSSIAN = "gaussian"


def tables(network: ScaleSpaceFlow) -> Tables:
    """The integer tables of a trained network.

    ``gaussian.*``: tables of y, for all three latents; and for each ``<name>.prior.*``: tables of z, one for each
    channel, and ``<name>.scales.*``: the scale synthesis in integers, which chooses the table of every element of y.
    """
    arrays: dict[str, NDArray[np.integer[Any]]] = {}
    arrays |= gaussian_tables().arrays(_GAUSSIAN)
    for name in LATENTS:
        hyperprior: Hyperprior = getattr(network, name).hyperprior
        arrays |= hyperprior.prior.tables().arrays(f"{name}.prior")
        arrays |= _integer_scales(hyperprior).arrays(f"{name}.scales")
    return arrays


def _integer_scales(hyperprior: Hyperprior) -> IntegerNetwork:
    layers = [
        Deconvolution(cell.weight.asnumpy(), cell.bias.asnumpy())
        for cell in hyperprior.scale_synthesis
        if isinstance(cell, ConvTranspose2d)
    ]
    medians = hyperprior.prior.medians().asnumpy().ravel()
    return IntegerNetwork.quantise(layers, GAUSSIAN_SCALES[:-1], medians)


class LatentCoder:
    """Codes the symbols of one latent: z under its channels' tables, then y under those that z chooses."""

    def __init__(self, tables: Tables, name: str) -> None:
        self._prior = TableSet.from_arrays(tables, f"{name}.prior")
        self._gaussian = TableSet.from_arrays(tables, _GAUSSIAN)
        self._scales = IntegerNetwork.from_arrays(tables, f"{name}.scales")

    def encode(self, symbols: Symbols, encoder: SymbolEncoder) -> None:
        """Add a latent; raises `CheckpointError` when a symbol is no number or does not fit 32 bits."""
        z, y = (to_integers(part) for part in symbols)
        encoder.encode(z, self._prior, channel_tables(self._prior, *z.shape[1:]))
        encoder.encode(y, self._gaussian, self._scales(z))

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> Symbols:
        """The next latent, whose z has these sides; raises `StreamError` where the payload is damaged."""
        z = decoder.decode(self._prior, channel_tables(self._prior, height, width))
        y = decoder.decode(self._gaussian, self._scales(z))
        return to_tensor(z), to_tensor(y)

"""Between symbols and bytes: the tables of the three latents, and their way through the range coder."""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from core.entropy.coder import SymbolDecoder, SymbolEncoder
from core.entropy.integer import Deconvolution, IntegerNetwork
from core.entropy.tables import GAUSSIAN_SCALES, TableSet, gaussian_tables
from core.errors import CheckpointError
from core.hooks import Tables
from core.nn.conv import ConvTranspose2d

from .cells import ScaleSpaceFlow
from .hyperprior import Hyperprior
from .stages import Symbols

IMAGE, MOTION, RESIDUAL = "image", "motion", "residual"
LATENTS = (IMAGE, MOTION, RESIDUAL)
"""Names of the latents: those of their cells, and what their tables' names begin with."""
_GAUSSIAN = "gaussian"
_LARGEST_SYMBOL = 2**31


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
        z, y = (_integers(part) for part in symbols)
        encoder.encode(z, self._prior, self._channels(*z.shape[1:]))
        encoder.encode(y, self._gaussian, self._scales(z))

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> Symbols:
        """The next latent, whose z has these sides; raises `StreamError` where the payload is damaged."""
        z = decoder.decode(self._prior, self._channels(height, width))
        y = decoder.decode(self._gaussian, self._scales(z))
        return Tensor(z[None].astype(np.float32)), Tensor(y[None].astype(np.float32))

    def _channels(self, height: int, width: int) -> NDArray[np.intp]:
        """Each element's channel, which is the number of its table."""
        channels = len(self._prior)
        return np.repeat(np.arange(channels), height * width).reshape(channels, height, width)


def _integers(symbols: Tensor) -> NDArray[np.int32]:
    values = symbols.asnumpy()[0]
    if not np.abs(values).max() < _LARGEST_SYMBOL:  # neither is "not a number"
        raise CheckpointError(
            "The network's latents are too large or no numbers: its training has diverged; give another checkpoint."
        )
    return values.astype(np.int32)

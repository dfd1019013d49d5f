"""Between symbols and bytes: the tables of motion and residual, and their way through the range coder."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.entropy.symbols import channel_tables, to_integers, to_tensor
from core.hooks import Tables
from core.nn.conv import ConvTranspose2d
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import LARGEST_ACTIVATION, Deconvolution, IntegerNetwork
from core.symbols.tables import LAPLACE_SCALES, TableSet, laplace_tables

from .cells import Dvc
from .hyperprior import Hyperprior
from .stages import Symbols

_MOTION, _HYPER, _LAPLACE, _SCALES = "motion.prior", "residual.prior", "laplace", "residual.scales"
_HALVINGS = 4
"""Of the residual's latent, to the sides of its hyper-latent."""


def tables(network: Dvc) -> Tables:
    """The integer tables of a trained network.

    ``motion.prior.*``: one for each channel of the motion's latent; ``residual.prior.*``: one for each channel of the
    hyper-latent z; ``laplace.*``: those of the residual's latent; ``residual.scales.*``: the network in integers that
    chooses among them.
    """
    hyperprior = network.residual.hyperprior
    arrays: dict[str, NDArray[np.integer[Any]]] = {}
    arrays |= network.motion.prior.tables().arrays(_MOTION)
    arrays |= hyperprior.prior.tables().arrays(_HYPER)
    arrays |= laplace_tables().arrays(_LAPLACE)
    return arrays | _integer_scales(hyperprior).arrays(_SCALES)


def _integer_scales(hyperprior: Hyperprior) -> IntegerNetwork:
    """The hyper synthesis, whose exponential is left out: its result is compared with the scales' logarithms."""
    layers = [
        Deconvolution(cell.weight.asnumpy(), cell.bias.asnumpy(), cell.stride[0])
        for cell in hyperprior.synthesis
        if isinstance(cell, ConvTranspose2d)
    ]
    thresholds = np.log(LAPLACE_SCALES[:-1].astype(np.float64))
    medians = np.zeros(layers[0].weight.shape[0])
    return IntegerNetwork.quantise(layers, thresholds, medians, LARGEST_ACTIVATION)


class LatentCoder:
    """Codes the symbols of an inter frame: motion; the residual's z; and its y under the tables that z chooses."""

    def __init__(self, tables: Tables) -> None:
        self._motion = TableSet.from_arrays(tables, _MOTION)
        self._hyper = TableSet.from_arrays(tables, _HYPER)
        self._laplace = TableSet.from_arrays(tables, _LAPLACE)
        self._scales = IntegerNetwork.from_arrays(tables, _SCALES)

    def encode(self, symbols: Symbols, encoder: SymbolEncoder) -> None:
        """Add a frame's symbols; raises `CheckpointError` when one is no number or does not fit 32 bits."""
        motion, z, y = (to_integers(part) for part in symbols)
        encoder.encode(motion, self._motion, channel_tables(self._motion, *motion.shape[1:]))
        encoder.encode(z, self._hyper, channel_tables(self._hyper, *z.shape[1:]))
        encoder.encode(y, self._laplace, self._scales(z))

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> Symbols:
        """The next frame's symbols, of which motion and y have these sides; raises `StreamError` on damage."""
        motion = decoder.decode(self._motion, channel_tables(self._motion, height, width))
        sides = height // _HALVINGS, width // _HALVINGS
        z = decoder.decode(self._hyper, channel_tables(self._hyper, *sides))
        y = decoder.decode(self._laplace, self._scales(z))
        return to_tensor(motion), to_tensor(z), to_tensor(y)

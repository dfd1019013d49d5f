"""Between latents and bytes: a network's tables, and how a latent and its hyper-latent go through the range coder."""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from core.entropy.masked import context_network
from core.entropy.symbols import channel_tables, to_integers, to_tensor
from core.hooks import Tables
from core.nn.conv import ConvTranspose2d
from core.symbols.autoregressive import AutoregressiveCoder, Coded
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import LARGEST_ACTIVATION, OUTPUT_BITS, Deconvolution, IntegerNetwork
from core.symbols.tables import LAPLACE_SCALES, TableSet, laplace_tables

from .cells import Dcvc
from .prior import ContextPrior
from .transforms import HYPER_SLOPE

MOTION, CONTENT = "motion", "contextual"
"""Parts of the network that have a latent, and the beginnings of their tables' names."""
_LAPLACE = "laplace"


def tables(network: Dcvc) -> Tables:
    """The integer tables of a trained network.

    ``motion.hyper.*`` and ``contextual.hyper.*``: one for each channel of the hyper-latents; ``laplace.*``: those of
    the latents. Of a portable one also ``motion.side.*`` and ``contextual.side.*``, the hyper syntheses in integers.
    """
    arrays: dict[str, NDArray[np.integer[Any]]] = {}
    for part in (MOTION, CONTENT):
        arrays |= getattr(network, part).prior.prior.tables().arrays(f"{part}.hyper")
        if network.config.portable:
            arrays |= _integer_synthesis(getattr(network, part).prior).arrays(f"{part}.side")
    return arrays | laplace_tables().arrays(_LAPLACE)


def _integer_synthesis(prior: ContextPrior) -> IntegerNetwork:
    layers = [
        Deconvolution(cell.weight.asnumpy(), cell.bias.asnumpy(), cell.stride[0])
        for cell in prior.synthesis
        if isinstance(cell, ConvTranspose2d)
    ]
    medians = np.zeros(layers[0].weight.shape[0])
    return IntegerNetwork.quantise(layers, LAPLACE_SCALES[:-1], medians, LARGEST_ACTIVATION, HYPER_SLOPE)


class ExactSide:
    """What a hyper-latent tells of its latent, ``part``, the same on every machine: symbols 1,C,h,w to 1,S,4h,4w."""

    def __init__(self, tables: Tables, part: str) -> None:
        self._synthesis = IntegerNetwork.from_arrays(tables, f"{part}.side")

    def __call__(self, z: Tensor) -> Tensor:
        values = np.ldexp(self._synthesis.values(to_integers(z)), -OUTPUT_BITS)
        return Tensor(values[None].astype(np.float32))


class LatentCoder:
    """Codes one of the network's latents, ``part``, and its hyper-latent z."""

    def __init__(self, network: Dcvc, part: str, tables: Tables) -> None:
        prior = getattr(network, part).prior
        self._hyper = TableSet.from_arrays(tables, f"{part}.hyper")
        laplace = TableSet.from_arrays(tables, _LAPLACE)
        context = context_network(prior.context, prior.parameters_of, HYPER_SLOPE)
        self._latent = AutoregressiveCoder(context, laplace, LAPLACE_SCALES[:-1])

    def encode_hyper(self, z: Tensor, encoder: SymbolEncoder) -> None:
        """Add symbols of z; raises `CheckpointError` when one is no number or does not fit 32 bits."""
        symbols = to_integers(z)
        encoder.encode(symbols, self._hyper, channel_tables(self._hyper, *symbols.shape[1:]))

    def decode_hyper(self, decoder: SymbolDecoder, height: int, width: int) -> Tensor:
        """The next symbols of z; raises `StreamError` on damage."""
        return to_tensor(decoder.decode(self._hyper, channel_tables(self._hyper, height, width)))

    def encode(self, latent: Tensor, side: Tensor, encoder: SymbolEncoder, whole: bool) -> Coded:
        """Add a latent; raises `CheckpointError` when it or what is known of it is no number or too large."""
        return self._latent.encode(latent.asnumpy()[0], side.asnumpy()[0], encoder, whole)

    def decode(self, side: Tensor, decoder: SymbolDecoder, whole: bool) -> Tensor:
        """The next latent, 1,C,h,w; raises `StreamError` on damage."""
        return Tensor(self._latent.decode(side.asnumpy()[0], decoder, whole).values[None])

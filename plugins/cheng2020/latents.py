"""Between latents and bytes: the network's tables, and how z and y go through the range coder."""

from __future__ import annotations

from mindspore import Tensor

from core.entropy.masked import context_network
from core.entropy.symbols import channel_tables, to_integers, to_tensor
from core.hooks import Tables
from core.symbols.autoregressive import AutoregressiveCoder, Coded
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import GAUSSIAN_SCALES, TableSet, gaussian_tables

from .cells import Cheng2020
from .transforms import SLOPE

_HYPER, _GAUSSIAN = "prior", "gaussian"


def tables(network: Cheng2020) -> Tables:
    """The integer tables of a trained network: ``prior.*``, one for each channel of z; ``gaussian.*``, those of y."""
    return network.prior.prior.tables().arrays(_HYPER) | gaussian_tables().arrays(_GAUSSIAN)


class LatentCoder:
    """Codes z under its channels' tables, and y under means and scales of its own, place after place."""

    def __init__(self, network: Cheng2020, tables: Tables) -> None:
        self._hyper = TableSet.from_arrays(tables, _HYPER)
        gaussian = TableSet.from_arrays(tables, _GAUSSIAN)
        prior = network.prior
        context = context_network(prior.context, prior.parameters_of, SLOPE)
        self._latent = AutoregressiveCoder(context, gaussian, GAUSSIAN_SCALES[:-1])

    def encode_hyper(self, z_symbols: Tensor, encoder: SymbolEncoder) -> None:
        """Add symbols of z; raises `CheckpointError` when one is no number or does not fit 32 bits."""
        symbols = to_integers(z_symbols)
        encoder.encode(symbols, self._hyper, channel_tables(self._hyper, *symbols.shape[1:]))

    def decode_hyper(self, decoder: SymbolDecoder, height: int, width: int) -> Tensor:
        """The next symbols of z; raises `StreamError` on damage."""
        return to_tensor(decoder.decode(self._hyper, channel_tables(self._hyper, height, width)))

    def encode(self, y: Tensor, side: Tensor, encoder: SymbolEncoder) -> Coded:
        """Add y; raises `CheckpointError` when it or what is known of it is no number or too large."""
        return self._latent.encode(y.asnumpy()[0], side.asnumpy()[0], encoder)

    def decode(self, side: Tensor, decoder: SymbolDecoder) -> Tensor:
        """The next latent, 1,C,h,w; raises `StreamError` on damage."""
        return Tensor(self._latent.decode(side.asnumpy()[0], decoder).values[None])

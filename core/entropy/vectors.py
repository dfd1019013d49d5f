"""Vectors of blocks as a latent that nothing need be learned for."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn

from core.entropy.coders import Written
from core.entropy.latents import Arrays
from core.errors import CheckpointError
from core.hooks import Tables
from core.kernels.motion import UNITS
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import TableSet, read_table
from core.symbols.vectors import VectorModel, mean_sizes, vector_tables


class BlockVectors(nn.Cell):
    """Vectors 1,2,h,w in pixels, whole numbers of quarters of them (`core.kernels.motion`)."""

    def information(self, bits: Tensor) -> Tensor:
        """See `core.entropy.latents.Latent`."""
        return bits.sum()

    def tables(self, name: str) -> Arrays:
        """``laplace.*``, and ``<name>.sizes``: the mean size of the numbers that each of them is for."""
        return dict(vector_tables().arrays("laplace")) | {f"{name}.sizes": mean_sizes()}

    def coder(self, tables: Tables, name: str) -> BlockVectorCoder:
        """See `core.entropy.latents.Latent`."""
        laplace = TableSet.from_arrays(tables, "laplace")
        sizes = read_table(tables, f"{name}.sizes", np.int64, (len(laplace),))
        if (np.diff(sizes) < 0).any():
            raise CheckpointError(f"The coding table '{name}.sizes' is damaged; give another checkpoint.")
        return BlockVectorCoder(VectorModel(laplace, sizes))


class BlockVectorCoder:
    """Codes vectors 1,2,h,w by their model."""

    def __init__(self, model: VectorModel) -> None:
        self._model = model

    def encode(self, latent: Tensor, encoder: SymbolEncoder) -> Written:
        """See `core.entropy.coders.LatentCoder`."""
        bits = self._model.encode(np.rint(latent.asnumpy()[0] * UNITS).astype(np.int32), encoder)
        return Written(latent, (Tensor(np.array([bits], np.float32)),))

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> Tensor:
        """See `core.entropy.coders.LatentCoder`."""
        vectors = self._model.decode(decoder, height, width)
        return Tensor((vectors / np.float32(UNITS)).astype(np.float32)[None])

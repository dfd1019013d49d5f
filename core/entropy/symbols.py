"""Symbols between a network's tensors and the coder's arrays."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from core.errors import CheckpointError
from core.symbols.tables import TableSet

_LARGEST = 2**31


def to_integers(symbols: Tensor) -> NDArray[np.int32]:
    """The only picture's symbols, 1,C,h,w, whole numbers in float32, as integers C,h,w.

    Raises `CheckpointError` where one is no number or does not fit 32 bits.
    """
    values = symbols.asnumpy()[0]
    if not np.abs(values).max() < _LARGEST:  # neither is "not a number"
        raise CheckpointError(
            "The network's latents are too large or no numbers: its training has diverged; give another checkpoint."
        )
    return values.astype(np.int32)


def to_tensor(symbols: NDArray[np.int32]) -> Tensor:
    """Integers C,h,w as a network takes them: 1,C,h,w in float32."""
    return Tensor(symbols[None].astype(np.float32))


def channel_tables(prior: TableSet, height: int, width: int) -> NDArray[np.intp]:
    """C,h,w: each element's channel, which is the number of its table in a factorised prior."""
    return np.repeat(np.arange(len(prior)), height * width).reshape(len(prior), height, width)

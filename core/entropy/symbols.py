"""Symbols between a network's tensors and the coder's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from mindspore import Tensor
from numpy.typing import NDArray

from core.errors import CheckpointError

_MAX_SYMBOL = 2**31


def to_integers(symbols: Tensor) -> NDArray[np.int32]:
    """The only picture's symbols, 1,C,h,w, whole numbers in float32, as integers C,h,w.

    Raises `CheckpointError` where one is no number or does not fit 32 bits.
    """
    values = symbols.asnumpy()[0]
    require_whole(values)
    return values.astype(np.int32)


def require_whole(values: NDArray[np.floating[Any]]) -> None:
    """Raise `CheckpointError` where a value is no number or does not fit 32 bits."""
    if values.size and not np.abs(values).max() < _MAX_SYMBOL:  # False for NaN as well
        raise CheckpointError(
            "The network's latents are too large or no numbers: its training has diverged; give another checkpoint."
        )


def to_tensor(symbols: NDArray[np.int32]) -> Tensor:
    """Integers C,h,w as a network takes them: 1,C,h,w in float32."""
    return Tensor(symbols[None].astype(np.float32))

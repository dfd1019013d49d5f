"""The one rule by which pictures in [0,1] become samples: of files, streams, data sets and measurements alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.hooks import Picture


def samples(pictures: NDArray[np.floating[Any]], depth: int) -> Picture:
    """Pictures of any shape, clamped to [0,1], as samples of ``depth`` bits: uint8, or uint16 for more than 8.

    Rounded in single precision, in which pictures are held, halves to even.
    """
    values = np.clip(pictures, 0, 1, dtype=np.float32)
    values *= np.float32((1 << depth) - 1)
    np.rint(values, out=values)
    return values.astype(np.uint8) if depth == 8 else values.astype(np.uint16)


def eight_bits(pictures: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """The same of 8 bits."""
    return samples(pictures, 8).astype(np.uint8, copy=False)

"""The type that convolutions compute in: float32, or less where a card is told to mix precisions.

Weights, sums beside convolutions, priors, flows, warps and losses stay float32. A convolution takes what it is given
to the lower type and gives float32 again; inside a chain what is handed from one to the next stays in the lower type.
The type is that of the backend (`core.backend`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from core import backend


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 for what is built within, whose errors would add up or whose gradients are small."""
    with replace(backend.current(), low=None):
        yield

"""What convolutions compute in: float32, or less where a card is told to mix precisions.

Weights, sums beside convolutions, priors, flows, warps and losses stay float32. A convolution takes what it is given
to the lower type and gives float32 again; inside a chain what is handed from one to the next stays in the lower type.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_low: Any = None


def compute_in(low: Any) -> None:
    """Let convolutions that are built from now on compute in this type of MindSpore; None is float32."""
    global _low
    _low = low


def low() -> Any:
    """The type that convolutions built now compute in, where it is less than float32; else None."""
    return _low


@contextmanager
def full_precision() -> Iterator[None]:
    """Float32 for what is built within, whose errors would add up or whose gradients are small."""
    before = _low
    compute_in(None)
    try:
        yield
    finally:
        compute_in(before)

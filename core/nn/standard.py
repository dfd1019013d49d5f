"""Whether networks keep to operators that other runtimes have as well, where cells can compute in more than one way.

Such a network has none of our kernels, resizes by operators at any size, and has deformable convolutions whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from core.kernels import library

is_wanted = False
"""Read when cells are built, and again when they are compiled."""


def want(standard: bool) -> None:
    """Decide for the networks that are built and compiled from now on."""
    global is_wanted
    is_wanted = standard
    if standard:
        library.stop_using()


@contextmanager
def standard_operators() -> Iterator[None]:
    """Standard operators for networks that are built and compiled within."""
    before = is_wanted
    with library.set_aside():
        want(True)
        try:
            yield
        finally:
            want(before)

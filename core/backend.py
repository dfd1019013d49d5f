"""What networks compute with: a value, current while something is built that computes.

Cells that can compute in more than one way choose when they are built, and keep to their choice. A run builds all of
its parts under its own backend, so two runs of one process do not disturb each other. What MindSpore has once in a
process stays so: its context is set by a device (`core.devices`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.kernels.library import Library
    from core.nn.stage import Computed, Stage


@dataclass(frozen=True)
class Backend:
    """How cells compute that are built within ``with backend:``, in the thread that says so."""

    kernels: Library | None = None
    """The library of our kernels; None for MindSpore's own operators."""
    target: str = "CPU"
    """MindSpore's name of the device whose forms cells take."""
    low: Any = None
    """MindSpore's type that convolutions compute in, where it is less than float32; else None."""
    portable: bool = False
    """Keep to operators that other runtimes have as well: resize by operators at any size, and have deformable
    convolutions whole."""
    interpreted: int = 0
    """Calls of a stage, with inputs of the same shapes, that are computed operator by operator before it is
    compiled."""
    runtime: Callable[[Stage], Computed] | None = None
    """The runtime that computes stages in MindSpore's place."""

    def __enter__(self) -> Backend:
        _entered.set((*_entered.get(), self))
        return self

    def __exit__(self, *error: object) -> None:
        _entered.set(_entered.get()[:-1])


PORTABLE = Backend(portable=True)
"""For networks that are exported: they compute in float32 on any device, by operators that other runtimes have."""

_entered: ContextVar[tuple[Backend, ...]] = ContextVar("backend", default=(Backend(),))
"""The innermost last."""


def current() -> Backend:
    """The backend of what is built now; outside of any it is MindSpore's own operators, as on a processor."""
    return _entered.get()[-1]

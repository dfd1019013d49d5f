"""The memory of processes, by Linux's own counting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LIMIT = 1 << 30
"""Bytes beyond the undamaged run."""


@dataclass
class Memory:
    """What a piece of work took beyond what the process had, bytes; known when it is over."""

    taken: int = 0


@contextmanager
def beyond() -> Iterator[Memory]:
    """Measure the largest growth of this process while something is done."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before, memory = _of("self", "VmRSS"), Memory()
    try:
        yield memory
    finally:
        memory.taken = max(0, _of("self", "VmHWM") - before)


def resident(process: int) -> int:
    """Bytes that a process has now; 0 where it is gone."""
    try:
        return _of(process, "VmRSS")
    except (OSError, ValueError):
        return 0


def peak(process: int) -> int:
    """Bytes that a process had at most since its program began; 0 where it is gone.

    What `resource` tells of an ended child is no less than its parent had when it started it.
    """
    try:
        return _of(process, "VmHWM")
    except (OSError, ValueError):
        return 0


def _of(process: int | str, name: str) -> int:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return 1024 * int(value.split()[0])
    raise ValueError(f"process {process} has no {name}")

"""A trial: its kind, its number, the chance that follows from both, its folder; and what may come of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
"""Of the repository."""
SORTS = {
    "traceback": "an exception that is no sentence for the user",
    "crash": "the process was ended by a signal",
    "hang": "it did not end within its time",
    "memory": "it took more than 1 GB beyond the undamaged run",
    "lost": "a file that was there before was changed or is gone",
    "half": "an output that is neither whole nor absent",
    "left": "something stayed behind that the next run of the same job did not take away",
    "silent": "damage was not told",
    "sentence": "what was told is not one clean line",
    "other": "the result is not that of an undisturbed run",
}
"""What counts as a fault."""


@dataclass(frozen=True)
class Trial:
    """One try. All its chance comes from seed, kind and number, so that it can be repeated alone."""

    kind: str
    number: int
    seed: int
    folder: Path
    """Its own, empty at the beginning."""

    @property
    def rng(self) -> np.random.Generator:
        """A fresh generator."""
        return np.random.default_rng([self.seed, zlib.crc32(self.kind.encode()), self.number])


@dataclass(frozen=True)
class Fault:
    """One thing that should not have happened."""

    sort: str
    """One of `SORTS`."""
    told: str
    """What was seen."""
    cause: str = ""
    """Equal for faults that have one cause, as far as that can be told by a machine: by default what was seen."""

    def __post_init__(self) -> None:
        assert self.sort in SORTS, self.sort


@dataclass(frozen=True)
class Tried:
    """What came of a trial."""

    faults: list[Fault] = field(default_factory=list)
    refused: bool = False
    """Whether the product ended with a sentence; else it did its work."""


@dataclass(frozen=True)
class Usual:
    """What the undamaged run takes."""

    seconds: float = 0.0
    memory: int = 0
    """Bytes beyond those that the process had."""

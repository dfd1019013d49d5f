"""What a kind of trial is."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from pathlib import Path

from ..memory import beyond
from ..trial import Trial, Tried, Usual


class Skipped(Exception):
    """A kind cannot be tried here; the text says why."""


class Kind(ABC):
    """A kind of trial. It lives in a worker process and makes what it needs in a folder of its own."""

    name: str
    tries: str
    """In a few words, for the report."""
    cost = 1.0
    """How much more of the time it gets than others."""
    slowest = 60.0
    """Seconds that a trial may take beyond 20 times the undamaged run: the machine may be busy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.usual = Usual()

    def prepare(self) -> None:
        """Make what trials need, and measure the undamaged run; raises `Skipped` where that cannot be."""
        self.make()
        began = time.monotonic()
        with beyond() as memory:
            self.undamaged()
        self.usual = Usual(time.monotonic() - began, memory.taken)

    @abstractmethod
    def make(self) -> None:
        """What all trials share."""

    @abstractmethod
    def undamaged(self) -> None:
        """The work of a trial without its damage; raises where it does not succeed."""

    @abstractmethod
    def attempt(self, trial: Trial) -> Tried:
        """One trial."""

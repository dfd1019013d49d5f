"""Products with one defect each, to see that the harness finds it, and one without, in which it must find nothing."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from core.errors import MediaError

from ..oracle import Job, judged
from ..trial import Trial, Tried
from .base import Kind, Skipped


class Planted(Kind):
    """Copies its input to its output, and does one thing wrong on the way."""

    tries = "a defect made on purpose"

    def make(self) -> None:
        self.sound = self.folder / "sound"
        self.sound.write_text("sound\n")

    def undamaged(self) -> None:
        self.work(self.sound, self.folder / "copy")

    def attempt(self, trial: Trial) -> Tried:
        folder = trial.folder
        source, output = folder / "input", folder / "output"
        source.write_text("damaged\n")
        complaint = lambda path: None if path.read_text().endswith("\n") else "its end is missing"  # noqa: E731
        job = Job(folder, source, output, lambda: self.work(source, output), self.sound, complaint)
        faults, outcome = judged(job)
        return Tried(faults, not outcome.done)

    def work(self, source: Path, output: Path) -> None:
        """What a product without defects does."""
        if source.read_text() != "sound\n":
            self.defect(source, output)
            raise MediaError(f"{source} is damaged")
        output.write_text(source.read_text())

    def defect(self, source: Path, output: Path) -> None:
        """What it does wrong with damaged input."""


class Right(Planted):
    name = "planted-nothing"


class Traceback(Planted):
    name = "planted-traceback"

    def defect(self, source, output):
        raise ValueError("not enough values to unpack")


class Crash(Planted):
    name = "planted-crash"

    def defect(self, source, output):
        os.kill(os.getpid(), signal.SIGSEGV)


class Hang(Planted):
    name = "planted-hang"
    slowest = 3.0

    def defect(self, source, output):
        time.sleep(600)


class Greed(Planted):
    """Holds the memory only for a moment, between two looks from outside."""

    name = "planted-memory"

    def defect(self, source, output):
        assert len(b"\1" * (1200 << 20)) == 1200 << 20


class Half(Planted):
    name = "planted-half"

    def defect(self, source, output):
        output.write_text("soun")


class Lost(Planted):
    name = "planted-lost"

    def defect(self, source, output):
        source.write_text("what was damaged is now something else\n")


class Left(Planted):
    name = "planted-left"

    def defect(self, source, output):
        output.with_name(".output.part").write_text("soun")


class Sentence(Planted):
    name = "planted-sentence"

    def defect(self, source, output):
        raise MediaError("\x1b]0;owned\x07\x1b[2J it is\ndamaged")


class Absent(Planted):
    """Cannot be tried anywhere."""

    name = "planted-absent"

    def make(self) -> None:
        raise Skipped("this needs two moons")


KINDS = [Right, Traceback, Crash, Hang, Greed, Half, Lost, Left, Sentence, Absent]

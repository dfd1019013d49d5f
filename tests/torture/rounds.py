"""Trials until the time is over: every kind gets its share, faults are kept with what repeats them."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .kinds import KINDS
from .process import Broken, Skip, Worker, unmounted
from .trial import Fault, Trial

KEPT = 20
"""Faults of one kind and cause whose files are kept."""
_NO_LIMITS: Mapping[str, int] = {}


@dataclass(frozen=True)
class Found:
    """A fault with the trial that showed it."""

    kind: str
    number: int
    fault: Fault
    folder: Path | None
    """Where its files are; None where enough of the same cause are kept."""

    def repeat(self, seed: int) -> str:
        """The command that shows it again."""
        return f"make torture ARGS='--seed {seed} --only {self.kind} --trial {self.number}'"


@dataclass
class Tally:
    """What came of a kind so far."""

    tries: int = 0
    refused: int = 0
    seconds: float = 0.0
    skipped: str = ""
    broken: str = ""


@dataclass
class Rounds:
    """A torture under way: seed, where it keeps its files, and what it found."""

    seed: int
    folder: Path
    kinds: Sequence[str]
    tallies: dict[str, Tally] = field(init=False)
    found: list[Found] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tallies = {kind: Tally() for kind in self.kinds}
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._stopped = False

    def run(
        self,
        seconds: float,
        workers: int = 1,
        most: Mapping[str, int] = _NO_LIMITS,
        seen: Callable[[str], None] = str,
    ) -> None:
        """Make trials for so many seconds, of some kinds at most ``most``; ``seen`` is told each kind that begins."""
        ends = time.monotonic() + seconds
        processes = [Worker(self.folder / f"worker-{number}") for number in range(workers)]
        threads = [
            threading.Thread(target=self._work, args=(worker, ends, most, seen)) for worker in processes
        ]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except BaseException:
            self._stopped = True
            raise
        finally:
            for worker in processes:
                worker.close()

    def one(self, kind: str, number: int) -> None:
        """Make one trial."""
        worker = Worker(self.folder / "worker")
        try:
            self._attempt(worker, kind, number)
        finally:
            worker.close()

    def _work(
        self, worker: Worker, ends: float, most: Mapping[str, int], seen: Callable[[str], None]
    ) -> None:
        while time.monotonic() < ends and not self._stopped and (kind := self._next(most)):
            seen(kind)
            self._attempt(worker, kind, self.tallies[kind].tries)

    def _next(self, most: Mapping[str, int]) -> str | None:
        """The kind that had the least of its share, of those that no other thread tries just now."""
        with self._lock:
            left = [
                kind
                for kind, tally in self.tallies.items()
                if kind not in self._busy
                and not (tally.skipped or tally.broken)
                and tally.tries < most.get(kind, tally.tries + 1)
            ]
            if not left:
                return None
            chosen = min(left, key=lambda kind: self.tallies[kind].seconds / KINDS[kind].cost)
            self._busy.add(chosen)
            return chosen

    def _attempt(self, worker: Worker, kind: str, number: int) -> None:
        tally, began = self.tallies[kind], time.monotonic()
        trial = Trial(kind, number, self.seed, self.folder / "trials" / f"{kind}-{number}")
        shutil.rmtree(trial.folder, ignore_errors=True)
        trial.folder.mkdir(parents=True)
        try:
            worker.prepare(kind)
            if (
                not tally.tries
            ):  # the first making of what a kind needs, which takes a minute for some, is no trial's
                began = time.monotonic()
            tried = worker.attempt(trial)
            if self._stopped:
                return
            tally.tries += 1
            tally.refused += tried.refused
            for fault in tried.faults:
                self._keep(trial, fault)
        except Skip as reason:
            tally.skipped = str(reason)
        except Broken as reason:
            tally.broken = "" if self._stopped else str(reason)
            worker.close()
        finally:
            unmounted(trial.folder)
            shutil.rmtree(trial.folder, ignore_errors=True)
            tally.seconds += time.monotonic() - began
            with self._lock:
                self._busy.discard(kind)

    def _keep(self, trial: Trial, fault: Fault) -> None:
        with self._lock:
            alike = sum(found.kind == trial.kind and found.fault.cause == fault.cause for found in self.found)
            folder = self.folder / "faults" / f"{trial.kind}-{trial.number}"
            found = Found(trial.kind, trial.number, fault, folder if alike < KEPT else None)
            self.found.append(found)
        if found.folder:
            shutil.copytree(trial.folder, folder, symlinks=True, dirs_exist_ok=True)
            with (folder / "fault.txt").open("a") as told:
                print(f"{fault.sort}: {fault.told}\n\n{found.repeat(trial.seed)}\n", file=told)

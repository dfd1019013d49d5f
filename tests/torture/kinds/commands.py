"""Commands that are killed and typed again, run out of disk space, or are typed twice at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import commands
from ..commands import Command
from ..jobs import JOBS, CommandJob
from ..oracle import lost, snapshot
from ..process import MARK, started
from ..trial import Fault, Trial, Tried
from .base import Kind

_SETTLE = 3.0
"""Seconds in which the processes that a killed command started must end."""


class Commands(Kind):
    """What trials with one job have in common."""

    job_type: type[CommandJob]
    cost = 2.0
    slowest = 400.0

    def make(self) -> None:
        self.job = self.job_type()
        self.whole = self.folder / "whole"
        self.whole.mkdir()
        self.job.furnish(self.whole, self.folder)
        self.begun = 0.0

    def undamaged(self) -> None:
        """The whole job; notes when its work begins, what it makes and takes."""
        inputs, began = snapshot(self.whole), time.monotonic()
        command = Command(self.whole, self.job.words(again=False))
        while not list(self.whole.glob(self.job.sign)) and not command.over(0.02):
            pass
        self.begun = time.monotonic() - began
        ran = command.end(600)
        self.seconds = time.monotonic() - began
        assert ran.code == 0, ran.said
        self.memory, self.expected = ran.memory, self.job.result(self.whole)
        assert self.expected is not None
        assert not self.job.left(self.whole), self.job.left(self.whole)
        self.inputs = inputs

    def furnished(self, folder: Path) -> Path:
        """A folder with the inputs."""
        folder.mkdir(parents=True)
        self.job.furnish(folder, self.folder)
        return folder

    def faults_at_the_end(self, folder: Path, environment: dict[str, str] | None = None) -> list[Fault]:
        """Type the command once more, and see whether all is as if nothing had been."""
        ran = commands.run(folder, self.job.words(again=True), self.limit, environment=environment)
        done = self.job.result(folder)
        refused = ran.code == 1 and "exists: give another task.output" in ran.said and done is not None
        faults = list(commands.faults(ran, self.memory))
        if ran.code == 1 and not refused:
            told = ran.said.strip().splitlines()[-1]
            faults.append(Fault("left", f"the job cannot go on: {told}", "the job cannot go on"))
        elif done != self.expected:
            faults.append(Fault("other", "the result is not that of an undisturbed run", "another result"))
        if not refused and self.job.left(folder):
            faults.append(Fault("left", f"these stay: {', '.join(self.job.left(folder))}", "files stay"))
        return [*faults, *lost(self.inputs, snapshot(folder))]

    @property
    def limit(self) -> float:
        """Seconds for one command."""
        return 60 + 10 * self.seconds


class Kills(Commands):
    """KILL at random moments, now and then TERM or INT, one to three times; then the command once more."""

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, self.furnished(trial.folder / "work")
        faults: list[Fault] = []
        for _ in range(int(rng.integers(1, 4))):
            how = [signal.SIGKILL] * 3 + [signal.SIGTERM, signal.SIGINT]
            chosen = how[int(rng.integers(len(how)))]
            first = self.begun if rng.random() < 0.8 else 0.0
            moment = rng.uniform(first, self.seconds)
            faults += self._killed(folder, self.job.words(again=True), moment, chosen, trial)
        return Tried([*faults, *self.faults_at_the_end(folder)])

    def _killed(
        self, folder: Path, words: list[str], moment: float, how: signal.Signals, trial: Trial
    ) -> Iterator[Fault]:
        mark = f"{trial.kind}-{trial.number}-{os.getpid()}"
        command = Command(folder, words, {MARK: mark})
        if not command.over(moment):
            command.send(how)
        ran = command.end(self.limit)
        yield from commands.faults(ran, self.memory, _codes(how))
        ends = time.monotonic() + _SETTLE
        while (orphans := started(mark)) and time.monotonic() < ends:
            time.sleep(0.1)
        for process in orphans:
            os.kill(process, signal.SIGKILL)
        if orphans:
            yield Fault(
                "left", f"{len(orphans)} processes go on after {how.name}", f"processes after {how.name}"
            )


def _codes(how: signal.Signals) -> tuple[int, ...]:
    """Ends that a signal may cause. While MindSpore compiles, it turns INT into TERM."""
    causes = (how, signal.SIGTERM) if how is signal.SIGINT else (how,)
    return 0, 1, *(-cause for cause in causes), *(128 + cause for cause in causes)


class Full(Commands):
    """A disk that is full at a random byte; then with space, the same command. As root a small tmpfs, else files
    that may not grow beyond a size."""

    def make(self) -> None:
        super().make()
        self.mounts = os.geteuid() == 0 and _can_mount(self.folder / "disk")

    def undamaged(self) -> None:
        super().undamaged()
        made = [p.stat().st_size for p in self.whole.rglob("*") if p.is_file()]
        self.taken, self.largest = sum(made), max(made)

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, trial.folder / "disk"
        if not self.mounts:
            self.furnished(folder)
            ran = commands.run(
                folder, self.job.words(again=False), self.limit, largest_file=int(rng.integers(self.largest))
            )
            return self._judged(ran, folder)
        inputs = sum((self.whole / name).stat().st_size for name in self.inputs)
        space = 4096 * (8 + (inputs + int(rng.integers(max(1, 2 * (self.taken - inputs))))) // 4096)
        with _mounted(folder, space):
            self.furnished(folder / "work")
            ran = commands.run(folder / "work", self.job.words(again=False), self.limit)
            subprocess.run(["mount", "-o", "remount,size=1g", str(folder)], check=True)
            return self._judged(ran, folder / "work")

    def _judged(self, ran: commands.Ran, folder: Path) -> Tried:
        faults = [*commands.faults(ran, self.memory), *lost(self.inputs, snapshot(folder))]
        result = self.job.result(folder)
        if result not in (None, self.expected):
            told = f"after exit code {ran.code} the output is not whole"
            faults.append(Fault("half", told, "a full disk leaves half"))
        return Tried([*faults, *self.faults_at_the_end(folder)], ran.code == 1)


def _can_mount(folder: Path) -> bool:
    try:
        with _mounted(folder, 1 << 20):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def _mounted(folder: Path, size: int) -> Iterator[None]:
    """A file system of so many bytes in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Twice(Commands):
    """The same command twice at once in one folder; one of them does the work, the other waits, or is refused."""

    def attempt(self, trial: Trial) -> Tried:
        rng, folder = trial.rng, self.furnished(trial.folder / "work")
        words = self.job.words(again=True)
        first = Command(folder, words)
        time.sleep(rng.uniform(0, self.seconds) * rng.integers(2))
        second = Command(folder, words)
        ran = [command.end(self.limit) for command in (first, second)]
        faults = [fault for one in ran for fault in commands.faults(one, self.memory)]
        if all(one.code for one in ran):
            said = "\n".join(one.said for one in ran)
            faults.append(Fault("other", f"both failed:\n{said}", "both failed"))
        elif self.job.result(folder) != self.expected:
            faults.append(Fault("other", "the result of the two is another", "another result of two at once"))
        elif self.job.left(folder):
            faults.append(Fault("left", f"these stay: {', '.join(self.job.left(folder))}", "files stay"))
        return Tried([*faults, *lost(self.inputs, snapshot(folder))], any(one.code == 1 for one in ran))


def _kind(base: type[Commands], family: str, name: str, tries: str) -> type[Kind]:
    members: dict[str, Any] = {"name": f"{family}-{name}", "job_type": JOBS[name], "tries": tries}
    return type(f"{base.__name__}_{name}", (base,), members)


KINDS = [
    *(_kind(Kills, "kill", name, f"{name} killed at random moments, then typed again") for name in JOBS),
    *(
        _kind(Full, "full", name, f"{name} on a disk that is full at a random byte, then with space")
        for name in JOBS
        if name not in ("sweep", "encode-dvc")
    ),
    *(
        _kind(Twice, "two", name, f"{name} twice at once")
        for name in JOBS
        if name not in ("sweep", "encode-dvc")
    ),
]

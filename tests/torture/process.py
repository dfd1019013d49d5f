"""A worker process seen from outside: asked for trials, watched, and replaced when it crashed or hung."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from .memory import LIMIT, resident
from .trial import ROOT, Fault, Trial, Tried, Usual

MARK = "MINDVIDEO_TORTURE"
"""Environment variable by which everything that a worker started is found."""
PREPARING = 600.0
"""Seconds that the making of what a kind needs may take."""
_LOOK = 0.1
"""Seconds between looks at the memory."""
_TOLD = 4000
"""Characters kept of what a process said last."""


class Broken(Exception):
    """The harness itself, or the undamaged run, failed: nothing can be said of the product."""


class Skip(Exception):
    """A kind cannot be tried here."""


class Worker:
    """One worker process at a time; a new one where the last ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._answers: Any = None
        self._ready: dict[str, tuple[Usual, float]] = {}

    def attempt(self, trial: Trial) -> Tried:
        """Make a trial; raises `Skip` where its kind cannot be tried here, `Broken` where the harness fails."""
        usual, slowest = self.prepare(trial.kind)
        limit = slowest + 20 * usual.seconds
        process = self._process
        assert process is not None
        before = resident(process.pid)
        request = {
            "kind": trial.kind,
            "number": trial.number,
            "seed": trial.seed,
            "folder": str(trial.folder),
        }
        answer = self._ask(request, limit, before + usual.memory + LIMIT)
        if isinstance(answer, Fault):
            return Tried([answer])
        return Tried([Fault(**fault) for fault in answer["faults"]], answer["refused"])

    def prepare(self, kind: str) -> tuple[Usual, float]:
        """What the undamaged run of a kind takes, and the seconds beyond; made where this process has not done so."""
        if self._process is None:
            self._start()
        if kind not in self._ready:
            answer = self._ask({"kind": kind, "number": None}, PREPARING, None)
            if isinstance(answer, Fault):
                raise Broken(f"{kind}: the undamaged run failed: {answer.told}")
            if "skipped" in answer:
                raise Skip(answer["skipped"])
            self._ready[kind] = Usual(**answer["usual"]), answer["slowest"]
        return self._ready[kind]

    def _ask(self, request: dict[str, Any], seconds: float, memory: int | None) -> dict[str, Any] | Fault:
        """The answer, or what the process did in place of one; it is ended then."""
        process = self._process
        assert process is not None and process.stdin is not None
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        ends = time.monotonic() + seconds
        while not select.select([self._answers], [], [], _LOOK)[0]:
            if time.monotonic() > ends:
                return self._ended(Fault("hang", f"no end within {seconds:.0f} s:\n{self._stack()}", "hang"))
            taken = resident(process.pid)
            if memory is not None and taken > memory:
                return self._ended(Fault("memory", f"it held {taken >> 20} MB:\n{self._stack()}", "memory"))
        line = self._answers.readline()
        if not line:
            code = process.wait()
            name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return self._ended(Fault("crash", f"ended by {name}:\n{self._said()}", f"ended by {name}"))
        answer = json.loads(line)
        if "broken" in answer:
            raise Broken(f"{request}: {answer['broken']}")
        return answer

    def _start(self) -> None:
        self._mark = uuid.uuid4().hex
        self._folder.mkdir(parents=True, exist_ok=True)
        self._log = self._folder / f"{self._mark}.log"
        reading, writing = os.pipe()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.torture.worker", str(self._folder / self._mark), str(writing)],
                cwd=ROOT,
                env={**os.environ, MARK: self._mark},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                pass_fds=[writing],
                text=True,
            )
        os.close(writing)
        self._answers = os.fdopen(reading)
        self._ready = {}

    def _stack(self) -> str:
        """Where the process is now."""
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)
        time.sleep(0.5)
        return self._said()

    def _said(self) -> str:
        return self._log.read_text(errors="replace")[-_TOLD:]

    def _ended(self, fault: Fault) -> Fault:
        self.close()
        return fault

    def close(self) -> None:
        """End the process and all that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in started(self._mark):
            os.kill(number, signal.SIGKILL)
        process.kill()
        process.wait()


def started(mark: str) -> list[int]:
    """The processes, but for this one, that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def unmounted(folder: Path) -> None:
    """Take away the file systems that a trial which was ended left mounted in its folder."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in places:
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", place], check=True)

"""The command as users type it, in processes that are watched: killed, starved of disk space, two at once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .memory import LIMIT, peak
from .trial import ROOT, Fault

_SAID = 3000
"""Characters kept of what a command said."""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    """Negative where a signal ended it."""
    said: str
    """The end of its standard error."""
    memory: int
    """Bytes that it held at most."""
    late: bool = False
    """Whether it had to be ended, as its time was over."""


class Command:
    """``python -m core WORDS`` under way in a folder."""

    def __init__(
        self,
        folder: Path,
        words: Sequence[str],
        environment: dict[str, str] | None = None,
        largest_file: int | None = None,
        program: Sequence[str] = ("-m", "core"),
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115, and elsewhere, as the folder's disk may be full
        plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200", "GLOG_v": "3", "PYTHONPATH": str(ROOT)}

        def limit() -> None:
            if largest_file is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        self._process = subprocess.Popen(
            [sys.executable, *program, *words],
            cwd=folder,
            env={**os.environ, **plain, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            preexec_fn=limit,
        )
        self._peak = 0

    def over(self, seconds: float = 0.0) -> bool:
        """Whether it ends within this time; what it took is still to be asked for."""
        ends = time.monotonic() + seconds
        while not os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self._peak = max(self._peak, peak(self._process.pid))
            if time.monotonic() >= ends:
                return False
            time.sleep(0.01)
        return True

    def send(self, how: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(how)

    def end(self, seconds: float) -> Ran:
        """Wait for its end; KILL ends it when its time is over."""
        late = not self.over(seconds)
        if late:
            self._process.kill()
        _, status = os.waitpid(self._process.pid, 0)
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        with self._log as log:
            log.seek(0)
            said = log.read().decode(errors="replace")[-_SAID:]
        return Ran(code, said, self._peak, late)


def run(folder: Path, words: Sequence[str], seconds: float = 600, **options: object) -> Ran:
    """Run a command to its end."""
    return Command(folder, words, **options).end(seconds)  # type: ignore[arg-type]


def faults(ran: Ran, memory: int, allowed: Sequence[int] = (0, 1)) -> Iterator[Fault]:
    """What is wrong with the end of a command, whatever it was asked; ``memory`` is the undamaged run's."""
    if ran.late:
        yield Fault("hang", f"it did not end:\n{ran.said}", "hang")
    elif ran.code < 0 and ran.code not in allowed:
        name = signal.Signals(-ran.code).name
        yield Fault("crash", f"ended by {name}:\n{ran.said}", f"ended by {name}")
    elif "Traceback (most recent call last)" in ran.said:
        yield Fault("traceback", ran.said, _last_line(ran.said))
    elif ran.code not in allowed:
        yield Fault("other", f"exit code {ran.code}:\n{ran.said}", f"exit code {ran.code}")
    elif ran.code == 1 and not _last_line(ran.said).startswith("Error: "):
        yield Fault(
            "sentence", f"exit code 1 without a sentence:\n{ran.said}", "exit code 1 without a sentence"
        )
    if ran.memory > memory + LIMIT:
        yield Fault("memory", f"it held {ran.memory >> 20} MB", "memory")


def _last_line(said: str) -> str:
    lines = said.strip().splitlines()
    return lines[-1][:150] if lines else ""

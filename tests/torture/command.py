"""A task that is composed once and run many times with other files, in this process."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from core.app import open_run
from core.hooks import TaskEntry
from core.progress import Meter

from .trial import ROOT


class Command:
    """``Command(folder, "task=encode", …)(input=…, output=…)`` does what the command does with these words."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.run = open_run(words, output=folder)

    def keep_codec(self) -> Command:
        """Build the codec once, as its networks take seconds to compile."""
        self.run.codec = functools.cache(self.run.codec)  # type: ignore[method-assign]
        return self

    def __call__(self, **options: Any) -> float | None:
        """Run it with other options of the task; paths may be given as such."""
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
        changed = replace(self.run.settings.task, **plain)
        return self.run.entry("task", TaskEntry).build(changed, self.run)


def killed_after(parts: int, folder: Path, words: Sequence[str], **options: Path) -> None:
    """Run a task in a process that is ended by KILL when the task has told of so many parts."""
    given = json.dumps({name: str(value) for name, value in options.items()})
    command = [sys.executable, "-m", "tests.torture.command", str(parts), str(folder), given, *words]
    ran = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, f"the job was not killed: {ran.stderr}"


def _killing(parts: int, folder: Path, options: dict[str, str], words: Sequence[str]) -> None:
    """What that process does."""
    left = iter(range(parts))

    def advance(*_: Any, **__: Any) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    with patch.object(Meter, "advance", advance):
        Command(folder, *words)(**options)


if __name__ == "__main__":
    _killing(int(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:])

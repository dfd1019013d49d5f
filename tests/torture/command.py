"""A task that is composed once and run many times with other files, in this process."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from core.app import open_run
from core.hooks import TaskEntry
from core.progress import Meter


class Task:
    """``Task(folder, "task=encode", …)(input=…, output=…)`` does what the command does with these words."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.run = open_run(words, output=folder)

    def keep_codec(self) -> Task:
        """Build the codec once, as its networks take seconds to compile."""
        self.run.codec = functools.cache(self.run.codec)  # type: ignore[method-assign]
        return self

    def __call__(self, **options: Any) -> float | None:
        """Run it with other options of the task; paths may be given as such."""
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in options.items()}
        changed = replace(self.run.settings.task, **plain)
        return self.run.entry("task", TaskEntry).build(changed, self.run)


def killed_after(parts: int, work: Callable[[], object]) -> None:
    """Do work in a copy of this process that is ended as by KILL when the job has told of so many parts."""
    child = os.fork()
    if child == 0:
        left = iter(range(parts))

        def advance(*_: Any, **__: Any) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            with patch.object(Meter, "advance", advance):
                work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the job ended before it could be killed"

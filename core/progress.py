"""Progress of long work: a live bar on a terminal, one plain line now and then elsewhere."""

from __future__ import annotations

import logging
import sys
import time

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from core.console import console
from core.text import printable

log = logging.getLogger(__name__)

LINE_EVERY = 15.0
"""Seconds between plain lines."""


class Meter:
    """Counts the parts of a long job and shows rate, time left and a few words (a context manager)."""

    def __init__(self, what: str, total: int | None, done: int = 0) -> None:
        self._what = what
        self._total = total
        self._done = self._first = done
        self._started = self._spoke = time.monotonic()
        self._told = done
        self._words = ""
        self._bar: Progress | None = None

    def __enter__(self) -> Meter:
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}", markup=False),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[words]}", markup=False),
                console=console(stderr=True),
            )
            self._bar.add_task(
                printable(self._what), total=self._total, completed=self._done, rate="", words=""
            )
            self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._bar:
            self._bar.stop()
        elif raised[0] is None and self._done > self._told:
            self._line("")

    def skip(self, parts: int) -> None:
        """Note parts that an earlier run finished: they count as done, but not for the rate."""
        self._done += parts
        self._first += parts
        self._told += parts
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    def advance(self, words: str | None = None, parts: int = 1) -> None:
        """Note finished parts and what to say about them; None: what was said before."""
        self._done += parts
        self._words = self._words if words is None else words
        if self._bar:
            rate = f"{self._rate():.2f}/s"
            self._bar.update(
                self._bar.task_ids[0], completed=self._done, words=printable(self._words), rate=rate
            )
        elif time.monotonic() - self._spoke >= LINE_EVERY:
            self._line(self._words)

    def _rate(self) -> float:
        return (self._done - self._first) / max(time.monotonic() - self._started, 1e-9)

    def _line(self, words: str) -> None:
        self._spoke, self._told = time.monotonic(), self._done
        of = f" of {self._total}" if self._total else ""
        left = f", {(self._total - self._done) / max(self._rate(), 1e-9):.0f} s left" if self._total else ""
        log.info("%s: %d%s, %.2f/s%s %s", self._what, self._done, of, self._rate(), left, words)

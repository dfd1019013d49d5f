"""Progress of a benchmark: a live table on a terminal, a plain line for each job elsewhere."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Sequence

from rich.live import Live
from rich.table import Table

from core.bench.plan import Job
from core.bench.records import Outcome
from core.console import console

log = logging.getLogger(__name__)

WAITING, RUNNING = "waiting", "running"


class Board:
    """Shows what the jobs are at (a context manager); `note` is what `core.bench.work.Workers` calls."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._states: dict[Job, str] = dict.fromkeys(jobs, WAITING)
        self._begun: dict[Job, float] = {}
        self._ended = 0
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> Board:
        if sys.stderr.isatty():
            self._live = Live(
                get_renderable=self._table, console=console(stderr=True), refresh_per_second=2
            ).__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, job: Job, outcome: Outcome | None) -> None:
        """A job began (no outcome) or ended."""
        with self._lock:
            if outcome is None:
                self._states[job], self._begun[job] = RUNNING, time.monotonic()
                return
            self._ended += 1
            self._states[job] = _words(outcome)
        if not self._live:
            log.info(
                "%d of %d: %s at %s on %s: %s",
                self._ended,
                len(self._states),
                job.contender,
                job.point,
                job.test_set,
                _words(outcome),
            )

    def _table(self) -> Table:
        table = Table("Codec", "Test set", "Point", "State", title=f"{self._ended} of {len(self._states)}")
        for job, state in list(self._states.items()):
            if state == RUNNING:
                state = f"running, {time.monotonic() - self._begun[job]:.0f} s"
            table.add_row(job.contender, job.test_set, job.point, state)
        return table


def _words(outcome: Outcome) -> str:
    record = outcome.record
    if record is None:
        return f"failed: {outcome.failure}"
    cached = f", {record.cached} of {len(record.clips)} clips were there" if record.cached else ""
    return f"{record.summary}, {outcome.seconds:.0f} s{cached}"

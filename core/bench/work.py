"""Runs jobs in processes of their own, some at a time: what fails becomes an outcome, and the rest goes on."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from core.bench.plan import Job
from core.bench.records import Outcome
from core.clusters import join_cluster, ray_for
from core.errors import RecordError
from core.measure.records import Record, record_of
from core.records import parse_json
from core.words import word

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "mindvideo")
WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, which lasts beyond exec
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Becomes a command that the system ends when the process that asked for it is killed."""
GRACE = 10.0
"""Seconds that a process has to end after it was told to."""
LOG, RESULT = "log.txt", "result.json"
NOT_BEGUN = "it was not begun: the benchmark was interrupted."

Seen = Callable[[Job, Outcome | None], None]
"""Told of each job when it begins (no outcome yet) and when it has ended."""


class Workers:
    """Up to ``parallel`` jobs at a time; each may take ``timeout`` seconds (none: any time)."""

    def __init__(
        self,
        folder: Path,
        parallel: int = 1,
        timeout: float | None = None,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._folder, self._parallel, self._timeout = folder, parallel, timeout
        self._command = command
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, jobs: Sequence[Job], seen: Seen = lambda job, outcome: None) -> list[Outcome]:
        """The outcomes in the order of the jobs. An interruption ends the jobs under way."""
        with ThreadPoolExecutor(self._parallel) as pool:
            futures: list[Future[Outcome]] = []
            try:
                futures.extend(pool.submit(self._do, job, seen) for job in jobs)
                ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in ended:
                    future.result()  # raises what went wrong
                return [future.result() for future in futures]
            except BaseException:
                self._stop()
                for future in futures:
                    future.cancel()
                raise

    def _do(self, job: Job, seen: Seen) -> Outcome:
        seen(job, None)
        outcome = self._outcome(job)
        seen(job, outcome)
        return outcome

    def _outcome(self, job: Job) -> Outcome:
        started = time.monotonic()

        def done(record: Record | None, failure: str = "") -> Outcome:
            seconds = time.monotonic() - started
            command = ["python", "-m", "core", *job.words]
            return Outcome(job.contender, job.point, job.test_set, command, seconds, record, failure)

        if job.obstacle:
            return done(None, job.obstacle)
        folder = self._folder / job.name
        folder.mkdir(parents=True, exist_ok=True)
        result = folder / RESULT
        result.unlink(missing_ok=True)
        failure = self._run(
            [*job.words, word("task.result", str(result)), word("output", str(folder))], folder / LOG
        )
        if failure:
            return done(None, failure)
        try:
            return done(record_of(parse_json(result.read_bytes())))
        except (OSError, RecordError) as error:
            return done(None, f"it left no result that can be read ({error}).")

    def _run(self, words: Sequence[str], log_file: Path) -> str:
        """Run a command to its end; a sentence where it failed."""
        with log_file.open("wb") as told:
            with self._lock:
                if self._stopped:
                    return NOT_BEGUN
                process = subprocess.Popen(
                    [*_with_parent(), *self._command, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # so that it ends together with what it started
                )
                self._running.add(process)
            try:
                process.wait(self._timeout)
            except subprocess.TimeoutExpired:
                _end([process])
                return f"it took more than {self._timeout:g} s."
            finally:
                self._running.discard(process)
        return _failure(process.returncode, log_file)

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            _end(list(self._running))


class RayWorkers(Workers):
    """The same by the machines of a Ray cluster, all of which see the folder, the data and the cache.

    So many jobs at a time share the cores of the cluster, and none has more than the smallest machine.
    """

    def run(self, jobs: Sequence[Job], seen: Seen = lambda job, outcome: None) -> list[Outcome]:
        """See `Workers.run`; raises `CrewError` where there is no Ray."""
        self._ray = ray_for("task.engine=ray")
        began = join_cluster(self._ray)
        self._asked: set[Any] = set()
        cores = [int(node["Resources"].get("CPU", 0)) for node in self._ray.nodes() if node["Alive"]]
        share = max(1, min(sum(cores) // self._parallel, min(filter(None, cores))))
        self._there = self._ray.remote(num_cpus=share, scheduling_strategy="SPREAD")(_run_there)
        try:
            return super().run(jobs, seen)
        finally:
            if began:
                self._ray.shutdown()

    def _run(self, words: Sequence[str], log_file: Path) -> str:
        with self._lock:
            if self._stopped:
                return NOT_BEGUN
            place = self._folder.resolve(), Path.cwd(), self._timeout, self._command
            asked = self._there.remote(*place, words, log_file.resolve())
            self._asked.add(asked)
        try:
            return str(self._ray.get(asked))
        except self._ray.exceptions.RayError as error:
            return f"Ray lost it ({type(error).__name__})."
        finally:
            self._asked.discard(asked)

    def _stop(self) -> None:
        with self._lock:
            self._stopped = True
            for asked in self._asked:
                self._ray.cancel(asked, force=True)


def _run_there(
    folder: Path,
    here: Path,
    timeout: float | None,
    command: Sequence[str],
    words: Sequence[str],
    log_file: Path,
) -> str:
    """Run a job's command on a machine of a cluster; a sentence where it failed."""
    if not log_file.parent.is_dir():
        return f"{socket.gethostname()} does not see {folder}: give output=… and task.cache=… that all machines see."
    with contextlib.suppress(OSError):
        os.chdir(here)
    command = COMMAND if command[1:] == COMMAND[1:] else command  # whose Python may lie elsewhere
    return Workers(folder, timeout=timeout, command=command)._run(words, log_file)


def _with_parent() -> list[str]:
    return [sys.executable, "-I", "-S", "-c", WITH_PARENT, str(os.getpid())]


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes and what they started, by force those that take longer than `GRACE`."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _failure(code: int, log_file: Path) -> str:
    """Why a command failed, from its last words; empty where it did not."""
    if code == 0:
        return ""
    number = -code if code < 0 else code - 128
    if number in set(signal.Signals):
        hint = ": most likely memory ran out" if number == signal.SIGKILL else ""
        return f"it was ended by signal {signal.Signals(number).name}{hint}."
    lines = [line.strip() for line in log_file.read_text("utf-8", "replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("Error: ")]
    last = told[-1].removeprefix("Error: ") if told else lines[-1] if lines else "it said nothing"
    return last if told else f"it crashed ({last}); see {log_file}."

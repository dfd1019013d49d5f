"""Jobs of a sweep: what each leaves in its folder, so that a sweep goes on past failures and after a stop."""

from __future__ import annotations

import json
import logging
import math
import os
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from core.errors import ConfigError, DataError, MindvideoError, RecordError
from core.facts import digest as facts_digest
from core.facts import facts, outline_of
from core.files import write_json
from core.locks import LOCK, Lock
from core.records import Count, Seconds, read_record

log = logging.getLogger(__name__)

RECORD = "job.json"
NOT_COMPARED = ("output", "sweep")
"""Sections that do not decide what a job computes."""


@dataclass(frozen=True)
class Job:
    """One job of a sweep, as it stands in its folder."""

    number: Count
    overrides: Sequence[str]
    """Words of the command line, those of the sweeper among them."""
    settings: str
    """Hash of the composed settings."""
    score: float | None = None
    """Higher is better; None where the task has none, or where there is none yet."""
    seconds: Seconds | None = None
    """Seconds that the job took; None until it ends."""
    failure: str | None = None

    @property
    def state(self) -> str:
        """One word: ``done``, ``failed`` or ``not finished``."""
        if self.seconds is None:
            return "not finished"
        return "failed" if self.failure is not None else "done"

    def save(self, folder: Path) -> Job:
        """Write it, whole or not at all; returns itself."""
        write_json(folder / RECORD, asdict(self))
        return self

    @classmethod
    def open(cls, folder: Path) -> Job | None:
        """The job of a folder, or None where there is none; raises `DataError` where it cannot be read."""
        path = folder / RECORD
        try:
            return read_record(cls, path)
        except FileNotFoundError:
            return None
        except (OSError, RecordError) as error:
            raise DataError(f"{path} is damaged ({error}): remove it, and the job runs again.") from None


def jobs(folder: Path) -> list[Job]:
    """The jobs of a sweep by number; raises `DataError` where there is none."""
    found = [job for path in folder.glob(f"*/{RECORD}") if (job := Job.open(path.parent))]
    if not found:
        raise DataError(f"there is no sweep in {folder}: give the folder that holds its numbered jobs.")
    return sorted(found, key=lambda job: job.number)


def run_job(folder: Path, job: Job, failed: float | None, work: Callable[[], float | None]) -> float | None:
    """Run a job of a sweep and leave its record; returns its score, and ``failed`` where it fails.

    A job that is done already is not run again. Raises `ConfigError` where the folder holds a job of other settings,
    `BusyError` where another process is running it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sentence = f"{folder} is in use: another sweep is running this job; give another hydra.sweep.dir=…."
    with Lock(folder / f"{RECORD}{LOCK}", sentence):
        return _run(folder, job, failed, work)


def _run(folder: Path, job: Job, failed: float | None, work: Callable[[], float | None]) -> float | None:
    before = Job.open(folder)
    if before is not None and before.settings != job.settings:
        raise ConfigError(
            f"{folder} holds a job of other settings: go on with a sweep by its own words, or give another "
            "hydra.sweep.dir=…."
        )
    if before is not None and before.state == "done":
        log.info("Job %d is done already, in %s", job.number, folder)
        return before.score
    job.save(folder)
    begin = time.monotonic()
    score, failure = _attempt(work)
    replace(job, score=score, failure=failure, seconds=time.monotonic() - begin).save(folder)
    return score if failure is None else failed


def _attempt(work: Callable[[], float | None]) -> tuple[float | None, str | None]:
    """The score, or why there is none: an error in one job is recorded there and does not stop the sweep."""
    try:
        score = work()
    except MindvideoError as error:
        log.error("The job failed: %s", error)
        return None, str(error)
    except Exception as error:
        log.exception("The job failed")
        return None, f"{type(error).__name__}: {error}"
    if score is not None and not math.isfinite(score):
        log.error("The job failed: its score is %s", score)
        return None, f"the score is {score}, which is no finite number"
    return score, None


def digest(composed: DictConfig) -> str:
    """A hash of the settings that decide what a job computes."""
    plain = OmegaConf.to_container(composed, enum_to_str=True)
    assert isinstance(plain, dict)
    kept = {str(name): section for name, section in plain.items() if name not in NOT_COMPARED}
    task = json.dumps(
        kept.pop("task", None), sort_keys=True, default=str
    )  # whose paths may be of what a job makes
    data = facts({"dataset": kept.pop("dataset", None)}, name_of=outline_of)
    return facts_digest({**facts(kept), **data, "task": task})


def threads_of_a_job(launcher: DictConfig) -> int:
    """Threads that a job may take where the launcher runs several on one machine; 0 where it does not say."""
    options = {str(name): launcher[name] for name in launcher}
    if "n_jobs" in options:  # joblib, where -1 is as many as there are cores
        cores = len(os.sched_getaffinity(0))
        return max(1, cores // options["n_jobs"]) if options["n_jobs"] > 0 else 1
    if "ray" in options:  # which gives a job one core unless it is told otherwise
        return max(1, int(options["ray"].remote.get("num_cpus", 1)))
    return int(options.get("cpus_per_task") or 0)  # submitit


@dataclass
class Sweep:
    """The progress of a command's sweep."""

    folder: Path | None = None
    """Folder of the job; None before it has begun, and where the command has none."""
    has_ended: bool = False

    def resumes(self) -> str:
        """A sentence on how it goes on after it was stopped."""
        if self.folder is None:
            return ""
        return f"The same command with hydra.sweep.dir={shlex.quote(str(self.folder))} goes on."


_noted: ContextVar[Sweep] = ContextVar("sweep")


@contextmanager
def noting() -> Iterator[Sweep]:
    """What Hydra tells meanwhile, of the sweep that it runs."""
    token = _noted.set(Sweep())
    try:
        yield _noted.get()
    finally:
        _noted.reset(token)


class Noted(Callback):
    """Hydra's callback, by which it tells."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Note where the sweep is."""
        _noted.get().folder = Path(config.hydra.sweep.dir)

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Note that it is done."""
        _noted.get().has_ended = True


def swept_settings(jobs: Sequence[Job]) -> Iterator[tuple[str, list[str]]]:
    """Every setting that is not the same in all jobs, with its value in each; empty where a job does not set it."""
    values = [dict(word.lstrip("+~").partition("=")[::2] for word in job.overrides) for job in jobs]
    for key in dict.fromkeys(key for words in values for key in words):
        column = [words.get(key, "") for words in values]
        if len(set(column)) > 1:
            yield key, column

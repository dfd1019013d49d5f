"""Crews on clusters: Ray and Slurm start processes where there is room, and move what those are given and make.

A process that is lost is asked for again, and meanwhile others do what it was at.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from core.carried import Trace, add, blocks, trace
from core.crew import QueuedCrew, Recipe, Seen, Worker, WorkItem, require_alike, to_sendable
from core.errors import CrewError

_DONE, _FAILED, _UNSEEN = range(3)
_TOGETHER = 30.0
"""Seconds that processes have to be ready after the first, for all to be compared before work begins."""
_GRACE = 5.0
"""Seconds that a process has to answer, or to put away what it holds."""
_POLL = 0.5
"""Seconds between two looks at jobs of submitit, which tell nobody that they have ended."""
_DAY = 24 * 60

_Copies: TypeAlias = Mapping[Path, Sequence[tuple[str, Any]]]
"""Names and Ray's references of the blocks of each file."""


class RayCrew(QueuedCrew):
    """`core.crew.Crew` of ``size`` actors with ``threads`` cores each, of the cluster that ``RAY_ADDRESS`` names.

    Where it names none, Ray starts one on this machine. Machines that do not see the ``files`` that are read get them
    through Ray. Raises `CrewError` where Ray is not installed, and where its actors cannot be kept alive.
    """

    def __init__(self, recipe: Recipe, size: int, threads: int, files: Sequence[Path] = ()) -> None:
        super().__init__(size)
        self._recipe, self._threads, self._files = recipe, threads, files
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, WorkItem | None]] = {}
        """Actors by the answers that they owe, and the items that they are at: none before they are ready."""
        self._copies: _Copies | None = None
        """Made when the first actor asks for them."""

    @property
    def hello(self) -> Any:
        """See `core.crew.Crew.hello`; waits a little for the others as well."""
        first = super().hello
        until = time.monotonic() + _TOGETHER
        while len(self._idle) < self.size and (left := until - time.monotonic()) > 0:
            self._listen(lambda parts: None, left)
        return first

    def _has_room(self) -> bool:
        return bool(self._idle)

    def _give(self, item: WorkItem) -> None:
        self._ask(self._idle.pop(), item)

    def _ask(self, actor: Any, item: WorkItem | None) -> None:
        copies = self._copies
        answer = actor.do.remote(item.piece, copies) if item else actor.hello.remote(copies)
        self._busy[answer] = actor, item

    def _listen(self, seen: Seen, patience: float | None = None) -> list[WorkItem]:
        ended: list[WorkItem] = []
        for answer in self._ray.wait(list(self._busy), timeout=patience)[0]:
            actor, item = self._busy.pop(answer)
            try:
                kind, value = self._ray.get(answer)
            except self._ray.exceptions.RayError as error:
                ended += self._replace(f"Ray ({type(error).__name__})", item, seen)
                continue
            if kind == _FAILED:
                raise value
            if kind == _UNSEEN:
                self._copy()
                self._ask(actor, item)
                continue
            self._idle.append(actor)
            if item is None:
                self._welcome(value)
            else:
                result, parts = value
                item.progress(parts, seen)
                ended.append(item.finish(result))
        return ended

    def _replace(self, ending: str, item: WorkItem | None, seen: Seen) -> list[WorkItem]:
        """Ask for another actor in the place of one that is lost; returns what that was at."""
        if item is None:
            self._mourn(ending)
        else:
            item.lose(ending, seen)
        self._start()
        return [item] if item else []

    def _start(self) -> None:
        traces = {file: trace(file) for file in self._files}
        self._ask(self._actor.remote(self._recipe, Path.cwd(), traces), None)

    def _copy(self) -> None:
        if self._copies is None:
            self._copies = {
                file: [(name, self._ray.put(block)) for name, block in blocks(file)] for file in self._files
            }

    def __enter__(self) -> RayCrew:
        self._ray = ray_for("task.engine=ray")
        self._began = join_cluster(self._ray)
        self._actor = self._ray.remote(num_cpus=self._threads)(_Actor)
        for _ in range(self.size):
            self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if closing := [actor.close.remote() for actor in self._idle]:
            self._ray.wait(closing, num_returns=len(closing), timeout=_GRACE)
        for actor in [*self._idle, *(actor for actor, _ in self._busy.values())]:
            self._ray.kill(actor)
        if self._began:
            self._ray.shutdown()


def ray_for(setting: str) -> Any:
    """Ray; raises `CrewError`, which names the setting that needs it, where it is not installed."""
    try:
        import ray
    except ImportError:
        raise CrewError(f"{setting} needs the extra cluster: pip install 'mindvideo[cluster]'.") from None
    return ray


def join_cluster(ray: Any) -> bool:
    """Join the cluster that ``RAY_ADDRESS`` names, or begin one here; false where that was done before."""
    if ray.is_initialized():
        return False
    address = os.environ.get("RAY_ADDRESS")
    if address:
        _require_answer(address)
    options = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", **options)
    except Exception as error:  # of many kinds, among them this one itself
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        raise CrewError(f"Ray cannot be begun {where}: {error}") from error
    return True


def _require_answer(address: str) -> None:
    """Raise `CrewError` where nobody answers, for which Ray would wait for minutes."""
    named = re.fullmatch(r"(?:ray://)?(.+):(\d{1,5})", address)
    if named is None:  # "auto"
        return
    try:
        socket.create_connection((named[1], int(named[2])), _GRACE).close()
    except OSError as error:
        raise CrewError(f"there is no Ray cluster at RAY_ADDRESS={address} ({error}).") from error


class _UnseenError(Exception):
    """The machine does not see the files, and has no copies."""


class _Actor:
    """A worker as Ray keeps it; answers with what came of a question."""

    def __init__(self, recipe: Recipe, folder: Path, files: Mapping[Path, Trace]) -> None:
        with suppress(OSError):  # on another machine it may not be there
            os.chdir(folder)
        self._recipe, self._files = recipe, files
        self._worker: Worker | None = None
        self._folder: str | None = None
        """The folder of copies."""

    def hello(self, copies: _Copies | None) -> tuple[int, Any]:
        """What the worker says of itself."""
        return self._answer(lambda: self._ready(copies).hello)

    def do(self, piece: Any, copies: _Copies | None) -> tuple[int, Any]:
        """The result of a piece, and how many parts were done."""
        parts: list[int] = []
        return self._answer(lambda: (self._ready(copies).do(piece, parts.append), sum(parts)))

    def close(self) -> None:
        """Put away what was copied."""
        if self._folder:
            shutil.rmtree(self._folder)

    def _ready(self, copies: _Copies | None) -> Worker:
        if self._worker is None:
            lacking = [path for path, known in self._files.items() if trace(path) != known]
            if lacking and copies is None:
                raise _UnseenError
            here = {path: self._copy(path, copies[path]) for path in lacking} if copies else {}
            self._worker = self._recipe(lambda path: here.get(path, path))
        return self._worker

    def _copy(self, path: Path, copies: Sequence[tuple[str, Any]]) -> Path:
        import ray

        self._folder = self._folder or tempfile.mkdtemp(prefix="mindvideo-")
        place = Path(tempfile.mkdtemp(dir=self._folder)) / path.name
        for name, block in copies:
            add(place, name, ray.get(block))
        return place

    def _answer(self, question: Callable[[], Any]) -> tuple[int, Any]:
        try:
            return _DONE, question()
        except _UnseenError:
            return _UNSEEN, None
        except Exception as error:  # as Ray would hide what is wrong
            return _FAILED, to_sendable(error)


class SubmititCrew(QueuedCrew):
    """`core.crew.Crew` of up to ``size`` jobs at a time, each of which does one piece.

    ``executor`` is submitit's name of what runs them (none: Slurm where it is, else this machine), ``parameters``
    are those of its ``AutoExecutor``. Raises `CrewError` where submitit is not installed or refuses them.
    """

    def __init__(
        self,
        recipe: Recipe,
        size: int,
        executor: str | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(size)
        self._recipe, self._cluster, self._parameters = recipe, executor, parameters or {}
        self._busy: dict[Any, WorkItem | None] = {}
        """Jobs, with the items that they are at: the first has none."""

    def _has_room(self) -> bool:
        return len(self._busy) < self.size

    def _give(self, item: WorkItem) -> None:
        self._submit(item)

    def _submit(self, item: WorkItem | None) -> None:
        job = self._executor.submit(_Job(self._recipe, self._hello), item and item.piece)
        self._busy[job] = item

    def _listen(self, seen: Seen) -> list[WorkItem]:
        job = next(self._submitit.helpers.as_completed(list(self._busy), poll_frequency=_POLL))
        item = self._busy.pop(job)
        try:
            kind, value = job.result()
        except self._submitit.core.utils.FailedJobError as error:
            last = str(error).strip().splitlines()[-1]
            raise CrewError(f"a job of submitit could not be begun: {last}") from error
        except self._submitit.core.utils.UncompletedJobError:
            return self._again(f"submitit (state {job.state})", item, seen)
        if kind == _FAILED:
            raise value
        if item is None:
            self._welcome(value)
            return []
        result, parts = value
        item.progress(parts, seen)
        return [item.finish(result)]

    def _again(self, ending: str, item: WorkItem | None, seen: Seen) -> list[WorkItem]:
        if item is None:
            self._mourn(ending)
            self._submit(None)
            return []
        item.lose(ending, seen)
        return [item]

    def __enter__(self) -> SubmititCrew:
        try:
            import submitit
        except ImportError:
            raise CrewError(
                "task.engine=submitit needs the extra cluster: pip install 'mindvideo[cluster]'."
            ) from None
        self._submitit = submitit
        # where every machine of Slurm sees it, and nobody else writes: jobs and results are pickles
        self._folder = tempfile.mkdtemp(prefix=".submitit-", dir=Path.cwd())
        try:
            self._executor = submitit.AutoExecutor(folder=self._folder, cluster=self._cluster)
            self._executor.update_parameters(**{"timeout_min": _DAY, **self._parameters})
            self._submit(None)
        except (
            RuntimeError,
            NameError,
            ValueError,
            AssertionError,
            submitit.core.utils.FailedSubmissionError,
        ) as error:
            shutil.rmtree(self._folder)
            raise CrewError(f"submitit does not take the jobs: {error}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for job in self._busy:
            job.cancel(check=False)
        shutil.rmtree(self._folder, ignore_errors=True)  # a job that ends meanwhile may write into it


class _Job:
    """What a job does: a piece, or nothing but saying hello. Machines that compute otherwise refuse it."""

    def __init__(self, recipe: Recipe, hello: Any) -> None:
        self._recipe, self._hello = recipe, hello

    def __call__(self, piece: Any) -> tuple[int, Any]:
        parts: list[int] = []
        try:
            worker = self._recipe(lambda path: path)
            require_alike(self._hello, worker.hello)
            if piece is None:
                return _DONE, worker.hello
            return _DONE, (worker.do(piece, parts.append), sum(parts))
        except Exception as error:
            return _FAILED, to_sendable(error)

    def checkpoint(self, piece: Any) -> Any:
        """Asked for by submitit where Slurm takes the machine away: the same once more."""
        import submitit

        return submitit.helpers.DelayedSubmission(self, piece)

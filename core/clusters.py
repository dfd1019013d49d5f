"""A crew on a cluster: Ray starts its processes where there is room, replaces those that are lost, moves results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import count
from types import TracebackType
from typing import Any

from core.crew import ATTEMPTS, Recipe, Seen, as_sent, require_alike
from core.errors import CrewError, MindvideoError


class RayCrew:
    """`core.crew.Crew` of ``size`` actors with ``threads`` cores each, of the cluster that ``RAY_ADDRESS`` names.

    Where it names none, Ray starts one on this machine. Raises `CrewError` where Ray is not installed, and where its
    actors cannot be kept alive.
    """

    def __init__(self, recipe: Recipe, size: int, threads: int) -> None:
        self._recipe, self.size, self._threads = recipe, size, threads
        self._actors: list[Any] = []
        self._hello: Any = None

    @property
    def hello(self) -> Any:
        """See `core.crew.Crew.hello`; waits for all."""
        if self._hello is None:
            for kind, hello in self._got([actor.hello.remote() for actor in self._actors]):
                if kind is _Failed:
                    raise hello
                require_alike(self._hello, hello)
                self._hello = hello
        return self._hello

    def run(self, pieces: Iterable[Any], seen: Seen, ahead: int | None = None) -> Iterator[tuple[Any, Any]]:
        """See `core.crew.Crew.run`; progress is that of whole pieces."""
        supply = zip(count(), pieces, strict=False)
        idle, busy = list(self._actors), dict[Any, tuple[int, Any, Any]]()
        finished: dict[int, tuple[Any, Any]] = {}
        begun = given = 0
        while True:
            while idle and (ahead is None or begun - given < ahead) and (numbered := next(supply, None)):
                number, piece = numbered
                actor = idle.pop()
                busy[actor.do.remote(piece)] = number, piece, actor
                begun = number + 1
            if not busy and given == begun:
                return
            for done in self._ray.wait(list(busy))[0] if busy else ():
                number, piece, actor = busy.pop(done)
                ((kind, made),) = self._got([done])
                if kind is _Failed:
                    raise made
                result, parts = made
                seen(parts)
                finished[number] = piece, result
                idle.append(actor)
            while finished and (ahead is None or given in finished):
                yield finished.pop(next(iter(finished)) if ahead is None else given)
                given += 1

    def _got(self, references: list[Any]) -> list[Any]:
        try:
            return list(self._ray.get(references))
        except self._ray.exceptions.RayError as error:
            raise CrewError(
                f"Ray lost a process {ATTEMPTS} times ({type(error).__name__}): most likely memory ran out, or a "
                "machine lacks the files; give a smaller task.parallel, and a file system that all machines see."
            ) from error

    def __enter__(self) -> RayCrew:
        try:
            import ray
        except ImportError:
            raise CrewError(
                "task.engine=ray needs the extra cluster: pip install 'mindvideo[cluster]'."
            ) from None
        self._ray = ray
        self._began = not ray.is_initialized()
        if self._began:
            address = os.environ.get("RAY_ADDRESS")
            options = {} if address else {"include_dashboard": False}
            ray.init(address=address, log_to_driver=False, logging_level="error", **options)
        actor = ray.remote(num_cpus=self._threads, max_restarts=ATTEMPTS, max_task_retries=ATTEMPTS)(_Actor)
        self._actors = [actor.remote(self._recipe) for _ in range(self.size)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for actor in self._actors:
            self._ray.kill(actor)
        if self._began:
            self._ray.shutdown()


class _Failed:
    """Marks what an actor raised."""


class _Actor:
    """A worker, as Ray keeps it."""

    def __init__(self, recipe: Recipe) -> None:
        self._worker: Any = None
        self._error: Exception | None = None
        try:
            self._worker = recipe()
        except Exception as error:  # told when it is asked for, as Ray would hide what is wrong
            self._error = as_sent(error)

    def hello(self) -> tuple[Any, Any]:
        return (_Failed, self._error) if self._error else (None, self._worker.hello)

    def do(self, piece: Any) -> tuple[Any, Any]:
        parts: list[int] = []
        try:
            return None, (self._worker.do(piece, parts.append), sum(parts))
        except (MindvideoError, OSError, RuntimeError, ValueError) as error:
            return _Failed, as_sent(error)

"""Pieces of one work, done by processes of their own: a process that is killed is replaced, and its piece done again.

A *recipe* is what can be pickled and, called in a process, makes its worker: an object with a ``hello``, that it tells
of itself, and with a method ``do``. Workers of one crew must say the same hello.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol

from core.errors import CrewError, MindvideoError

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a piece is tried whose process is killed."""
_READY, _PROGRESS, _DONE, _FAILED = range(4)
_QUEUED = 2
"""Pieces that a process has, so that the next one waits for nobody."""
_GRACE = 5.0
"""Seconds that a process has to end after it was told to."""

Seen = Callable[[int], None]
"""Told how many parts of a piece, frames say, were done; fewer than none where they have to be done again."""


class Worker(Protocol):
    """Does pieces in a process of its own."""

    @property
    def hello(self) -> Any:
        """What it tells of itself when it is ready."""
        ...

    def do(self, piece: Any, seen: Seen) -> Any:
        """Do a piece; tells under way how much of it is done."""
        ...


Recipe = Callable[[], Worker]


class Crew(Protocol):
    """Some workers of one recipe (a context manager)."""

    size: int
    """How many."""

    @property
    def hello(self) -> Any:
        """What the workers say of themselves; waits for the first to be ready."""
        ...

    def run(self, pieces: Iterable[Any], seen: Seen, ahead: int | None = None) -> Iterator[tuple[Any, Any]]:
        """Pieces with their results as they come; pieces are asked for when there is somebody to do them.

        With ``ahead``, in their order: a piece is begun when at most so many are that have not been given out. Raises
        what a worker raised, and `CrewError` where one cannot do a piece.
        """
        ...

    def __enter__(self) -> Crew: ...

    def __exit__(self, *raised: Any) -> None: ...


class LocalCrew:
    """`Crew` of ``size`` processes of this machine."""

    def __init__(self, recipe: Recipe, size: int) -> None:
        self._recipe = recipe
        self.size = size
        self._members: list[_Member] = []
        self._hello: Any = None
        self._lost = 0
        """Processes that ended before they were ready."""

    @property
    def hello(self) -> Any:
        """See `Crew.hello`."""
        while self._hello is None:
            self._listen(lambda parts: None)
        return self._hello

    def run(self, pieces: Iterable[Any], seen: Seen, ahead: int | None = None) -> Iterator[tuple[Any, Any]]:
        """See `Crew.run`."""
        supply = map(_Task, count(), pieces)
        again: deque[_Task] = deque()
        finished: dict[int, _Task] = {}
        begun = given = 0
        exhausted = False
        while True:
            while (member := self._free()) and (again or ahead is None or begun - given < ahead):
                task = again.popleft() if again else next(supply, None)
                exhausted = task is None
                if task is None:
                    break
                begun = max(begun, task.number + 1)
                member.give(task)
            if exhausted and given == begun:
                return
            for task in self._listen(seen):
                if task.is_done:
                    finished[task.number] = task
                else:
                    again.append(task)
            while finished and (ahead is None or given in finished):
                task = finished.pop(next(iter(finished)) if ahead is None else given)
                given += 1
                yield task.piece, task.result

    def _free(self) -> _Member | None:
        """A member that can be given a task, the least busy first."""
        ready = (member for member in self._members if member.is_ready)
        least = min(ready, key=lambda member: len(member.tasks), default=None)
        return least if least and len(least.tasks) < _QUEUED else None

    def _listen(self, seen: Seen) -> list[_Task]:
        """Wait for what members say; the tasks that are done, or are to be done again."""
        ended: list[_Task] = []
        for connection in wait([member.connection for member in self._members]):
            member = next(m for m in self._members if m.connection is connection)
            try:
                kind, value = member.connection.recv()
            except (EOFError, ConnectionError):
                ended += self._replace(member, seen)
                continue
            if kind == _READY:
                self._welcome(member, value)
            elif kind == _PROGRESS:
                member.progress(value, seen)
            elif kind == _FAILED:
                raise value
            else:
                ended.append(member.finish(value))
        return ended

    def _welcome(self, member: _Member, hello: Any) -> None:
        member.is_ready = True
        require_alike(self._hello, hello)
        self._hello = hello

    def _replace(self, member: _Member, seen: Seen) -> list[_Task]:
        """Start another process in the place of one that ended; returns what that had to do."""
        told = member.ending()
        for task in list(member.tasks)[:1]:
            log.warning(
                "A worker process was ended by %s; what it was at, %s, is done again.", told, task.piece
            )
            seen(-task.seen)
            task.seen, task.losses = 0, task.losses + 1
        self._lost += not member.is_ready
        if self._lost >= ATTEMPTS or any(task.losses >= ATTEMPTS for task in member.tasks):
            where = f"at {member.tasks[0].piece}" if member.tasks else "before it was ready"
            raise CrewError(
                f"a worker process was ended {ATTEMPTS} times by {told} {where}: most likely memory ran out; give a "
                "smaller task.parallel."
            )
        self._members[self._members.index(member)] = _Member(self._recipe)
        return list(member.tasks)

    def __enter__(self) -> LocalCrew:
        self._members = [_Member(self._recipe) for _ in range(self.size)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            member.process.terminate()
        for member in self._members:
            member.process.join(_GRACE)
            member.process.kill()
            member.process.join()
            member.connection.close()


class _Task:
    """A piece on its way."""

    def __init__(self, number: int, piece: Any) -> None:
        self.number, self.piece = number, piece
        self.seen = self.losses = 0
        self.is_done = False
        self.result: Any = None


class _Member:
    """A process and the way to it."""

    def __init__(self, recipe: Recipe) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(recipe, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.is_ready = False
        self.tasks: deque[_Task] = deque()
        """What it was given, the one under way first."""

    def give(self, task: _Task) -> None:
        self.tasks.append(task)
        with suppress(ConnectionError):  # which is met again when it is listened to
            self.connection.send(task.piece)

    def progress(self, parts: int, seen: Seen) -> None:
        self.tasks[0].seen += parts
        seen(parts)

    def finish(self, result: Any) -> _Task:
        task = self.tasks.popleft()
        task.is_done, task.result = True, result
        return task

    def ending(self) -> str:
        """How the process ended."""
        self.connection.close()
        self.process.join()
        code = self.process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def require_alike(before: Any, hello: Any) -> None:
    """Raise `CrewError` where two workers of a crew say different hellos."""
    if before is not None and before != hello:
        raise CrewError(
            "the worker processes do not compute alike, so that what they make would not fit together: take machines "
            f"of one kind and one device ({before}; {hello})."
        )


def share_of_cores(size: int) -> int:
    """Threads for each of so many processes on this machine."""
    return max(1, len(os.sched_getaffinity(0)) // size)


def _serve(recipe: Recipe, connection: Connection) -> None:
    """What a process of the crew does, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's goes to all; who leads ends the others
    logging.basicConfig(level=logging.ERROR)
    with suppress(EOFError, ConnectionError):
        try:
            worker = recipe()
            connection.send((_READY, worker.hello))
            while True:
                piece = connection.recv()
                result = worker.do(piece, lambda parts: connection.send((_PROGRESS, parts)))
                connection.send((_DONE, result))
        except (EOFError, ConnectionError):
            raise
        except Exception as error:
            connection.send((_FAILED, as_sent(error)))


def as_sent(error: Exception) -> Exception:
    """An error as it can go to another process: what a user can mend as it is, others with the place they arose at."""
    if not isinstance(error, MindvideoError | OSError):
        return RuntimeError("".join(traceback.format_exception(error)))
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return MindvideoError(str(error))

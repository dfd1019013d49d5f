"""Pieces of one work, done by processes of their own: a process that is killed is replaced, and its piece done again.

A *recipe* is what can be pickled and, called in a process, makes its worker: an object with a ``hello``, that it tells
of itself, and with a method ``do``. Workers of one crew must say the same hello. `core.clusters` has crews of many
machines.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from core.errors import CrewError, MindvideoError

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""Attempts at a piece whose process is killed."""
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


Where = Callable[[Path], Path]
"""Where a file or folder that a work reads lies for the process that asks, by its path for the process that leads."""
Recipe = Callable[[Where], Worker]


class Crew(Protocol):
    """Some workers of one recipe (a context manager)."""

    size: int
    """Number of workers."""

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


class WorkItem:
    """A piece on its way."""

    def __init__(self, number: int, piece: Any) -> None:
        self.number, self.piece = number, piece
        self.seen = self.losses = 0
        self.is_done = False
        self.result: Any = None

    def progress(self, parts: int, seen: Seen) -> None:
        """Tell of parts that were done."""
        self.seen += parts
        seen(parts)

    def finish(self, result: Any) -> WorkItem:
        """Note what came of it; returns itself."""
        self.is_done, self.result = True, result
        return self

    def lose(self, ending: str, seen: Seen) -> None:
        """Take back what was told of it, as the process that was at it ended; raises `CrewError` if once too often."""
        log.warning(
            "A worker process was ended by %s; what it was at, %s, is done again.", ending, self.piece
        )
        seen(-self.seen)
        self.seen, self.losses = 0, self.losses + 1
        if self.losses >= ATTEMPTS:
            raise lost_error(ending, f"at {self.piece}")


def lost_error(ending: str, where: str) -> CrewError:
    """The error about processes that cannot be kept alive."""
    return CrewError(
        f"a worker process was ended {ATTEMPTS} times by {ending} {where}: most likely memory ran out; give a "
        "smaller task.parallel."
    )


class QueuedCrew(ABC):
    """`Crew` whose processes take items from one queue, in which those stand first that are to be done again."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._hello: Any = None
        self._unready = 0
        """Processes that ended before they were ready."""

    @property
    def hello(self) -> Any:
        """See `Crew.hello`."""
        while self._hello is None:
            self._listen(lambda parts: None)
        return self._hello

    def run(self, pieces: Iterable[Any], seen: Seen, ahead: int | None = None) -> Iterator[tuple[Any, Any]]:
        """See `Crew.run`."""
        supply = map(WorkItem, count(), pieces)
        again: deque[WorkItem] = deque()
        finished: dict[int, WorkItem] = {}
        begun = given = 0
        exhausted = False
        while True:
            while self._has_room() and (again or ahead is None or begun - given < ahead):
                item = again.popleft() if again else next(supply, None)
                exhausted = item is None
                if item is None:
                    break
                begun = max(begun, item.number + 1)
                self._give(item)
            if exhausted and given == begun:
                return
            for item in self._listen(seen):
                if item.is_done:
                    finished[item.number] = item
                else:
                    again.append(item)
            while finished and (ahead is None or given in finished):
                item = finished.pop(next(iter(finished)) if ahead is None else given)
                given += 1
                yield item.piece, item.result

    def _welcome(self, hello: Any) -> None:
        """Note what a process says of itself."""
        require_alike(self._hello, hello)
        self._hello = hello

    def _mourn(self, ending: str) -> None:
        """Count a process that ended before it was ready."""
        self._unready += 1
        if self._unready >= ATTEMPTS:
            raise lost_error(ending, "before it was ready")

    @abstractmethod
    def _has_room(self) -> bool:
        """Whether somebody can be given an item."""

    @abstractmethod
    def _give(self, item: WorkItem) -> None:
        """Give an item to somebody, after `_has_room` said so."""

    @abstractmethod
    def _listen(self, seen: Seen) -> list[WorkItem]:
        """Wait until something is told; the items that are done, or are to be done again."""


class LocalCrew(QueuedCrew):
    """`Crew` of ``size`` processes of this machine."""

    def __init__(self, recipe: Recipe, size: int) -> None:
        super().__init__(size)
        self._recipe = recipe
        self._members: list[_Member] = []

    def _has_room(self) -> bool:
        return self._free() is not None

    def _give(self, item: WorkItem) -> None:
        member = self._free()
        assert member is not None
        member.give(item)

    def _free(self) -> _Member | None:
        """A member that can be given an item, the least busy first."""
        ready = (member for member in self._members if member.is_ready)
        least = min(ready, key=lambda member: len(member.items), default=None)
        return least if least and len(least.items) < _QUEUED else None

    def _listen(self, seen: Seen) -> list[WorkItem]:
        """Wait for what members say; the items that are done, or are to be done again."""
        ended: list[WorkItem] = []
        for connection in wait([member.connection for member in self._members]):
            member = next(m for m in self._members if m.connection is connection)
            try:
                kind, value = member.connection.recv()
            except (EOFError, ConnectionError):
                ended += self._replace(member, seen)
                continue
            if kind == _READY:
                self._welcome(value)
                member.is_ready = True
            elif kind == _PROGRESS:
                member.items[0].progress(value, seen)
            elif kind == _FAILED:
                raise value
            else:
                ended.append(member.items.popleft().finish(value))
        return ended

    def _replace(self, member: _Member, seen: Seen) -> list[WorkItem]:
        """Start another process in the place of one that ended; returns what that had to do."""
        ending = member.ending()
        if not member.is_ready:
            self._mourn(ending)
        for item in list(member.items)[:1]:
            item.lose(ending, seen)
        self._members[self._members.index(member)] = _Member(self._recipe)
        return list(member.items)

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


class _Member:
    """A process and the way to it."""

    def __init__(self, recipe: Recipe) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(recipe, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.is_ready = False
        self.items: deque[WorkItem] = deque()
        """Its items, the one under way first."""

    def give(self, item: WorkItem) -> None:
        self.items.append(item)
        with suppress(ConnectionError):  # which is met again when it is listened to
            self.connection.send(item.piece)

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
    """The loop of a process of the crew, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's goes to all; who leads ends the others
    logging.basicConfig(level=logging.ERROR)
    with suppress(EOFError, ConnectionError):
        try:
            worker = recipe(lambda path: path)
            connection.send((_READY, worker.hello))
            while True:
                piece = connection.recv()
                result = worker.do(piece, lambda parts: connection.send((_PROGRESS, parts)))
                connection.send((_DONE, result))
        except (EOFError, ConnectionError):
            raise
        except Exception as error:
            connection.send((_FAILED, to_sendable(error)))


def to_sendable(error: Exception) -> Exception:
    """An error as it can go to another process: what a user can mend as it is, others with the place they arose at."""
    if not isinstance(error, MindvideoError | OSError):
        return RuntimeError("".join(traceback.format_exception(error)))
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        return MindvideoError(str(error))

"""Times the same work by several implementations, each in a process of its own, call by call in turn.

They take turns so that whatever else the machine does meets all of them alike. Each process warms up first;
what its warm-up calls return is compared before anything is timed.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import median
from typing import Any, Protocol

import numpy as np

from core.machine import peak_memory

Arrays = list[np.ndarray]
WARM_UPS = 3


class Work(Protocol):
    """What is measured: each call does it once and returns when the results are there."""

    framework: str
    """Name and version of the framework, threads and instruction set."""

    def __call__(self) -> Arrays: ...


Builder = Callable[[], Work]
"""Makes the work in its process; picklable, and imports its framework only when called."""


@dataclass
class Measurement:
    """What was measured of one implementation; times are in seconds, memory in MiB."""

    framework: str
    build_seconds: float
    """Import of the framework and construction."""
    first_call_seconds: float
    """The first call, compiling included."""
    start_mib: float
    """Peak memory before the first call: interpreter, framework, weights and inputs."""
    peak_mib: float = 0.0
    """Peak memory of the whole process, compiling included."""
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    """Processor time of each call, summed over threads; spinning while waiting counts."""

    @property
    def is_steady(self) -> bool:
        """Whether the calls took about the same time; on a busy machine they do not."""
        return median(self.wall) < 1.25 * min(self.wall)


def measure(
    builders: Mapping[str, Builder],
    repeat: int,
    check: Callable[[dict[str, list[Arrays]]], None],
    warm_ups: int = WARM_UPS,
) -> dict[str, Measurement]:
    """Warm every implementation up, hand the results of the warm-up calls to ``check``, then time ``repeat`` rounds.

    ``check`` raises when they disagree, which ends the measurement. With ``repeat`` 0 nothing is timed.
    """
    with ExitStack() as stack:
        connections = {
            name: stack.enter_context(_process(name, builder)) for name, builder in builders.items()
        }
        measured, results = {}, {}
        for name, connection in connections.items():
            measured[name], results[name] = _ask(name, connection, warm_ups)
        check(results)
        for _ in range(repeat):
            for name, connection in connections.items():
                wall, processor = _ask(name, connection, "call")
                measured[name].wall.append(wall)
                measured[name].processor.append(processor)
        for name, connection in connections.items():
            measured[name].peak_mib = _ask(name, connection, "peak")
    return measured


@contextmanager
def _process(name: str, builder: Builder) -> Iterator[Connection]:
    """A process that answers questions about one implementation; it ends with the block."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, builder), name=name, daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(5)
        process.terminate()


def _ask(name: str, connection: Connection, question: str | int) -> Any:
    """A number of calls to warm up with, ``call`` or ``peak``, and the answer."""
    try:
        connection.send(question)
        return connection.recv()
    except (EOFError, OSError):
        raise RuntimeError(f"The process of {name} ended early; its own message stands above.") from None


def _serve(connection: Connection, builder: Builder) -> None:
    """In an implementation's process: answer until the other end is closed."""
    work: Work | None = None
    try:
        while True:
            question = connection.recv()
            if isinstance(question, int):
                start = time.perf_counter()
                work = builder()
                connection.send(_warm_up(work, question, time.perf_counter() - start))
            elif question == "call" and work:
                connection.send(_time_call(work)[:2])
            else:
                connection.send(_peak_mib())
    except EOFError:
        return


def _warm_up(work: Work, calls: int, build_seconds: float) -> tuple[Measurement, list[Arrays]]:
    before = _peak_mib()
    seconds, _, first = _time_call(work)
    results = [first, *(work() for _ in range(calls - 1))]
    return Measurement(work.framework, build_seconds, seconds, before), results


def _time_call(work: Work) -> tuple[float, float, Arrays]:
    wall, processor = time.perf_counter(), time.process_time()
    results = work()
    return time.perf_counter() - wall, time.process_time() - processor, results


def _peak_mib() -> float:
    """Largest resident memory of this process so far."""
    return peak_memory() / 2**20

"""Speed of convolutions on CPU: our kernels beside MindSpore's own and, where it is installed, PyTorch's.

Each implementation has a process of its own, and they take turns. For every convolution they first have to agree on
result and gradients. Times are milliseconds of one convolution, the least and the median over all rounds: a call has
several, each of another picture, so that the launch of MindSpore's compiled graph, a third of a millisecond, is
shared.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.compare import add_threads, at_least
from benchmarks.convolutions.cases import CASES, PICTURES, Call, Case
from core.files import write_json

TOLERANCE = 1e-5
"""Largest difference of the results relative to the largest value; sums have up to 16384 terms."""
BURST_SECONDS = 0.1
PASSES = ("forward", "to input", "to weights")


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    made.add_argument("--only", default="", help="only convolutions whose name contains this")
    add_threads(made)
    made.add_argument(
        "--rounds", type=at_least(1), default=5, help="turns of each implementation (%(default)s)"
    )
    made.add_argument("--json", type=Path, help="write everything to this file as well")


def main(options: argparse.Namespace) -> int:
    """The command; returns 0, or 1 after a message when the implementations disagree."""
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    facts = {**machine.describe(), "load before": machine.load()}
    for name, value in facts.items():
        console.print(f"{name:>12}  {value}")
    if machine.is_busy():
        console.print("[bold red]The machine is busy: the times cannot be relied on (README.md)[/]")
    implementations = {
        "built-in": ("by_mindspore", options.threads, "built-in"),
        "ours": ("by_mindspore", options.threads, "ours"),
    }
    if find_spec("torch"):
        implementations["PyTorch"] = ("by_torch", options.threads)
    results = {}
    with ExitStack() as stack:
        connections = {name: stack.enter_context(_process(*how)) for name, how in implementations.items()}
        for case in CASES:
            if options.only in str(case):
                said = _differences(case, connections)
                if said:
                    console.print(f"[bold red]Error:[/] {case}: {said}")
                    return 1
                results[str(case)] = _time(case, connections, options.rounds)
                console.print(f"[dim]{case}[/]")
    _print(console, results, list(implementations))
    if options.json:
        facts["load after"] = machine.load()
        write_json(options.json, {"machine": facts, "command": sys.argv[1:], "milliseconds": results})
    return 0


def _differences(case: Case, connections: dict[str, Connection]) -> str:
    """What the implementations disagree on, empty where they agree."""
    answers = {name: _ask(connection, (case, None)) for name, connection in connections.items()}
    ours = answers.pop("ours")
    for name, theirs in answers.items():
        for mine, other in zip(ours, theirs, strict=True):
            difference = float(np.abs(mine - other).max() / np.abs(other).max())
            if not difference <= TOLERANCE:
                return f"ours and {name} differ by {difference:.1e} of the largest value (tolerance {TOLERANCE:.0e})."
    return ""


def _time(case: Case, connections: dict[str, Connection], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of every call: pass, then implementation."""
    times: dict[str, dict[str, list[float]]] = {what: {name: [] for name in connections} for what in PASSES}
    for _ in range(rounds):
        for index, what in enumerate(PASSES):
            for name, connection in connections.items():
                times[what][name] += _ask(connection, (case, index))
    return times


def _print(console: Console, results: dict[str, Any], implementations: list[str]) -> None:
    """Least times, and ratios of ours to the others."""
    others = [name for name in implementations if name != "ours"]
    for what in PASSES:
        table = Table("", title=f"{what}: least milliseconds (median)", title_justify="left")
        for column in (*implementations, *(f"ours / {name}" for name in others)):
            table.add_column(column, justify="right")
        ratios: dict[str, list[float]] = {name: [] for name in others}
        for case, passes in results.items():
            times = passes[what]
            for name in others:
                ratios[name].append(min(times["ours"]) / min(times[name]))
            cells = [f"{min(times[name]):.2f} ({median(times[name]):.2f})" for name in implementations]
            table.add_row(case, *cells, *(f"{ratios[name][-1]:.2f}" for name in others))
        table.add_section()
        if results:
            table.add_row(
                "geometric mean",
                *("" for _ in implementations),
                *(f"{geometric_mean(ratios[name]):.2f}" for name in others),
            )
        console.print(table)


@contextmanager
def _process(module: str, *arguments: object) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, module, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(5)
        process.terminate()


def _ask(connection: Connection, question: tuple[Case, int | None]) -> Any:
    connection.send(question)
    return connection.recv()


def _serve(connection: Connection, module: str, arguments: tuple[object, ...]) -> None:
    """In an implementation's process: results of all passes of a case, or times of one of them."""
    implementation = import_module(f"benchmarks.convolutions.{module}").Implementation(*arguments)
    current, calls = None, []
    try:
        while True:
            case, index = connection.recv()
            if case != current:
                current, calls = case, implementation.calls(case)
            if index is None:
                connection.send([array for call in calls for array in implementation.numpy(call())])
            else:
                connection.send(_burst(calls[index]))
    except EOFError:
        return


def _burst(call: Call) -> list[float]:
    """Milliseconds of a convolution, call by call for a tenth of a second, after one that is not counted."""
    call()
    times: list[float] = []
    until = time.perf_counter() + BURST_SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3 / PICTURES)
    return times

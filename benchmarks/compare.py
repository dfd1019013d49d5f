"""The frame of the speed benchmarks: common options, implementations compared before they are timed, tables and
ratios."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.agreement import Agreement, Disagreement
from benchmarks.measure import Arrays, Builder, Measurement, measure
from core.errors import MindvideoError
from core.files import write_json

NOTHING = 2
"""Exit code where nothing was measured, nor a file written."""
_COLUMNS = ("median s", "min s", "processor s", "first call s", "build s", "peak MiB", "start MiB")


@dataclass(frozen=True)
class Benchmark:
    """One thing to time: ours first, then the peer where it is installed."""

    what: str
    title: str
    case: Mapping[str, Any]
    """What is measured, for the record."""
    implementations: Mapping[str, Builder]
    agree: Agreement
    is_long: bool = False
    """One call to warm up and two that are timed must do."""


def add_options(made: argparse.ArgumentParser, choices: Iterable[str]) -> None:
    """The options of benchmarks that time two implementations; ``choices`` are the things that one can time."""
    made.add_argument("--what", choices=list(choices), action="append", help="only this; by default all")
    made.add_argument("--verify", action="store_true", help="only compare results, time nothing")
    add_threads(made)
    made.add_argument(
        "--repeat", type=at_least(1), default=7, help="timed calls of each implementation (%(default)s)"
    )
    made.add_argument("--json", type=Path, help="write everything to this file as well")


def add_threads(made: argparse.ArgumentParser) -> None:
    """The option that all benchmarks have."""
    cores = machine.cores()
    made.add_argument(
        "--threads", type=at_least(1), default=cores, help="of each implementation (%(default)s)"
    )


def add_words(made: argparse.ArgumentParser) -> None:
    """Settings behind the options."""
    made.add_argument("words", nargs="*", help="further settings as for mindvideo")


def at_least(least: int, multiple: int = 1) -> Callable[[str], int]:
    """The type of an option: a number of at least ``least`` that is a multiple."""

    def number(text: str) -> int:
        if (given := int(text)) < least or given % multiple:
            told = f"a multiple of {multiple}" if multiple > 1 else f"at least {least}"
            raise argparse.ArgumentTypeError(f"{text} is not {told}")
        return given

    return number


def run(options: argparse.Namespace, benchmarks: Iterable[Benchmark]) -> int:
    """Compare and time everything; returns 0, or after messages 1 where implementations disagreed or could not be
    built, and `NOTHING` where no settings fit."""
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    facts = {**machine.describe(), "load before": machine.load()}
    for name, value in facts.items():
        console.print(f"{name:>12}  {value}")
    if machine.is_busy():
        console.print(
            "[bold red]The machine is busy: the times, and their ratios, cannot be relied on (README.md)[/]"
        )
    results, repeat, failed = {}, 0 if options.verify else options.repeat, 0
    try:
        for benchmark in benchmarks:
            try:
                results[benchmark.title] = _execute(benchmark, repeat, console)
            except (Disagreement, RuntimeError) as error:
                console.print(f"[bold red]Error:[/] {benchmark.title}: {error}")
                failed += 1
    except MindvideoError as error:
        console.print(f"[bold red]Error:[/] {error}")
        return NOTHING
    if options.json:
        facts["load after"] = machine.load()
        write_json(options.json, {"machine": facts, "command": sys.argv[1:], "results": results})
    return 1 if failed else 0


def _execute(benchmark: Benchmark, repeat: int, console: Console) -> dict[str, Any]:
    """Ours and, where it is installed, the peer; timed after their results were found to agree."""
    if len(benchmark.implementations) == 1:
        console.print("The peer is not installed: ours alone, compared with nothing.")

    def check(results: dict[str, list[Arrays]]) -> None:
        if len(results) > 1:
            console.print(f"{benchmark.what}: {benchmark.agree(*results.values())}")

    if benchmark.is_long:
        measured = measure(benchmark.implementations, min(repeat, 2), check, warm_ups=1)
    else:
        measured = measure(benchmark.implementations, repeat, check)
    if repeat:
        _print(console, benchmark.title, measured)
    ratios = _ratios(*measured.values()) if len(measured) == 2 and repeat else {}
    return {
        "case": dict(benchmark.case),
        "order": list(measured),
        "sides": {name: vars(one) for name, one in measured.items()},
        "ratios": ratios,
    }


def _print(console: Console, title: str, measured: dict[str, Measurement]) -> None:
    table = Table("", title=title, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for name, one in measured.items():
        times = (median(one.wall), min(one.wall), median(one.processor))
        once = (one.first_call_seconds, one.build_seconds)
        memory = (one.peak_mib, one.start_mib)
        table.add_row(
            name, *(f"{t:.3f}" for t in times), *(f"{t:.1f}" for t in once), *(f"{m:.0f}" for m in memory)
        )
    if len(measured) == 2:
        table.add_section()
        ratios = _ratios(*measured.values())
        table.add_row("ratio", *(f"{ratios[c]:.2f}" if c in ratios else "" for c in _COLUMNS))
    console.print(table)
    for name, one in measured.items():
        console.print(one.framework)
        if not one.is_steady:
            console.print(f"[yellow]{name} is unsteady: the machine does other things, see README.md[/]")


def _ratios(ours: Measurement, theirs: Measurement) -> dict[str, float]:
    """Ours over theirs, for the columns where that says something."""
    return {
        "median s": median(ours.wall) / median(theirs.wall),
        "min s": min(ours.wall) / min(theirs.wall),
        "processor s": median(ours.processor) / median(theirs.processor),
        "peak MiB": ours.peak_mib / theirs.peak_mib,
    }

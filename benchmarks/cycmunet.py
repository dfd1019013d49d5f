"""Speed and memory of CycMuNet+ on CPU, ours in MindSpore beside the same network in PyTorch.

    python benchmarks/cycmunet.py [--config demo] [--what forward] [--full] [--verify] [WORDS …]

Both sides get the same weights and inputs; their results are compared before anything is timed. README.md beside this
file says what exactly is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import machine
import numpy as np
from cycmunet_sides import CONFIGS, SIDES, Case
from measure import Arrays, Measurement, measure
from rich.console import Console
from rich.table import Table

from core.errors import MindvideoError
from core.files import write_json

TOLERANCE = 1e-4
"""Largest difference between the sides' results: absolute, relative to the largest value where that is above 1."""

STEP_SIZE, QUICK_SIZE, FULL_SIZE = (32, 32), (32, 32), (64, 112)
"""Height and width of the low-resolution frames; the last are those of Vimeo-90K at 4x."""

_COLUMNS = ("median s", "min s", "processor s", "first call s", "build s", "peak MiB", "start MiB")


class Disagreement(Exception):
    """The sides do not compute the same."""


def main() -> int:
    """The command; returns 0, or 1 after a message when the sides disagree or cannot be built."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    facts = {**machine.describe(), "load before": machine.load()}
    for name, value in facts.items():
        console.print(f"{name:>12}  {value}")
    if machine.is_busy():
        console.print(
            "[bold red]The machine is busy: the times, and their ratios, cannot be relied on (README.md)[/]"
        )
    results = {}
    try:
        for what in options.what:
            results[what] = _benchmark(options, what, console)
    except (Disagreement, MindvideoError, RuntimeError) as error:
        console.print(f"[bold red]Error:[/] {error}")
        return 1
    if options.json:
        facts["load after"] = machine.load()
        write_json(options.json, {"machine": facts, "command": sys.argv[1:], "results": results})
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--config", choices=CONFIGS, default="demo", help="network, loss and optimizer (%(default)s)"
    )
    parser.add_argument("--what", choices=SIDES, action="append", help="only this; by default all")
    parser.add_argument("--full", action="store_true", help="forward on 64x112 instead of 32x32")
    parser.add_argument("--verify", action="store_true", help="only compare results, time nothing")
    parser.add_argument(
        "--threads", type=int, default=machine.available_cores(), help="of each side (%(default)s)"
    )
    parser.add_argument("--repeat", type=int, default=7, help="timed calls of each side (%(default)s)")
    parser.add_argument("--json", type=Path, help="write everything to this file as well")
    parser.add_argument(
        "words", nargs="*", help="further settings as for mindvideo, e.g. model.trunk_blocks=10"
    )
    options = parser.parse_args()
    if options.repeat < 1 or options.threads < 1:
        parser.error("--repeat and --threads must be at least 1")
    if options.verify and not _has_torch():
        parser.error("--verify needs PyTorch: pip install 'mindvideo[torch]'")
    options.what = options.what or list(SIDES)
    return options


def _has_torch() -> bool:
    return find_spec("torch") is not None


def _benchmark(options: argparse.Namespace, what: str, console: Console) -> dict[str, Any]:
    """Ours and, where PyTorch is installed, the peer; timed after their results were found to agree."""
    size = STEP_SIZE if what == "step" else FULL_SIZE if options.full else QUICK_SIZE
    case = Case([*CONFIGS[options.config], *options.words], *size, options.threads)
    case.run()  # wrong settings show here, not as a traceback from a side's process
    sides = {name: side for name, side in SIDES[what].items() if name != "PyTorch" or _has_torch()}
    if len(sides) == 1:
        console.print("PyTorch is not installed: ours alone, compared with nothing.")

    def check(results: dict[str, list[Arrays]]) -> None:
        if len(results) > 1:
            console.print(f"{what}: {_compare(*results.values())}")

    builders = {name: partial(side, case) for name, side in sides.items()}
    measured = measure(builders, 0 if options.verify else options.repeat, check)
    if not options.verify:
        _print(console, f"{what}, {options.config}, {case.height}x{case.width}, batch 1", measured)
    ratios = _ratios(*measured.values()) if len(measured) == 2 and not options.verify else {}
    sides_as_data = {name: vars(side) for name, side in measured.items()}
    return {"case": vars(case), "sides": sides_as_data, "ratios": ratios}


def _compare(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    """Compare what every warm-up call returned; raises `Disagreement` beyond the tolerance."""
    worst, largest = 0.0, 0.0
    for our_call, their_call in zip(ours, theirs, strict=True):
        for our, their in zip(our_call, their_call, strict=True):
            if our.shape != their.shape or not np.isfinite(our).all():
                raise Disagreement(f"results of shapes {our.shape} and {their.shape}, or not finite.")
            largest = max(largest, float(np.abs(their).max()))
            worst = max(worst, float(np.abs(our - their).max()) / max(1.0, float(np.abs(their).max())))
    told = f"largest difference {worst:.1e} on values up to {largest:.3g} (tolerance {TOLERANCE:.0e})"
    if not worst <= TOLERANCE:
        raise Disagreement(f"the sides disagree: {told}.")
    return told


def _print(console: Console, title: str, measured: dict[str, Measurement]) -> None:
    table = Table("", title=title, title_justify="left")
    for column in _COLUMNS:
        table.add_column(column, justify="right")
    for name, side in measured.items():
        times = (median(side.wall), min(side.wall), median(side.processor))
        once = (side.first_call_seconds, side.build_seconds)
        memory = (side.peak_mib, side.start_mib)
        table.add_row(
            name, *(f"{t:.3f}" for t in times), *(f"{t:.1f}" for t in once), *(f"{m:.0f}" for m in memory)
        )
    if len(measured) == 2:
        table.add_section()
        ratios = _ratios(*measured.values())
        table.add_row("ratio", *(f"{ratios[c]:.2f}" if c in ratios else "" for c in _COLUMNS))
    console.print(table)
    for name, side in measured.items():
        console.print(side.framework)
        if not side.is_steady:
            console.print(f"[yellow]{name} is unsteady: the machine does other things, see README.md[/]")


def _ratios(ours: Measurement, theirs: Measurement) -> dict[str, float]:
    """Ours over theirs, for the columns where that says something."""
    return {
        "median s": median(ours.wall) / median(theirs.wall),
        "min s": min(ours.wall) / min(theirs.wall),
        "processor s": median(ours.processor) / median(theirs.processor),
        "peak MiB": ours.peak_mib / theirs.peak_mib,
    }


if __name__ == "__main__":
    sys.exit(main())

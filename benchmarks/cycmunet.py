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

import machine  # noqa: E402
import numpy as np  # noqa: E402
from cycmunet_sides import CONFIGS, SIDES, Case  # noqa: E402
from measure import Arrays, Measurement, measure  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from core.errors import MindvideoError  # noqa: E402
from core.files import write_json  # noqa: E402

TOLERANCE = 1e-4
"""Largest difference between the sides' results: absolute, relative to the largest value where that is above 1."""

STEP_SIZE, QUICK_SIZE, FULL_SIZE = (32, 32), (32, 32), (64, 112)
"""Height and width of the low-resolution frames; the last are those of Vimeo-90K at 4x."""


class Disagreement(Exception):
    """The sides do not compute the same."""


def main() -> int:
    """The command; returns 0, or 1 after a message when the sides disagree or cannot be built."""
    options = _options()
    console = Console()
    start = {**machine.describe(), "load before": str(machine.load())}
    for name, value in start.items():
        console.print(f"{name:>12}  {value}", highlight=False)
    report: dict[str, Any] = {"machine": start, "command": sys.argv[1:], "results": {}}
    try:
        for what in options.what:
            case = _case(options, what)
            measured = _measure(case, what, 0 if options.verify else options.repeat, console)
            report["results"][what] = _as_json(case, measured)
            if not options.verify:
                _print(console, f"{what}, {options.config}, {case.height}x{case.width}, batch 1", measured)
    except (Disagreement, MindvideoError, RuntimeError) as error:
        console.print(f"[bold red]Error:[/] {error}")
        return 1
    report["machine"]["load after"] = str(machine.load())
    if options.json:
        write_json(options.json, report)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", choices=CONFIGS, default="demo", help="network, loss and optimizer (%(default)s)")
    parser.add_argument("--what", choices=SIDES, action="append", help="only this; by default all")
    parser.add_argument("--full", action="store_true", help="forward on 64x112 instead of 32x32")
    parser.add_argument("--verify", action="store_true", help="only compare results, time nothing")
    parser.add_argument("--threads", type=int, default=machine.available_cores(), help="of each side (%(default)s)")
    parser.add_argument("--repeat", type=int, default=7, help="timed calls of each side (%(default)s)")
    parser.add_argument("--json", type=Path, help="write everything to this file as well")
    parser.add_argument("words", nargs="*", help="further settings as for mindvideo, e.g. model.trunk_blocks=10")
    options = parser.parse_args()
    if options.repeat < 1 or options.threads < 1:
        parser.error("--repeat and --threads must be at least 1")
    if options.verify and not _has_torch():
        parser.error("--verify needs PyTorch: pip install 'mindvideo[torch]'")
    options.what = options.what or list(SIDES)
    return options


def _has_torch() -> bool:
    return find_spec("torch") is not None


def _case(options: argparse.Namespace, what: str) -> Case:
    height, width = STEP_SIZE if what == "step" else FULL_SIZE if options.full else QUICK_SIZE
    return Case([*CONFIGS[options.config], *options.words], height, width, options.threads)


def _measure(case: Case, what: str, repeat: int, console: Console) -> dict[str, Measurement]:
    """Ours and, where PyTorch is installed, the peer, after their results were found to agree."""
    builders = {
        name: partial(side, case) for name, side in SIDES[what].items() if name != "PyTorch" or _has_torch()
    }
    if len(builders) == 1:
        console.print("PyTorch is not installed: ours alone, and nothing to compare with.")

    def check(results: dict[str, list[Arrays]]) -> None:
        if len(results) > 1:
            console.print(f"{what}: {_compare(*results.values())}")

    return measure(builders, repeat, check)


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
    table = Table(title=title, title_justify="left")
    for column in ("", "median s", "min s", "processor s", "first call s", "build s", "peak MiB", "before MiB"):
        table.add_column(column, justify="right" if column else "left")
    for name, side in measured.items():
        figures = (
            f"{median(side.wall):.3f}",
            f"{min(side.wall):.3f}",
            f"{median(side.processor):.3f}",
            f"{side.first_call_seconds:.1f}",
            f"{side.build_seconds:.1f}",
            f"{side.peak_mib:.0f}",
            f"{side.framework_mib:.0f}",
        )
        table.add_row(name, *figures)
    if len(measured) == 2:
        table.add_section()
        table.add_row("ratio", *(f"{r:.2f}" if r else "" for r in _ratios(*measured.values())))
    console.print(table)
    for side in measured.values():
        console.print(side.framework, highlight=False)


def _ratios(ours: Measurement, theirs: Measurement) -> list[float | None]:
    """Ours over theirs in the columns of the table."""
    return [
        median(ours.wall) / median(theirs.wall),
        min(ours.wall) / min(theirs.wall),
        median(ours.processor) / median(theirs.processor),
        None,
        None,
        ours.peak_mib / theirs.peak_mib,
    ]


def _as_json(case: Case, measured: dict[str, Measurement]) -> dict[str, Any]:
    return {"case": vars(case), "sides": {name: vars(side) for name, side in measured.items()}}


if __name__ == "__main__":
    sys.exit(main())

"""Replays a parity fixture: the published implementation's outputs and probes against ours, under shared weights.

    python tests/parity/replay.py cycmunet FIXTURE.npz [--config NAME]

Prints the largest absolute error of every tensor beside its tolerance and exits with 1 when one is beyond.
Each algorithm has a module ``replay_<name>`` here with ``configs(fixture)`` and ``replay(fixture, config)``.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from fixture import Comparison, Fixture  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

_HERE = Path(__file__).parent


def main() -> int:
    names = sorted(path.stem.removeprefix("replay_") for path in _HERE.glob("replay_*.py"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("algorithm", choices=names)
    parser.add_argument("fixture", type=Path)
    parser.add_argument("--config", help="replay only this configuration of the fixture")
    arguments = parser.parse_args()
    if not arguments.fixture.is_file():
        parser.error(f"there is no file {arguments.fixture}")
    module = importlib.import_module(f"replay_{arguments.algorithm}")
    fixture = Fixture(arguments.fixture)
    configs = module.configs(fixture)
    if arguments.config is not None and arguments.config not in configs:
        parser.error(f"the fixture has no configuration {arguments.config!r}; it has: {', '.join(configs)}")
    beyond = 0
    for config in [arguments.config] if arguments.config else configs:
        comparisons = list(module.replay(fixture, config))
        show(config, comparisons)
        beyond += sum(not comparison.holds for comparison in comparisons) + (not comparisons)
    return 1 if beyond else 0


def show(title: str, comparisons: Iterable[Comparison]) -> None:
    """Print a table of comparisons."""
    table = Table("tensor", "shape", "largest error", "tolerance", "", title=title)
    for item in comparisons:
        verdict = "ok" if item.holds else "[bold red]BEYOND[/]"
        table.add_row(
            item.name, str(item.shape), f"{item.error:.2e}", f"{item.tolerance:.0e}", verdict, style=""
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    sys.exit(main())

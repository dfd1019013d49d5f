"""Speed and memory of CycMuNet+ on CPU, ours in MindSpore beside the same network in PyTorch.

    python benchmarks/cycmunet.py [--config demo] [--what forward] [--full] [--verify] [WORDS …]

Both sides get the same weights and inputs; their results are compared before anything is timed. README.md beside this
file says what exactly is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from agreement import equal_results
from compare import Benchmark, parser, run
from cycmunet_sides import CONFIGS, SIDES, Case

STEP_SIZE, QUICK_SIZE, FULL_SIZE = (32, 32), (32, 32), (64, 112)
"""Height and width of the low-resolution frames; the last are those of Vimeo-90K at 4x."""


def main() -> int:
    """The command; returns 0, or 1 after a message."""
    options = _options()
    whole = FULL_SIZE if options.full else QUICK_SIZE
    sizes = {"forward": whole, "step": STEP_SIZE}
    return run(
        options,
        (
            made
            for what in options.what or SIDES
            for made in benchmarks(options.config, what, sizes[what], options.threads, options.words)
        ),
    )


def _options() -> argparse.Namespace:
    made = parser(__doc__ or "", SIDES)
    made.add_argument(
        "--config", choices=CONFIGS, default="demo", help="network, loss and optimizer (%(default)s)"
    )
    made.add_argument("--full", action="store_true", help="forward on 64x112 instead of 32x32")
    options = made.parse_args()
    if options.repeat < 1 or options.threads < 1:
        made.error("--repeat and --threads must be at least 1")
    if options.verify and not has_peer():
        made.error("--verify needs PyTorch: pip install 'mindvideo[torch]'")
    return options


def has_peer() -> bool:
    """Whether PyTorch is installed."""
    return find_spec("torch") is not None


def benchmarks(
    config: str, what: str, size: tuple[int, int], threads: int, words: Sequence[str] = ()
) -> Iterator[Benchmark]:
    """One thing to time, of one configuration, at one size of the low-resolution frames."""
    case = Case([*CONFIGS[config], *words], *size, threads)
    case.run()  # wrong settings show here, not as a traceback from a side's process
    sides = {
        name: partial(side, case) for name, side in SIDES[what].items() if name != "PyTorch" or has_peer()
    }
    title = f"cycmunet {what}, {config}, pair of {case.width}x{case.height}"
    yield Benchmark(what, title, vars(case), sides, equal_results)


if __name__ == "__main__":
    sys.exit(main())

"""Speed and memory of CycMuNet+ on CPU, ours in MindSpore beside the same network in PyTorch.

    python benchmarks/cycmunet.py [--config demo] [--what forward] [--full] [--verify] [WORDS …]

Both sides get the same weights and inputs; their results are compared before anything is timed. README.md beside this
file says what exactly is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from compare import Benchmark, equal_results, parser, run
from cycmunet_sides import CONFIGS, SIDES, Case

STEP_SIZE, QUICK_SIZE, FULL_SIZE = (32, 32), (32, 32), (64, 112)
"""Height and width of the low-resolution frames; the last are those of Vimeo-90K at 4x."""


def main() -> int:
    """The command; returns 0, or 1 after a message."""
    options = _options()
    return run(options, _benchmarks(options))


def _options() -> argparse.Namespace:
    made = parser(__doc__ or "", SIDES)
    made.add_argument(
        "--config", choices=CONFIGS, default="demo", help="network, loss and optimizer (%(default)s)"
    )
    made.add_argument("--full", action="store_true", help="forward on 64x112 instead of 32x32")
    options = made.parse_args()
    if options.repeat < 1 or options.threads < 1:
        made.error("--repeat and --threads must be at least 1")
    if options.verify and not _has_torch():
        made.error("--verify needs PyTorch: pip install 'mindvideo[torch]'")
    return options


def _has_torch() -> bool:
    return find_spec("torch") is not None


def _benchmarks(options: argparse.Namespace) -> Iterator[Benchmark]:
    for what in options.what or SIDES:
        size = STEP_SIZE if what == "step" else FULL_SIZE if options.full else QUICK_SIZE
        case = Case([*CONFIGS[options.config], *options.words], *size, options.threads)
        case.run()  # wrong settings show here, not as a traceback from a side's process
        sides = {
            name: partial(side, case)
            for name, side in SIDES[what].items()
            if name != "PyTorch" or _has_torch()
        }
        title = f"{what}, {options.config}, {case.height}x{case.width}, batch 1"
        yield Benchmark(what, title, vars(case), sides, equal_results)


if __name__ == "__main__":
    sys.exit(main())

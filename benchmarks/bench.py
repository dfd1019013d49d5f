"""All benchmarks of the networks in one run: times and memory beside the peers, and their growth with size and length.

    make bench                    or   python benchmarks/bench.py [--quick] [--json FILE] [--plot FILE]

Peers that are not installed (PyTorch, CompressAI) are left out. README.md beside this file says what is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import cycmunet
import inter
import ssfvc
from compare import NOTHING, Benchmark, parser, run
from inter_sides import Case as InterCase
from plot import draw
from ssfvc_sides import SIDES as SSFVC_SIDES
from ssfvc_sides import Case

CLIP = (256, 256)
SIZES = ((128, 128), (256, 256), (512, 512), (1152, 1920))
"""Height and width of frames; the last is 1080p as the codec pads it."""
INTER_CODECS = {"dvc": SIZES, "dvcp": SIZES[:3], "dcvc": SIZES[:2]}
"""Codecs that are measured by one frame under another, and the sizes at which they grow; DVC-P grows as DVC does, and
the peer of DCVC computes one place after the other, minutes for a large frame."""
LENGTHS = (2, 4, 8)
PAIRS = ((32, 32), (64, 112), (135, 240))
"""Height and width of low-resolution pairs."""


def main() -> int:
    """The command; returns 0, or what `compare.run` returns after a message."""
    options = _options()
    ended = run(options, _benchmarks(options))
    if ended != NOTHING and not options.verify:
        draw(json.loads(options.json.read_text("utf-8")), options.plot)
        print(f"{options.json} has every number, {options.plot} the picture.")
    return ended


def _options() -> argparse.Namespace:
    made = parser(__doc__ or "", ("targets", "growth"))
    made.add_argument("--quick", action="store_true", help="leave out what takes more than a few minutes")
    made.add_argument("--plot", type=Path, default=Path("bench.png"), help="picture (%(default)s)")
    made.set_defaults(json=Path("bench.json"), repeat=5)
    options = made.parse_args()
    if options.repeat < 1 or options.threads < 1:
        made.error("--repeat and --threads must be at least 1")
    return options


def _benchmarks(options: argparse.Namespace) -> Iterator[Benchmark]:
    parts = options.what or ("targets", "growth")
    if "targets" in parts:
        yield from _targets(options)
    if "growth" in parts:
        yield from _growth(options)


def _targets(options: argparse.Namespace) -> Iterator[Benchmark]:
    """What is to take no longer than the peers take."""
    for config, size in (("demo", PAIRS[0]), ("default", PAIRS[1])):
        yield from cycmunet.benchmarks(config, "forward", size, options.threads, options.words)
        yield from cycmunet.benchmarks(config, "step", PAIRS[0], options.threads, options.words)
    yield from ssfvc.benchmarks(Case(options.words, *CLIP, 3, options.threads), SSFVC_SIDES)
    for codec in INTER_CODECS:
        yield from inter.benchmarks(InterCase(codec, options.words, *CLIP, options.threads))


def _growth(options: argparse.Namespace) -> Iterator[Benchmark]:
    """Every size, and more frames of one size."""
    for size in SIZES[: -1 if options.quick else None]:
        is_long = size == SIZES[-1]
        coded = ssfvc.benchmarks(Case(options.words, *size, 2, options.threads), ("encode", "decode"))
        yield from (replace(benchmark, is_long=is_long) for benchmark in coded)
        for codec in [name for name, sizes in INTER_CODECS.items() if size in sizes]:
            case = InterCase(codec, options.words, *size, options.threads)
            coded = inter.benchmarks(case, ("encode", "decode"))
            yield from (replace(benchmark, is_long=is_long) for benchmark in coded)
    for frames in LENGTHS[1:]:
        yield from ssfvc.benchmarks(Case(options.words, *CLIP, frames, options.threads), ("encode", "decode"))
    for size in PAIRS[: -1 if options.quick else None]:
        yield from cycmunet.benchmarks("demo", "forward", size, options.threads, options.words)


if __name__ == "__main__":
    sys.exit(main())

"""All networks in one run: times and memory beside the peers, and their growth with size and length."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks.compare import NOTHING, Benchmark, add_words, run
from benchmarks.compare import add_options as add_common
from benchmarks.one import LARGE_PAIR, SMALL_PAIR, codec, upscaler
from benchmarks.plot import draw

CLIP = (256, 256)
SIZES = ((128, 128), (256, 256), (512, 512), (1152, 1920))
"""Height and width of frames; the last is 1080p as the codec pads it."""
INTER_CODECS = {"dvc": SIZES, "dvcp": SIZES[:3], "dcvc": SIZES[:2]}
"""Codecs that are measured by one frame under another, and the sizes at which they grow; DVC-P grows as DVC does, and
the peer of DCVC computes one place after the other, minutes for a large frame."""
LENGTHS = (4, 8)
PAIRS = (SMALL_PAIR, LARGE_PAIR, (135, 240))
CODING = ("encode", "decode")


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked of all together."""
    add_common(made, ("targets", "growth"))
    made.add_argument("--quick", action="store_true", help="leave out what takes more than a few minutes")
    made.add_argument("--plot", type=Path, default=Path("bench.png"), help="picture (%(default)s)")
    made.set_defaults(json=Path("bench.json"), repeat=5)
    add_words(made)


def main(options: argparse.Namespace) -> int:
    """The command; returns what `compare.run` does."""
    ended = run(options, _benchmarks(options))
    if ended != NOTHING and not options.verify:
        draw(json.loads(options.json.read_text("utf-8")), options.plot)
        print(f"{options.json} has every number, {options.plot} the picture.")
    return ended


def _benchmarks(options: argparse.Namespace) -> Iterator[Benchmark]:
    parts = options.what or ("targets", "growth")
    if "targets" in parts:
        yield from _targets(options)
    if "growth" in parts:
        yield from _growth(options)


def _targets(options: argparse.Namespace) -> Iterator[Benchmark]:
    """What is to take no longer than the peers take."""
    for config, size in (("demo", SMALL_PAIR), ("default", LARGE_PAIR)):
        yield from upscaler(options, config, "forward", size)
        yield from upscaler(options, config, "step", SMALL_PAIR)
    yield from codec(options, "ssfvc", CLIP, 3)
    for name in INTER_CODECS:
        yield from codec(options, name, CLIP)


def _growth(options: argparse.Namespace) -> Iterator[Benchmark]:
    """Every size, and more frames of one size."""
    for size in SIZES[: -1 if options.quick else None]:
        for name in ("ssfvc", *(name for name, sizes in INTER_CODECS.items() if size in sizes)):
            for benchmark in codec(options, name, size, what=CODING):
                yield replace(benchmark, is_long=size == SIZES[-1])
    for count in LENGTHS:
        yield from codec(options, "ssfvc", CLIP, count, CODING)
    for size in PAIRS[: -1 if options.quick else None]:
        yield from upscaler(options, "demo", "forward", size)

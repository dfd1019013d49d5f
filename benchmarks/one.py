"""One network beside its peer, at one size."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from benchmarks.compare import Benchmark, add_words, at_least, run
from benchmarks.compare import add_options as add_common
from benchmarks.networks import CYCMUNETS, NETWORKS, PACKAGES, Case
from benchmarks.work import benchmarks
from core.errors import ConfigError

SMALL_PAIR, LARGE_PAIR = (32, 32), (64, 112)
"""Height and width of CycMuNet+'s low-resolution frames; the second are those of Vimeo-90K at 4x."""
Size = tuple[int, int]


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked of a network."""
    kind = NETWORKS[name]
    add_common(made, kind.agree)
    if name == "cycmunet":
        made.add_argument(
            "--config", choices=CYCMUNETS, default="demo", help="network, loss and optimizer (%(default)s)"
        )
        made.add_argument("--full", action="store_true", help="forward on 64x112 pixels instead of 32x32")
    else:
        side = f"side of the frames, a multiple of {kind.multiple} (%(default)s)"
        made.add_argument("--size", type=at_least(kind.multiple, kind.multiple), default=256, help=side)
    if name == "ssfvc":
        made.add_argument("--frames", type=at_least(2), default=3, help="frames (%(default)s)")
    add_words(made)


def main(options: argparse.Namespace) -> int:
    """The command; returns what `compare.run` does."""
    return run(options, _chosen(options))


def _chosen(options: argparse.Namespace) -> Iterator[Benchmark]:
    kind = NETWORKS[options.name]
    if options.verify and not kind.has_peer:
        raise ConfigError(f"--verify needs {kind.peer}: pip install {PACKAGES[kind.peer]}")
    if options.name == "cycmunet":
        whole = LARGE_PAIR if options.full else SMALL_PAIR
        for what in options.what or kind.agree:
            yield from upscaler(options, options.config, what, whole if what == "forward" else SMALL_PAIR)
    else:
        size, count = (options.size, options.size), getattr(options, "frames", 2)
        yield from codec(options, options.name, size, count, options.what or ())


def upscaler(options: argparse.Namespace, config: str, what: str, size: Size) -> Iterator[Benchmark]:
    """One thing to time of CycMuNet+, at one size of the low-resolution frames."""
    case = Case("cycmunet", [*CYCMUNETS[config], *options.words], *size, options.threads)
    yield from benchmarks(case, f"cycmunet {{what}}, {config}, pair of {case.width}x{case.height}", (what,))


def codec(
    options: argparse.Namespace, name: str, size: Size, count: int = 2, what: Iterable[str] = ()
) -> Iterator[Benchmark]:
    """What is to be timed of a codec, by default everything; ``count`` frames where it codes the first by itself."""
    case = Case(name, options.words, *size, options.threads, count)
    shown = "inter frame" if case.kind.given else f"{count} frames"
    yield from benchmarks(case, f"{name} {{what}}, {shown} of {case.width}x{case.height}", what)

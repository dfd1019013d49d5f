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
_FRAMES = {"ssfvc": 3, "dcvcuf_small": 25}
"""Networks that code many frames at a call, and how many by default, with those that they code others under."""
Size = tuple[int, int]


def _size(text: str) -> Size:
    """Height and width."""
    width, height = text.split("x")
    return int(height), int(width)


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
    if kind.low_agree:
        default = (270, 480) if name == "dcvcuf_small" else None
        told = "WIDTHxHEIGHT of the frames, in place of --size"
        made.add_argument("--frame", type=_size, default=default, help=told)
        made.add_argument("--low", action="store_true", help="in bfloat16, the peer by autocast")
    if name in _FRAMES:
        made.add_argument("--frames", type=at_least(2), default=_FRAMES[name], help="frames (%(default)s)")
    add_words(made)


def main(options: argparse.Namespace) -> int:
    """The command; returns what `compare.run` does."""
    return run(options, _choose(options))


def _choose(options: argparse.Namespace) -> Iterator[Benchmark]:
    kind = NETWORKS[options.name]
    if options.verify and not kind.has_peer:
        told = f"{kind.peer}: pip install {PACKAGES[kind.peer]}" if kind.peer else "a peer, and it has none"
        raise ConfigError(f"--verify needs {told}")
    if options.name == "cycmunet":
        whole = LARGE_PAIR if options.full else SMALL_PAIR
        for what in options.what or kind.agree:
            yield from upscaler(options, options.config, what, whole if what == "forward" else SMALL_PAIR)
    else:
        size = getattr(options, "frame", None) or (options.size, options.size)
        count = getattr(options, "frames", 2)
        yield from codec(options, options.name, size, count, options.what or ())


def upscaler(options: argparse.Namespace, config: str, what: str, size: Size) -> Iterator[Benchmark]:
    """One thing to time of CycMuNet+, at one size of the low-resolution frames."""
    case = Case("cycmunet", [*CYCMUNETS[config], *options.words], *size, options.threads)
    yield from benchmarks(case, f"cycmunet {{what}}, {config}, pair of {case.width}x{case.height}", (what,))


def codec(
    options: argparse.Namespace, name: str, size: Size, count: int = 2, what: Iterable[str] = ()
) -> Iterator[Benchmark]:
    """What is to be timed of a codec, by default everything; ``count`` frames where it codes the first by itself."""
    low = getattr(options, "low", False)
    case = Case(name, options.words, *size, options.threads, count, low)
    coded = count - case.kind.given
    shown = f"{coded} frames" if coded > 1 else "inter frame"
    shown += " in bfloat16" if low else ""
    yield from benchmarks(case, f"{name} {{what}}, {shown} of {case.width}x{case.height}", what)

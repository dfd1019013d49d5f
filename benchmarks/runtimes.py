"""Speed and memory of trained networks on CPU by each runtime: MindSpore beside onnxruntime.

Ours is MindSpore, with our kernels unless the words say otherwise. Weights are made from names, as beside PyTorch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import metadata

from benchmarks.agreement import Agreement, equal_bytes, equal_results, like_pictures
from benchmarks.compare import Benchmark, add_words, at_least, run
from benchmarks.compare import add_options as add_common
from benchmarks.networks import CYCMUNETS, Case
from benchmarks.work import Decode, Encode, build_network, use_mindspore
from core.hooks import Array, Output

RUNTIMES = ("mindspore", "onnxruntime")
CODECS = ("dvc", "dcvc", "dvcp")
MIN_PSNR = (60.0,)
"""Between decoded pictures, dB: a latent halfway between two symbols may fall to the other side."""
WORK = {"encode": (Encode, equal_bytes), "decode": (Decode, partial(like_pictures, least=MIN_PSNR))}


class Upscale:
    """All outputs of a pair of frames, as ``task=upscale`` asks for them."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        self.upscaler = run.upscaler(build_network(case, run).set_train(False))
        self.first, self.last = case.frames(run).forward

    def __call__(self) -> list[Array]:
        made = self.upscaler(self.first, self.last, (Output.FIRST, Output.MIDDLE))
        return list(made.values())


class ByRuntime:
    """Some work by a runtime, which is named beside MindSpore."""

    def __init__(self, kind: type, case: Case, runtime: str) -> None:
        self._work = kind(replace(case, words=[*case.words, f"runtime={runtime}"]))
        self.framework = self._work.framework
        if runtime == "onnxruntime":
            self.framework = f"onnxruntime {metadata.version(runtime)}; entropy coding beside it as ever"

    def __call__(self) -> list[Array]:
        return self._work()


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    networks = (*CYCMUNETS, *CODECS)
    add_common(made, ("upscale", *WORK))
    made.add_argument(
        "--network", choices=networks, action="append", help="only this; by default demo and codecs"
    )
    made.add_argument(
        "--size",
        type=at_least(64, 64),
        default=256,
        help="side of the frames, a multiple of 64 (%(default)s)",
    )
    add_words(made)


def main(options: argparse.Namespace) -> int:
    """The command; returns what `compare.run` does."""
    return run(options, _benchmarks(options))


def _benchmarks(options: argparse.Namespace) -> Iterator[Benchmark]:
    size, what = (options.size, options.size), options.what or ("upscale", *WORK)
    for network in options.network or ("demo", *CODECS):
        if network in CODECS:
            case = Case(network, options.words, *size, options.threads)
            for name in filter(WORK.__contains__, what):
                yield _compare_runtimes(case, f"{network} {name}, inter frame", name, *WORK[name])
        elif "upscale" in what:
            words = [*CYCMUNETS[network], "upscaler=cycmunet", *options.words]
            case = Case("cycmunet", words, *size, options.threads)
            yield _compare_runtimes(
                case, f"cycmunet upscale, {network}, pair", "upscale", Upscale, equal_results
            )


def _compare_runtimes(case: Case, title: str, what: str, kind: type, agree: Agreement) -> Benchmark:
    implementations = {runtime: partial(ByRuntime, kind, case, runtime) for runtime in RUNTIMES}
    return Benchmark(what, f"{title} of {case.width}x{case.height}", vars(case), implementations, agree)

"""Speed and memory of trained networks on CPU by each runtime: MindSpore beside onnxruntime.

    python benchmarks/runtimes.py [--network dvc] [--what decode] [--size 256] [--verify] [WORDS …]

Ours is MindSpore, with our kernels unless the words say otherwise. Weights are made from names, as in the benchmarks
beside PyTorch; README.md beside this file says what is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from agreement import equal_bytes, equal_results, like_pictures
from compare import Benchmark, parser, run
from cycmunet_sides import CONFIGS, load
from cycmunet_sides import Case as Pair
from inter_sides import Case as Inter
from inter_sides import OurDecode, OurEncode
from sides import use_mindspore

from core.hooks import Output

RUNTIMES = ("mindspore", "onnxruntime")
CODECS = ("dvc", "dcvc", "dvcp")
WHAT = ("upscale", "encode", "decode")
LEAST_PSNR = (60.0,)
"""Between decoded pictures, dB: a latent halfway between two symbols may fall to the other side."""


class Upscale:
    """All outputs of a pair of frames, as ``task=upscale`` asks for them."""

    def __init__(self, case: Pair) -> None:
        run = case.run()
        self.framework = _framework(case.words, use_mindspore(run))
        network = run.model().set_train(False)
        load(run, network)
        self.upscaler = run.upscaler(network)
        _, low = case.clips(self.upscaler.scale)
        self.first, self.last = low[:, 0], low[:, 2]

    def __call__(self) -> list[np.ndarray]:
        made = self.upscaler(self.first, self.last, (Output.FIRST, Output.MIDDLE))
        return list(made.values())


class Encode(OurEncode):
    """`OurEncode` by either runtime."""

    def __init__(self, case: Inter) -> None:
        super().__init__(case)
        self.framework = _framework(case.words, self.framework)


class Decode(OurDecode):
    """`OurDecode` by either runtime."""

    def __init__(self, case: Inter) -> None:
        super().__init__(case)
        self.framework = _framework(case.words, self.framework)


def _framework(words: Sequence[str], mindspore: str) -> str:
    if f"runtime={RUNTIMES[1]}" not in words:
        return mindspore
    return f"onnxruntime {metadata.version('onnxruntime')}; entropy coding beside it as ever"


def benchmarks(
    networks: Sequence[str], what: Sequence[str], size: int, threads: int, words: Sequence[str]
) -> Iterator[Benchmark]:
    """Each thing to time of each network."""
    for network in networks:
        for name in what:
            if network in CODECS and name != "upscale":
                case = Inter(network, words, size, size, threads)
                kind, agree = _CODING[name]
                title = f"{network} {name}, inter frame of {size}x{size}"
            elif network not in CODECS and name == "upscale":
                case = Pair([*CONFIGS[network], "upscaler=cycmunet", *words], size, size, threads)
                kind, agree = Upscale, equal_results
                title = f"cycmunet upscale, {network}, pair of {size}x{size}"
            else:
                continue
            yield Benchmark(name, title, vars(case), _sides(kind, case), agree)


def _sides(kind: type, case: Pair | Inter) -> dict[str, partial]:
    return {name: partial(kind, replace(case, words=[*case.words, f"runtime={name}"])) for name in RUNTIMES}


_CODING = {
    "encode": (Encode, equal_bytes),
    "decode": (Decode, partial(like_pictures, least=LEAST_PSNR)),
}


def main() -> int:
    """The command; returns 0, or 1 after a message."""
    made = parser(__doc__ or "", WHAT)
    networks = (*CONFIGS, *CODECS)
    made.add_argument(
        "--network", choices=networks, action="append", help="only this; by default demo and codecs"
    )
    made.add_argument(
        "--size", type=int, default=256, help="side of the frames, a multiple of 64 (%(default)s)"
    )
    options = made.parse_args()
    if options.size % 64 or options.size < 64:
        made.error("--size must be a multiple of 64")
    chosen = options.network or ("demo", *CODECS)
    return run(
        options, benchmarks(chosen, options.what or WHAT, options.size, options.threads, options.words)
    )


if __name__ == "__main__":
    sys.exit(main())

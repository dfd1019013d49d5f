"""Speed of entropy coding: symbols to bytes and back under integer tables, and choosing the tables in integers.

Coding runs in one thread. Its peer is constriction used in the plain way, with a Gaussian of its own for every symbol.
The integer network's peer is the same layers in float32 in PyTorch, where it is installed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from importlib.metadata import version
from importlib.util import find_spec

import constriction
import numpy as np

from benchmarks.agreement import Disagreement
from benchmarks.compare import Benchmark, run
from benchmarks.compare import add_options as add_common
from benchmarks.measure import Arrays
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.integer import Deconvolution, IntegerNetwork
from core.symbols.tables import GAUSSIAN_SCALES, gaussian_tables

SYMBOLS = 1_000_000
CHANNELS, HEIGHT, WIDTH = 192, 9, 15
"""The hyperlatent of SSF for frames of 1920x1152."""
LAYERS = 3
_LIMIT = 4095


class Material:
    """A million symbols that are as frequent as their tables say, all 64 tables alike."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.indices = rng.integers(0, 64, SYMBOLS).astype(np.uint8)
        self.scales = GAUSSIAN_SCALES.astype(np.float64)[self.indices]
        self.symbols = np.rint(rng.standard_normal(SYMBOLS) * self.scales).astype(np.int32)

    def encode_ours(self) -> tuple[bytes, int]:
        encoder = SymbolEncoder()
        encoder.encode(self.symbols, gaussian_tables(), self.indices)
        return encoder.finish(), encoder.symbols_hash

    def encode_peer(self) -> np.ndarray:
        encoder = constriction.stream.queue.RangeEncoder()
        encoder.encode(self.symbols, self.gaussians, np.zeros(SYMBOLS), self.scales)
        return encoder.get_compressed()

    @cached_property
    def gaussians(self) -> constriction.stream.model.QuantizedGaussian:
        return constriction.stream.model.QuantizedGaussian(-_LIMIT, _LIMIT)


class OurEncoder(Material):
    framework = "mindvideo: symbols grouped by 64 integer tables, checksum included"

    def __call__(self) -> Arrays:
        payload, _ = self.encode_ours()
        return [np.array([len(payload)])]


class PlainEncoder(Material):
    framework = f"constriction {version('constriction')}: a scale for each symbol"

    def __call__(self) -> Arrays:
        return [np.array([self.encode_peer().nbytes])]


class OurDecoder(Material):
    framework = OurEncoder.framework

    def __init__(self) -> None:
        super().__init__()
        self.payload, self.hash = self.encode_ours()

    def __call__(self) -> Arrays:
        decoder = SymbolDecoder(self.payload)
        symbols = decoder.decode(gaussian_tables(), self.indices)
        decoder.finish(self.hash)
        return [symbols]


class PlainDecoder(Material):
    framework = PlainEncoder.framework

    def __init__(self) -> None:
        super().__init__()
        self.words = self.encode_peer()

    def __call__(self) -> Arrays:
        decoder = constriction.stream.queue.RangeDecoder(self.words)
        return [decoder.decode(self.gaussians, np.zeros(SYMBOLS), self.scales)]


def _layers() -> list[Deconvolution]:
    rng = np.random.default_rng(1)
    shape, gain = (CHANNELS, CHANNELS, 5, 5), 2 / np.sqrt(CHANNELS * 25)
    weights = [rng.standard_normal(shape, np.float32) * np.float32(gain) for _ in range(LAYERS)]
    return [Deconvolution(weight, np.full(CHANNELS, 0.1, np.float32)) for weight in weights]


def _hyperlatent() -> np.ndarray:
    return np.random.default_rng(2).integers(-3, 4, (CHANNELS, HEIGHT, WIDTH)).astype(np.int32)


class IntegerIndices:
    framework = "mindvideo: integers in float64, numpy"

    def __init__(self, threads: int) -> None:
        self.network = IntegerNetwork.quantise(_layers(), GAUSSIAN_SCALES[:-1], np.zeros(CHANNELS))
        self.symbols = _hyperlatent()

    def __call__(self) -> Arrays:
        return [self.network(self.symbols)]


class TorchIndices:
    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.framework = f"PyTorch {torch.__version__}: float32, {threads} threads"
        self.layers = [(torch.from_numpy(a.weight), torch.from_numpy(a.bias)) for a in _layers()]
        self.symbols = torch.from_numpy(_hyperlatent().astype(np.float32))[None]
        self.thresholds = torch.from_numpy(GAUSSIAN_SCALES[:-1].copy())

    def __call__(self) -> Arrays:
        import torch

        with torch.no_grad():
            x = self.symbols
            for weight, bias in self.layers:
                x = torch.nn.functional.conv_transpose2d(
                    x, weight, bias, stride=2, padding=2, output_padding=1
                )
                x = x.clamp(0, 255)
            return [torch.bucketize(x[0], self.thresholds).numpy()]


class UltraFastTables:
    """Every table of DCVC-UF of low delay with fresh weights: those of z for 64 qualities, and of y."""

    framework = "mindvideo: all tables at once, numpy"

    def __init__(self) -> None:
        from core.entropy.factorized import QualityBitEstimator
        from core.symbols.tables import fine_gaussian_tables

        self.prior, self.gaussians = QualityBitEstimator(128, 64), fine_gaussian_tables

    def __call__(self) -> Arrays:
        self.gaussians.cache_clear()
        return [np.array([len(self.prior.table_set()), len(self.gaussians())])]


def _same_size(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    our, their = int(ours[0][0][0]), int(theirs[0][0][0])
    if abs(our / their - 1) > 0.01:
        raise Disagreement(f"{our} bytes against {their}.")
    return f"{our:,} bytes against {their:,} of the peer"


def _same_symbols(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    if any(not np.array_equal(a[0], b[0]) for a, b in zip(ours, theirs, strict=True)):
        raise Disagreement("the decoded symbols differ.")
    return "all symbols equal"


def _near_indices(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    difference = np.abs(ours[0][0].astype(int) - theirs[0][0])
    if difference.max() > 1 or difference.mean() > 2e-3:
        raise Disagreement(f"{difference.mean():.2%} of the indices differ, by up to {difference.max()}.")
    return f"{difference.mean():.3%} of {difference.size:,} indices differ from float32's, by one"


WHAT = ("encode", "decode", "indices", "tables")


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    add_common(made, WHAT)


def main(options: argparse.Namespace) -> int:
    """The command; returns what `compare.run` does."""
    # Read by numpy's library when the processes start.
    os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
    return run(options, _benchmarks(options))


def _benchmarks(options: argparse.Namespace) -> Iterator[Benchmark]:
    coding = {"symbols": SYMBOLS, "tables": len(gaussian_tables())}
    network = {"input": [CHANNELS, HEIGHT, WIDTH], "layers": LAYERS, "threads": options.threads}
    torch = {"PyTorch": partial(TorchIndices, options.threads)} if find_spec("torch") else {}
    made = {
        "encode": Benchmark(
            "encode",
            f"encode {SYMBOLS:,} symbols, 64 tables",
            coding,
            {"mindvideo": OurEncoder, "constriction": PlainEncoder},
            _same_size,
        ),
        "decode": Benchmark(
            "decode",
            f"decode {SYMBOLS:,} symbols, 64 tables",
            coding,
            {"mindvideo": OurDecoder, "constriction": PlainDecoder},
            _same_symbols,
        ),
        "indices": Benchmark(
            "indices",
            f"table indices of 192x72x120 latents from 192x{HEIGHT}x{WIDTH}, three 5x5 layers",
            network,
            {"mindvideo": partial(IntegerIndices, options.threads), **torch},
            _near_indices,
        ),
        "tables": Benchmark(
            "tables",
            "tables of DCVC-UF, 8,192 of z and 128 of y",
            {},
            {"mindvideo": UltraFastTables},
            _same_size,
        ),
    }
    return (made[what] for what in options.what or WHAT)

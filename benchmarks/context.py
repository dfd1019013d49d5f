"""Decoding the latents of a DCVC frame: wave by wave, beside a plain loop over positions by the network's own cells.

Both passes, motion's and content's latents, networks and range decoding included. The plain loop, which is what the
published code does, decodes the first rows alone, and its time is given for all.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks import machine
from benchmarks.compare import add_threads, at_least
from benchmarks.networks import Case
from core.files import write_json
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import LAPLACE_SCALES, laplace_tables

PARTS = ("motion", "contextual")
MULTIPLE, LATENT = 64, 16
LAPLACE = laplace_tables()
Place = tuple[int, int]


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    side = at_least(MULTIPLE, MULTIPLE)
    made.add_argument(
        "--width", type=side, default=1920, help=f"of the frame, a multiple of {MULTIPLE} (%(default)s)"
    )
    made.add_argument(
        "--height", type=side, default=1024, help=f"of the frame, a multiple of {MULTIPLE} (%(default)s)"
    )
    made.add_argument(
        "--rows", type=at_least(1), default=8, help="of the latents that the loop decodes (%(default)s)"
    )
    made.add_argument(
        "--repeat", type=at_least(1), default=5, help="times that the waves decode all (%(default)s)"
    )
    add_threads(made)
    made.add_argument("--json", type=Path, help="write everything to this file as well")


def main(options: argparse.Namespace) -> int:
    """The command; returns 0."""
    console = Console(highlight=False)
    facts = {**machine.describe(), "load before": machine.load()}
    network = _network(options)
    rows, columns = options.height // LATENT, options.width // LATENT
    few = min(options.rows, rows)
    totals = {"waves": 0.0, "plain loop": 0.0}
    for part in PARTS:
        seconds = _measure(getattr(network, part).prior, rows, columns, few, options.repeat)
        for name, value in seconds.items():
            totals[name] += value
        console.print(f"{part}: {columns}x{rows} positions, " + _format(seconds))
    console.print(f"both: {_format(totals)}, ratio {totals['plain loop'] / totals['waves']:.1f}")
    if options.json:
        write_json(options.json, {"machine": facts, "command": sys.argv[1:], "seconds": totals})
    return 0


def _network(options: argparse.Namespace) -> Any:
    """DCVC with its default widths and the weights of the parity fixtures."""
    from benchmarks.work import build_network, use_mindspore

    case = Case("dcvc", (), options.height, options.width, options.threads)
    run = case.run()
    use_mindspore(run)
    return build_network(case, run).set_train(False)


def _measure(prior: Any, rows: int, columns: int, few: int, repeat: int) -> dict[str, float]:
    """Seconds of the waves for a whole latent, and of the plain loop, for as many positions."""
    from core.entropy.masked import context_network
    from core.symbols.autoregressive import AutoregressiveCoder
    from plugins.dcvc.transforms import HYPER_SLOPE

    rng = np.random.default_rng(1)
    channels = prior.context.in_channels
    side_channels = prior.parameters_of[0].in_channels - prior.context.out_channels
    latent = (2 * rng.standard_normal((channels, rows, columns))).astype(np.float32)
    side = rng.standard_normal((side_channels, rows, columns)).astype(np.float32)
    network = context_network(prior.context, prior.parameters_of, HYPER_SLOPE)
    coder = AutoregressiveCoder(network, LAPLACE, LAPLACE_SCALES[:-1])
    encoder = SymbolEncoder()
    coded = coder.encode(latent, side, encoder)
    payload = encoder.finish()
    waves = [_seconds(lambda: coder.decode(side, SymbolDecoder(payload))) for _ in range(repeat)]

    loop, few_sides = PlainLoop(prior), side[:, :few]
    encoder = SymbolEncoder()
    loop.run(few_sides, partial(_encode, encoder, coded.symbols))  # and compiles
    decoder = SymbolDecoder(encoder.finish())
    start = time.perf_counter()
    values = loop.run(few_sides, lambda _, indices: decoder.decode(LAPLACE, indices))
    seconds = time.perf_counter() - start
    np.testing.assert_allclose(values, coded.values[:, :few], rtol=0, atol=1e-3)
    return {"waves": median(waves), "plain loop": seconds * rows / few}


def _encode(encoder: SymbolEncoder, symbols: np.ndarray, at: Place, indices: np.ndarray) -> np.ndarray:
    encoder.encode(symbols[:, at[0], at[1]], LAPLACE, indices)
    return symbols[:, at[0], at[1]]


class PlainLoop:
    """One position after the other, row by row: the context model, what follows it, and the position's symbols."""

    def __init__(self, prior: Any) -> None:
        from benchmarks.context_position import Position

        self._position = Position(prior)

    def run(self, side: np.ndarray, code: Callable[[Place, np.ndarray], np.ndarray]) -> np.ndarray:
        """Values of a latent (C,H,W) whose symbols ``code`` tells, position by position, from the tables chosen."""
        from mindspore import Tensor

        _, height, width = side.shape
        plane = np.zeros((self._position.channels, height + 4, width + 4), np.float32)
        for row, column in np.ndindex(height, width):
            seen = Tensor(plane[None, :, row : row + 5, column : column + 5])
            made = self._position(seen, Tensor(side[None, :, row : row + 1, column : column + 1]))
            means, scales = np.split(made.asnumpy()[0, :, 0, 0], 2)
            indices = np.searchsorted(LAPLACE_SCALES[:-1], scales).astype(np.uint8)
            plane[:, row + 2, column + 2] = code((row, column), indices) + means
        return plane[:, 2:-2, 2:-2]


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _format(seconds: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())

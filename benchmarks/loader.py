"""How fast clips are read: the loader alone, and how long a training waits for it.

The words choose an experiment and change it (by default `WORDS`, a small network on Vimeo-90K's triplets).
Without --root a folder of the layout and picture size of Vimeo-90K is made from the clips that come with mindvideo. It
lies in the system's memory: what is measured is decoding and augmentation, not a disk.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

import core
from benchmarks.compare import add_words, at_least
from benchmarks.machine import describe, load
from core.hooks import Split

WORDS = (
    *("experiment=cycmunet_vimeo_x2", "device=cpu", "dataset.crop=64", "loader.batch_size=2"),
    *("model.features=24", "model.groups=4", "model.levels=2", "model.cycles=1"),
    *("model.front_blocks=1", "model.trunk_blocks=2"),
)
SIZE = (448, 256)
TRIPLETS = 120


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    workers = "numbers to try, as 1,2,4 (1,2)"
    made.add_argument("--root", type=Path, help="a data set that is there; by default one is made")
    made.add_argument(
        "--workers", type=lambda text: [int(word) for word in text.split(",")], default=[1, 2], help=workers
    )
    made.add_argument(
        "--seconds", type=float, default=10.0, help="of each measurement of the loader alone (%(default)s)"
    )
    made.add_argument("--steps", type=at_least(1), default=40, help="training steps to time (%(default)s)")
    add_words(made)


def main(options: argparse.Namespace) -> int:
    """The command; returns 0."""
    print("; ".join(f"{name}: {value}" for name, value in describe().items()), f"load {load()}", sep="; ")
    with tempfile.TemporaryDirectory() as folder:
        root = options.root or vimeo_like(Path(folder))
        words = [*(options.words or WORDS), f"dataset.root={root}"]
        print("| workers | processes | clips/s | CPU ms a clip |\n|---|---|---|---|")
        for workers in options.workers:
            for processes in ("false", "true"):
                more = (f"loader.workers={workers}", f"loader.processes={processes}")
                rate, cost = alone([*words, *more], options.seconds)
                print(f"| {workers} | {processes} | {rate:.1f} | {cost:.1f} |", flush=True)
        step, waiting = in_training(words, options.steps)
        print(
            f"\nIn training: {1e3 * step:.0f} ms a step, of which {1e3 * waiting:.1f} ms waiting for clips."
        )
    return 0


def vimeo_like(root: Path) -> Path:
    """A folder of the layout of Vimeo-90K's triplets, filled from the embedded clips."""
    words = ["experiment=none", "task=doctor", "dataset=clips", "dataset.crop=null", "dataset.stills_share=0"]
    run = core.open_run(words)
    source = run.source(Split.TRAIN)
    entries = [f"{number // 10 + 1:05}/{number % 10 + 1:04}" for number in range(TRIPLETS)]
    for number, entry in enumerate(entries):
        folder = root / "sequences" / entry
        folder.mkdir(parents=True)
        frames = source.clip(number % len(source), np.random.default_rng(number))[0]
        for place, frame in enumerate(frames, 1):
            picture = Image.fromarray(np.rint(frame.transpose(1, 2, 0) * 255).astype(np.uint8))
            picture.resize(SIZE, Image.Resampling.BICUBIC).save(folder / f"im{place}.png")
    for split in ("train", "test"):
        (root / f"tri_{split}list.txt").write_text("\n".join(entries) + "\n")
    return root


def alone(words: Sequence[str], seconds: float) -> tuple[float, float]:
    """Clips a second of the loader, and processor milliseconds a clip."""
    run = core.open_run(words)
    source = run.source(Split.TRAIN)
    batches = iterator(run.training_loader(source, 0, 10**6))
    next(batches)
    begin, used = time.perf_counter(), _processor_seconds()
    count = 0
    while time.perf_counter() - begin < seconds:
        next(batches)
        count += run.settings.loader.batch_size
    wall = time.perf_counter() - begin
    return count / wall, 1e3 * (_processor_seconds() - used) / count


def in_training(words: Sequence[str], steps: int) -> tuple[float, float]:
    """Seconds of a step, and how many of them pass before its batch is there; the first steps compile."""
    warm = 3
    run = core.open_run(
        [*words, "dataset.validation_share=0", "training.epochs=null", f"training.steps={steps + warm}"]
    )
    source = run.source(Split.TRAIN)
    step = run.step(run.model(), steps + warm)
    batches = iterator(run.training_loader(source, 0, steps + warm))
    for batch in islice(batches, warm):
        step(*batch)[0].asnumpy()
    begin, waiting = time.perf_counter(), 0.0
    for _ in range(steps):
        asked = time.perf_counter()
        batch = next(batches)
        waiting += time.perf_counter() - asked
        step(*batch)[0].asnumpy()
    return (time.perf_counter() - begin) / steps, waiting / steps


def iterator(loader: Any) -> Iterator[Any]:
    """Its batches."""
    return iter(loader.create_tuple_iterator(num_epochs=1))


def _processor_seconds() -> float:
    """Of this process and of those that read for it."""
    own = psutil.Process()
    times = [process.cpu_times() for process in (own, *own.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)

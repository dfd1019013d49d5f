"""How long a command takes from its start to its end on a few frames: what a user waits for.

Networks are those of the demos with fresh weights, and each command runs in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

import core
from benchmarks import machine
from benchmarks.compare import at_least
from core.files import write_json
from core.hooks import CodecEntry
from core.media.reader import open_video

CODECS = ("ssfvc", "dvc", "dvcp", "dcvc")
UPSCALERS = ("cycmunet",)
_CLIP = Path(core.__file__).parent / "data" / "embedded" / "box_handheld.mp4"
_SIDES = (240, 320)


@dataclass(frozen=True)
class Command:
    """What a user types, without what comes before the first word."""

    name: str
    words: Sequence[str]


@dataclass(frozen=True)
class Startup:
    """Seconds and processor seconds of a command, from its start to its end."""

    name: str
    first: float
    again: float
    processor: float
    memory: float
    """MiB at most."""


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    made.add_argument(
        "--network", choices=(*CODECS, *UPSCALERS), action="append", help="only this; by default all"
    )
    made.add_argument("--frames", type=at_least(1), default=3, help="of 320x240 (%(default)s)")
    made.add_argument("--repeat", type=at_least(1), default=3, help="runs after the first (%(default)s)")
    made.add_argument("--json", type=Path, help="write the figures to this file too")
    made.add_argument("words", nargs="*", help="settings, as device.mode=graph")


def main(options: argparse.Namespace) -> int:
    """Measure, print and, where asked, write; returns the exit code."""
    if machine.is_busy():
        print(f"The machine is busy (load {machine.load()}): times are upper bounds.", file=sys.stderr)
    measured = []
    print(f"{'command':<22}{'first s':>9}{'again s':>9}{'processor s':>13}{'MiB':>7}")
    with TemporaryDirectory() as folder:
        for command in _commands(options, Path(folder)):
            made = _measure(command, options.repeat, Path(folder))
            print(
                f"{made.name:<22}{made.first:9.1f}{made.again:9.1f}{made.processor:13.1f}{made.memory:7.0f}",
                flush=True,
            )
            measured.append(made)
    if options.json:
        results = {
            "machine": machine.describe(),
            "load": machine.load(),
            "results": list(map(asdict, measured)),
        }
        write_json(options.json, results)
    return 0


def _commands(options: argparse.Namespace, folder: Path) -> Iterator[Command]:
    """All of them, in an order in which each finds what it reads."""
    yield Command("--help", ["--help"])
    yield Command("doctor", ["experiment=none", "task=doctor"])
    clip = _clip(folder, options.frames)
    for network in options.network or (*CODECS, *UPSCALERS):
        checkpoint = folder / f"{network}.safetensors"
        _in_process(checkpoint, f"{network}_demo")
        common = [
            f"experiment={network}_demo",
            f"task.checkpoint={checkpoint}",
            "task.overwrite=true",
            *options.words,
        ]
        if network in UPSCALERS:
            result = folder / "large.mp4"
            yield Command(
                f"{network} upscale", ["task=upscale", f"task.input={clip}", f"task.output={result}", *common]
            )
            continue
        stream, result = folder / f"{network}.mdv", folder / f"{network}.mp4"
        yield Command(
            f"{network} encode", ["task=encode", f"task.input={clip}", f"task.output={stream}", *common]
        )
        yield Command(
            f"{network} decode", ["task=decode", f"task.input={stream}", f"task.output={result}", *common]
        )


def _measure(command: Command, repeat: int, folder: Path) -> Startup:
    runs = [_run(command, folder / "run") for _ in range(1 + repeat)]
    again, processor, memory = (median(values) for values in zip(*runs[1:], strict=True))
    return Startup(command.name, runs[0][0], again, processor, memory)


def _run(command: Command, output: Path) -> tuple[float, float, float]:
    """Wall and processor seconds, and MiB; a command that fails ends the measurement with what it said."""
    words = [sys.executable, "-m", "core", *command.words]
    if "--help" not in words:
        words.append(f"output={output}")
    start = time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise RuntimeError(f"{command.name} failed:\n{said}")
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _clip(folder: Path, count: int) -> Path:
    """The first frames of an embedded clip, 320x240, without compression."""
    path = folder / "clip.y4m"
    height, width = _SIDES
    with open_video(_CLIP) as video, path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F25:1 Ip A1:1 C444\n".encode())
        for frame, _ in zip(video, range(count), strict=False):
            luma = np.rint(255 * frame.rgb.mean(0)[:height, :width]).astype(np.uint8)
            file.write(b"FRAME\n" + luma.tobytes() + bytes([128]) * (2 * luma.size))
    return path


def _in_process(checkpoint: Path, experiment: str) -> None:
    """Write a demo's network with fresh weights, in a process of its own: MindSpore is to leave this one alone."""
    code = f"from benchmarks.start import fresh; fresh({str(checkpoint)!r}, {experiment!r})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


def fresh(path: str, experiment: str) -> None:
    """Write the checkpoint of an experiment's network with fresh weights, tables included."""
    from core.training.checkpoint import MODEL, Checkpoint, tensors_of

    run = core.open_run([f"experiment={experiment}", "device=cpu"])
    network = run.model()
    made = Checkpoint(Path(path), tensors_of(network, MODEL), run.model_section, run.model_plugin, {})
    if run.settings.section("codec") is not None:
        made = made.with_tables(run.entry("codec", CodecEntry).tables(network))
    made.save()

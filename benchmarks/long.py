"""Long films: what cutting costs, how processes share a work, and that memory does not grow with a film's length.

    python -m benchmarks.long [cutting|scaling|cluster|memory]

``cutting`` codes one film by x264 as one stream, with closed groups, and by two processes: bytes and seconds.
``scaling`` codes and decodes by one and two processes. ``cluster`` has 8 Ray actors do pieces of fixed cost, one of
which is killed half way (extra ``cluster``). ``memory`` codes films of 1,000 and of 10,000 frames and compares peak
memory. All are for a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from core.clusters import RayCrew
from core.crew import Seen
from core.media.writer import open_writer

ACTORS, PIECES, COST = 8, 64, 0.5
"""Of the simulated cluster; the cost of a piece is in seconds."""


def film(path: Path, frames: int, width: int = 320, height: int = 192) -> Path:
    """A pattern that moves, with a cut every 50 frames."""
    y, x = np.mgrid[:height, :width] / 9.0
    with open_writer(
        path, width=width, height=height, frame_rate=Fraction(25), crf=18, preset="veryfast"
    ) as writer:
        for number in range(frames):
            shot = number // 50
            wave = [np.sin(x * (1 + shot % 3) + 0.2 * number), np.cos(y - 0.1 * number), np.sin(x + y + shot)]
            writer.write((0.5 + 0.4 * np.stack(wave)).astype(np.float32))
    return path


def timed(folder: Path, *words: str) -> tuple[float, int]:
    """Seconds and peak memory (MB) of a command, with those of its processes together."""
    command = [
        sys.executable,
        "-m",
        "mindvideo",
        "experiment=none",
        "codec=x264",
        "task.overwrite=true",
        *words,
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_resident, [process.pid, *_children(process.pid)])))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: give it by itself to see why.")
    return time.perf_counter() - began, peak // 1024


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(word) for word in path.read_text().split()] if path.exists() else []
    return found + [child for each in found for child in _children(each)]


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)


def cutting(folder: Path) -> None:
    """One stream, closed groups, two processes."""
    source = film(folder / "film.mp4", 1500)
    for name, words in {
        "one stream": (),
        "closed groups": ("codec.closed=true",),
        "two processes": ("codec.closed=true", "task.parallel=2"),
    }.items():
        seconds, _ = timed(
            folder,
            "task=encode",
            f"task.input={source}",
            "task.output=out.mdv",
            "task.overwrite=true",
            *words,
        )
        print(f"{name:>14}: {(folder / 'out.mdv').stat().st_size:>10,} bytes {seconds:7.1f} s")


def scaling(folder: Path) -> None:
    """Encode, verify and decode by one and two processes."""
    source = film(folder / "film.mp4", 1500)
    encode = (
        "task=encode",
        "codec.closed=true",
        f"task.input={source}",
        "task.output=out.mdv",
        "task.overwrite=true",
    )
    timed(folder, *encode)
    tasks = {
        "encode": encode,
        "verify": ("task=verify", "task.input=out.mdv"),
        "decode": ("task=decode", "task.input=out.mdv", "task.output=back.y4m", "task.overwrite=true"),
    }
    for name, words in tasks.items():
        one, two = (timed(folder, *words, f"task.parallel={count}")[0] for count in (1, 2))
        print(f"{name}: {one:.1f} s by one, {two:.1f} s by two: {one / two:.2f} times as fast")


def memory(folder: Path) -> None:
    """Peak memory of films of two lengths."""
    for frames in (1_000, 10_000):
        source = film(folder / f"{frames}.mp4", frames, 160, 96)
        for count in (1, 2):
            words = (
                "task=encode",
                "codec.closed=true",
                f"task.input={source}",
                "task.output=out.mdv",
                "task.overwrite=true",
            )
            _, peak = timed(folder, *words, f"task.parallel={count}")
            print(f"{frames} frames, {count} processes: {peak} MB")


@dataclass
class Stub:
    """A worker whose pieces take a fixed time; one ends its process, once."""

    flag: Path
    hello: str = "stub"

    def __call__(self) -> Stub:
        return self

    def do(self, piece: int, seen: Seen) -> int:
        """Wait."""
        time.sleep(COST)
        if piece == PIECES // 2 and self.flag.exists():
            self.flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        seen(1)
        return piece


def cluster(folder: Path) -> None:
    """Pieces of fixed cost by actors of Ray, without and with one that is killed."""
    import ray

    ray.init(num_cpus=ACTORS, include_dashboard=False, log_to_driver=False)
    for mishap in (False, True):
        flag = folder / "flag"
        flag.touch() if mishap else flag.unlink(missing_ok=True)
        with RayCrew(Stub(flag), ACTORS, 1) as crew:
            assert crew.hello == "stub"
            began = time.perf_counter()
            done = [piece for piece, _ in crew.run(range(PIECES), lambda parts: None, ahead=4 * ACTORS)]
            seconds = time.perf_counter() - began
        assert done == list(range(PIECES))
        ideal = COST * PIECES / ACTORS
        told = "one killed half way" if mishap else "undisturbed"
        print(f"{told}: {seconds:.2f} s, efficiency {ideal / seconds:.0%}")
    ray.shutdown()


PARTS: dict[str, Callable[[Path], None]] = {
    "cutting": cutting,
    "scaling": scaling,
    "cluster": cluster,
    "memory": memory,
}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", choices=["all", *PARTS], default="all", help="what to measure")
    chosen = parser.parse_args().part
    with tempfile.TemporaryDirectory() as folder:
        for name, part in PARTS.items():
            if chosen in ("all", name):
                print(f"# {name}")
                part(Path(folder))


if __name__ == "__main__":
    main()

"""Long films: what cutting costs, how processes share a work, and that memory does not grow with a film's length.

    python -m benchmarks.long [cutting|scaling|cluster|memory] [--quick]

``cutting`` codes one film by x264 as one stream, with closed groups, and by two processes: bytes and seconds.
``scaling`` encodes, verifies and decodes by one and two processes, by x264 and by a small SSFVC with fresh weights.
``cluster`` has 8 Ray actors on 4 nodes, all on this machine, do pieces of fixed cost, and takes a node away half way
(extra ``cluster``). ``memory`` codes films of 1,000 and 10,000 frames and compares peak memory. All are for a quiet
machine; ``--quick`` takes a tenth of the frames, to see that they run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np

from core.clusters import RayCrew
from core.crew import Seen, Where
from core.media.writer import open_writer

NODES, EACH, COST = 4, 2, 0.5
"""Of the simulated cluster: nodes, actors on each, seconds that a piece costs."""
X264 = ("experiment=none", "codec=x264", "codec.closed=true")
SSFVC = ("experiment=ssfvc_demo", "task.checkpoint=ssfvc.safetensors", "codec.gop=8")
FRESH = "from benchmarks.start import fresh; fresh({path!r}, 'ssfvc_demo')"


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


def time_command(folder: Path, task: str, source: str, output: str, *words: str) -> tuple[float, int]:
    """Seconds of a command, and its peak memory (MB) with that of its processes."""
    command = [sys.executable, "-m", "mindvideo", *words, f"task={task}", f"task.input={source}"]
    if output:
        command += [f"task.output={output}", "task.overwrite=true"]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_resident, [process.pid, *_descendants(process.pid)])))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed: give it by itself to see why.")
    return time.perf_counter() - began, peak // 1024


def _descendants(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        found = [int(word) for word in path.read_text().split()]
    except OSError:  # it has ended
        return []
    return found + [child for each in found for child in _descendants(each)]


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)


def cutting(folder: Path, share: float) -> None:
    """One stream, closed groups, two processes."""
    film(folder / "film.mp4", round(3000 * share))
    ways = {
        "one stream": ("experiment=none", "codec=x264"),
        "closed groups": X264,
        "closed groups, two processes": (*X264, "task.parallel=2"),
    }
    for name, words in ways.items():
        seconds, _ = time_command(folder, "encode", "film.mp4", "out.mdv", *words)
        print(f"{name}: {(folder / 'out.mdv').stat().st_size:,} bytes, {seconds:.1f} s")


def scaling(folder: Path, share: float) -> None:
    """Encode, verify and decode by one and two processes."""
    subprocess.run(
        [sys.executable, "-c", FRESH.format(path=str(folder / "ssfvc.safetensors"))],
        check=True,
        cwd=Path(__file__).parents[1],
    )
    for codec, words, frames in (("x264", X264, 3000), ("ssfvc", SSFVC, 480)):
        film(folder / "film.mp4", round(frames * share))
        for task, source, output in (
            ("encode", "film.mp4", "out.mdv"),
            ("verify", "out.mdv", ""),
            ("decode", "out.mdv", "back.mp4"),
        ):
            one, two = (
                time_command(folder, task, source, output, *words, f"task.parallel={count}")[0]
                for count in (1, 2)
            )
            print(f"{codec} {task}: {one:.1f} s by one, {two:.1f} s by two, {one / two:.2f} times as fast")


def memory(folder: Path, share: float) -> None:
    """Peak memory of films of two lengths."""
    for frames in (round(1_000 * share), round(10_000 * share)):
        film(folder / "film.mp4", frames, 160, 96)
        for count in (1, 2):
            words = (*X264, f"task.parallel={count}")
            _, encoding = time_command(folder, "encode", "film.mp4", "out.mdv", *words)
            _, decoding = time_command(folder, "decode", "out.mdv", "back.mp4", *words)
            print(f"{frames} frames, {count} processes: {encoding} MB to encode, {decoding} MB to decode")


@dataclass
class Stub:
    """A worker whose pieces take a fixed time."""

    hello: str = "stub"

    def __call__(self, where: Where) -> Stub:
        return self

    def do(self, piece: int, seen: Seen) -> int:
        """Wait."""
        time.sleep(COST)
        seen(1)
        return piece


def cluster(folder: Path, share: float) -> None:
    """Pieces of fixed cost by actors of Ray, without and with a node that fails."""
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])  # where workers find the stub
    pieces = round(320 * share)
    for fails in (False, True):
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": EACH, "include_dashboard": False})
        last = [nodes.add_node(num_cpus=EACH) for _ in range(NODES - 1)][-1]
        os.environ["RAY_ADDRESS"] = nodes.address
        try:
            with RayCrew(Stub(), NODES * EACH, 1) as crew:
                assert crew.hello == "stub"
                seconds = _run(crew, pieces, partial(nodes.remove_node, last) if fails else None)
        finally:
            nodes.shutdown()
        ideal = COST * pieces / (NODES * EACH)
        if fails:  # all do the first half, those that are left the second
            ideal *= 0.5 + 0.5 * NODES / (NODES - 1)
        told = "a node fails half way" if fails else "undisturbed"
        print(f"{told}: {seconds:.1f} s for {pieces} pieces, efficiency {ideal / seconds:.0%}")


def _run(crew: RayCrew, pieces: int, half_way: Callable[[], None] | None) -> float:
    """Seconds that a crew takes, but for what is done ``half_way``."""
    began = time.perf_counter()
    aside = 0.0
    for number, (piece, _) in enumerate(crew.run(range(pieces), lambda parts: None, ahead=4 * crew.size)):
        assert piece == number
        if half_way and number == pieces // 2:
            stopped = time.perf_counter()
            half_way()
            aside = time.perf_counter() - stopped
    return time.perf_counter() - began - aside


PARTS: dict[str, Callable[[Path, float], None]] = {
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
    parser.add_argument("--quick", action="store_true", help="a tenth of the frames")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, part in PARTS.items():
            if chosen.part in ("all", name):
                print(f"# {name}", flush=True)
                part(Path(folder), 0.1 if chosen.quick else 1.0)


if __name__ == "__main__":
    main()

"""Small videos, and what the toy codecs must make of them."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from toy import Levels

from core.hooks import Array, Picture, PictureFormat
from core.media.reader import open_video
from core.media.writer import open_writer
from core.testing.limits import seconds

RATE = Fraction(25)
EMBEDDED = Path(__file__).parents[2] / "core" / "data" / "embedded"


def moving(count: int, width: int = 48, height: int = 36, seed: int = 0) -> list[Array]:
    """Frames of a pattern that moves and changes colour; every one is different."""
    y, x = np.mgrid[:height, :width] / 7.0
    waves = [
        [np.sin(x + 0.3 * n + seed), np.cos(y - 0.2 * n + 2 * seed), np.sin(x + y + 0.1 * n)]
        for n in range(count)
    ]
    return [(0.5 + 0.4 * np.stack(wave)).astype(np.float32) for wave in waves]


def write(path: Path, frames: Sequence[Array], rate: Fraction = RATE, **options: object) -> Path:
    """A video of the frames; what it is follows from the suffix."""
    _, height, width = frames[0].shape
    with open_writer(path, width=width, height=height, frame_rate=rate, crf=4, **options) as writer:  # type: ignore[arg-type]
        for frame in frames:
            writer.write(frame)
    return path


def write_timed(path: Path, frames: Sequence[Array], milliseconds: Sequence[int]) -> Path:
    """A video whose frames are shown at the times given."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        context = stream.codec_context
        _, context.height, context.width = frames[0].shape
        context.pix_fmt, context.time_base = "yuv444p", Fraction(1, 1000)
        for frame, time in zip(frames, milliseconds, strict=True):
            pixels = np.ascontiguousarray(np.rint(frame * 255).astype(np.uint8).transpose(1, 2, 0))
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv444p")
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return path


def read(path: Path) -> tuple[list[Array], list[Fraction]]:
    """Pictures and times in seconds."""
    with open_video(path) as reader:
        frames = list(reader)
    return [frame.rgb for frame in frames], [frame.pts for frame in frames]


def expected(source: Path, depth: int = 8, codec: Levels | None = None) -> list[Picture]:
    """What a toy codec shows for each frame of a video."""
    codec = codec or Levels()
    frames, _ = read(source)
    _, height, width = frames[0].shape
    format = PictureFormat(width, height, depth)
    return [codec.picture(codec.codes(frame, format), format) for frame in frames]


def shots(first: str, second: str, count: int, side: int = 96) -> list[Array]:
    """``count`` frames of each of two embedded clips, with a cut between."""
    frames = []
    for name in (first, second):
        with open_video(EMBEDDED / f"{name}.mp4") as reader:
            for _, frame in zip(range(count), reader, strict=False):
                frames.append(np.ascontiguousarray(frame.rgb[:, :side, :side]))
    return frames


def script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may import the toy codecs."""
    here = Path(__file__)
    path = os.pathsep.join([str(here.parent), str(here.parents[2]), os.environ.get("PYTHONPATH", "")])
    program = [sys.executable, "-c", textwrap.dedent(text)]
    return subprocess.run(
        program,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=seconds(60),
    )

"""Small videos made on the fly, and a reader of y4m and raw planes that owes nothing to libav."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

import core.data
from core.errors import MediaError
from core.media.reader import open_video
from core.media.video import Frame


def read_until_error(path: Path, **options: object) -> tuple[list[Frame], str]:
    """The frames of a damaged video that come before the error, and the error's text."""
    frames: list[Frame] = []
    with open_video(path, **options) as reader:  # type: ignore[arg-type]
        try:
            for frame in reader:
                frames.append(frame)
        except MediaError as error:
            return frames, str(error)
    raise AssertionError("the video was read to its end")


def planes_of(data: bytes, width: int, height: int, depth: int, across: int, down: int) -> list[np.ndarray]:
    """The planes of one picture of uncompressed video."""
    dtype = np.dtype("u1" if depth == 8 else "<u2")
    small = (-(-height // down), -(-width // across))
    planes, position = [], 0
    for shape in ((height, width), small, small):
        count = shape[0] * shape[1]
        planes.append(np.frombuffer(data, dtype, count, position).reshape(shape))
        position += count * dtype.itemsize
    assert position == len(data)
    return planes


def split_y4m(data: bytes) -> tuple[bytes, list[bytes]]:
    """The header and the pictures' bytes."""
    header, _, rest = data.partition(b"\n")
    return header, rest.split(b"FRAME\n")[1:]


def encode(
    path: Path,
    pictures: Sequence[tuple[np.ndarray, ...]],
    *,
    codec: str,
    pixel_format: str,
    container: str | None = None,
    options: dict[str, str] | None = None,
    tags: dict[str, int] | None = None,
    times: Sequence[int] | None = None,
    rate: int = 25,
) -> Path:
    """Write planes by PyAV alone, with or without colour tags; ``times`` in units of 1/1000 s."""
    unit = Fraction(1, rate) if times is None else Fraction(1, 1000)
    with av.open(str(path), "w", format=container, options={"strict": "-1"}) as output:
        stream = output.add_stream(codec, rate=rate)
        height, width = pictures[0][0].shape
        context = stream.codec_context
        context.width, context.height, context.pix_fmt, context.time_base = width, height, pixel_format, unit
        context.options = options or {}
        for name, value in (tags or {}).items():
            setattr(context, name, value)
        for number, planes in enumerate(pictures):
            frame = av.VideoFrame(width, height, pixel_format)
            for source, target in zip(planes, frame.planes, strict=True):
                rows = np.zeros((target.height, target.line_size // source.itemsize), source.dtype)
                rows[:, : target.width] = source
                target.update(rows.tobytes())
            for name, value in (tags or {}).items():
                setattr(frame, name, value)
            frame.pts, frame.time_base = number if times is None else times[number], unit
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def random_planes(
    width: int, height: int, depth: int, across: int, down: int, seed: int
) -> tuple[np.ndarray, ...]:
    """Planes of noise over all codes."""
    rng = np.random.default_rng(seed)
    small = (-(-height // down), -(-width // across))
    dtype = np.uint8 if depth == 8 else np.uint16
    return tuple(rng.integers(0, 1 << depth, shape, dtype) for shape in ((height, width), small, small))


def moving_picture(width: int, height: int, number: int) -> np.ndarray:
    """A smooth coloured pattern that moves: (3,H,W) in [0,1], different for each number."""
    y, x = np.mgrid[:height, :width] / 16.0
    waves = [np.sin(x + 0.3 * number), np.cos(y - 0.2 * number), np.sin(x + y + 0.1 * number)]
    return (0.5 + 0.4 * np.stack(waves)).astype(np.float32)


@pytest.fixture(scope="session")
def footage() -> SimpleNamespace:
    """What is above, for the tests."""
    return SimpleNamespace(
        read_until_error=read_until_error,
        planes_of=planes_of,
        split_y4m=split_y4m,
        encode=encode,
        random_planes=random_planes,
        moving_picture=moving_picture,
        make_tone=make_tone,
        audio_packets=audio_packets,
        embedded=Path(core.data.__file__).parent / "embedded",
    )


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of a sine in AAC, in an m4a file."""
    return make_tone(tmp_path_factory.mktemp("sound") / "tone.m4a", "aac", "fltp")


def make_tone(path: Path, codec: str, sample_format: str) -> Path:
    """One second of a sine."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=16000)
        stream.codec_context.layout = "mono"
        wave = np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000)
        wave = wave.astype(np.float32) * 0.5 if sample_format == "fltp" else (wave * 9000).astype(np.int16)
        for start in range(0, 16000, 1024):
            frame = av.AudioFrame.from_ndarray(
                wave[None, start : start + 1024], format=sample_format, layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def audio_packets(path: Path) -> list[tuple[Fraction, bytes]]:
    """Time in seconds and bytes of each packet of sound."""
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.audio[0])
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in packets if packet.size]

"""Sound inputs: videos, networks small enough for seconds, streams. Made once in a folder, the same everywhere."""

from __future__ import annotations

import shutil
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import av
import numpy as np

WIDTH, HEIGHT, FRAMES = 40, 24, 6
LEARNED = ("compact", "ssfvc", "dvc", "dvcp", "dcvc", "dcvcuf", "cheng2020")
ANCHORS = ("x264", "x265", "svtav1", "vp9")
_NETWORK = {"cheng2020": {"channels": 4}}
"""Options of networks that have no ``SMALLEST`` in their tests."""
_FILES = {  # libav's encoder and pixel format
    ".mp4": ("libx264", "yuv420p"),
    ".mkv": ("libx264", "yuv420p"),
    ".ts": ("libx264", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".webm": ("libvpx-vp9", "yuv420p"),
    ".y4m": ("rawvideo", "yuv420p"),
}
PICTURES = {".png": ("png", "rgb24"), ".jpg": ("mjpeg", "yuvj444p")}
FORMATS = (*_FILES, *PICTURES)
_FORMAT_NAMES = {".y4m": "yuv4mpegpipe", ".ts": "mpegts", ".mkv": "matroska"}


def pictures(count: int = FRAMES, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Moving pictures (T,H,W,3) of 8 bits."""
    from core.testing.material import moving_frames

    return np.rint(255 * moving_frames(count, height, width)).astype(np.uint8).transpose(0, 2, 3, 1)


def video(folder: Path, suffix: str, count: int = FRAMES) -> Path:
    """A sound video of a format; of single pictures, a folder of them."""
    path = folder / f"sound-{count}{suffix}" if suffix in _FILES else folder / f"sound-{count}-{suffix[1:]}"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    if suffix in PICTURES:
        _write_pictures(path, suffix, count)
    else:
        _write_file(path, suffix, count)
    return path


def _write_file(path: Path, suffix: str, count: int) -> None:
    encoder, format = _FILES[suffix]
    with av.open(str(path), "w", format=_FORMAT_NAMES.get(suffix)) as container:
        stream = container.add_stream(encoder, rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, format, 4
        stream.codec_context.thread_count = 1
        for number, picture in enumerate(pictures(count)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=format)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _write_pictures(folder: Path, suffix: str, count: int) -> None:
    folder.mkdir()
    for number, picture in enumerate(pictures(count)):
        (folder / f"{number:03d}{suffix}").write_bytes(encoded_picture(picture, suffix))


def encoded_picture(picture: np.ndarray, suffix: str) -> bytes:
    """One picture as a file's bytes."""
    encoder, format = PICTURES[suffix]
    context = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = picture.shape[1], picture.shape[0], format
    context.time_base = Fraction(1, 25)
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=format)
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def words(codec: str) -> list[str]:
    """Words of the command line that choose a codec, a learned one over a tiny network."""
    if codec in ANCHORS:
        return ["experiment=none", f"codec={codec}", "codec.gop=4"]
    gop = 1 if codec == "cheng2020" else 4
    return [
        "experiment=none",
        f"codec={codec}",
        f"codec.gop={gop}",
        *model_words(codec),
    ]


def model_words(codec: str) -> list[str]:
    """Words that choose the tiny network of a learned codec."""
    widths = _NETWORK.get(codec) or _tests_of(codec).SMALLEST
    return [
        f"model={codec}",
        *(f"model.{name}={value}" for name, value in widths.items()),
        "device.threads=1",
    ]


def _tests_of(codec: str):
    return import_module(f"tests.plugins.{codec}.conftest")


def network(codec: str):
    """The network, with random weights that really code."""
    widths = _NETWORK.get(codec) or _tests_of(codec).SMALLEST
    return _tests_of(codec).build_network(**widths)


def checkpoint(folder: Path, codec: str) -> Path:
    """A checkpoint of the tiny network of a learned codec, with tables."""
    path = folder / f"{codec}.safetensors"
    if path.exists():
        return path
    from core.app import open_run
    from core.hooks import CodecEntry
    from core.training.checkpoint import MODEL, Checkpoint, tensors_of

    run = open_run([*words(codec), "task=doctor"], output=folder / "run")
    assert run.device.target == "CPU"
    made = network(codec)
    section = Checkpoint(path, tensors_of(made, MODEL), run.model_section, run.model_plugin, {})
    section.with_tables(run.entry("codec", CodecEntry).tables(made)).save()
    return path


def tidy(folder: Path) -> None:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

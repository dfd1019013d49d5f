"""Limits are asked before anything large is allocated, and can be lifted."""

import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import MediaError
from core.media.encoders import uncoded_bytes
from core.media.limits import STANDARD, Limits
from core.media.reader import open_video
from core.media.writer import open_writer


def video(path, count=3, width=32, height=16):
    with open_writer(path, width=width, height=height, frame_rate=Fraction(25)) as writer:
        for _ in range(count):
            writer.write(np.zeros((3, height, width), np.float32))
    return path


def test_a_small_picture_file_of_many_pixels_is_refused_unread(tmp_path):
    Image.new("1", (20000, 20000)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 100_000
    tracemalloc.start()
    with pytest.raises(MediaError, match=r"400,000,000 pixels, and limits\.pixels allows 67,108,864"):
        open_video(tmp_path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10 << 20
    with pytest.raises(MediaError, match=r"limits\.pixels"):
        open_video(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".y4m", ".mp4", ""])
def test_pixels_and_frames_of_each_kind(tmp_path, suffix):
    path = video(tmp_path / f"a{suffix}")
    with open_video(path, limits=Limits(pixels=512, frames=3)) as reader:
        assert len(list(reader)) == 3
    with pytest.raises(MediaError, match=r"limits\.pixels allows 511"):
        open_video(path, limits=Limits(pixels=511))
    with (
        pytest.raises(MediaError, match=r"limits\.frames"),
        open_video(path, limits=Limits(frames=2)) as reader,
    ):
        list(reader)


def test_film_of_8k_passes_and_null_lifts():
    STANDARD.require_pixels("film", 7680 * 4320)
    STANDARD.require_pixels("panorama", 8192 * 8192)
    Limits(None, None, None).require_pixels("any", 1 << 40)
    with pytest.raises(MediaError):
        STANDARD.require_pixels("bomb", 10000 * 10000)


@pytest.mark.parametrize(
    ("name", "pixel_format", "size"),
    [
        ("a.y4m", "yuv420p", 1500),
        ("a.y4m", "yuv444p10le", 6000),
        ("a", "yuv444p", 3000),
        ("a.mp4", "yuv420p", None),
    ],
)
def test_what_uncoded_outputs_take(name, pixel_format, size):
    assert uncoded_bytes(Path(name), 1000, pixel_format) == size
    Limits(output_bytes=size or 1).require_output(Path(name), size)
    if size:
        with pytest.raises(MediaError, match=r"limits\.output_bytes"):
            Limits(output_bytes=size - 1).require_output(Path(name), size)


def test_the_estimate_is_what_is_written(tmp_path):
    path = video(tmp_path / "a.y4m", count=5, width=64, height=48)
    assert path.stat().st_size == pytest.approx(uncoded_bytes(path, 5 * 64 * 48, "yuv444p"), rel=0.01)

"""Telling a constant frame rate from the packets of a file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.media.reader import RawFormat, open_video
from core.media.writer import open_writer


def is_constant(path: Path, **options: object) -> bool:
    with open_video(path, **options) as reader:  # type: ignore[arg-type]
        return reader.has_constant_rate()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".y4m", ""])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(24000, 1001), Fraction(120)])
def test_a_constant_rate(tmp_path: Path, footage: SimpleNamespace, suffix: str, rate: Fraction) -> None:
    path = tmp_path / f"clip{suffix}"
    with open_writer(path, width=32, height=32, frame_rate=rate) as writer:
        for number in range(45):  # enough for reordering by B frames, and for rounding to add up
            writer.write(footage.moving_picture(32, 32, number))
    assert is_constant(path)


@pytest.mark.parametrize("times", [[0, 40, 80, 120, 200, 240], [0, 33, 70, 100, 150, 155]])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_frames_at_times_of_their_own(
    tmp_path: Path, footage: SimpleNamespace, suffix: str, times: list[int]
) -> None:
    pictures = [footage.random_planes(32, 32, 8, 2, 2, n) for n in range(len(times))]
    path = footage.encode(
        tmp_path / f"vfr{suffix}", pictures, codec="libx264", pixel_format="yuv420p", times=times
    )
    assert not is_constant(path)


def test_files_without_times(tmp_path: Path, footage: SimpleNamespace) -> None:
    pictures = [footage.random_planes(32, 32, 8, 2, 2, n) for n in range(5)]
    path = footage.encode(
        tmp_path / "bare.264", pictures, codec="libx264", pixel_format="yuv420p", container="h264"
    )
    assert is_constant(path)
    raw = tmp_path / "planes.yuv"
    raw.write_bytes(bytes(32 * 32 * 3 // 2 * 5))
    assert is_constant(raw, raw=RawFormat(32, 32))


def test_a_file_cut_short(tmp_path: Path, footage: SimpleNamespace) -> None:
    whole = footage.embedded / "box_handheld.mp4"
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[:-20_000])
    assert is_constant(whole)
    is_constant(path)  # says one or the other: reading it tells what is wrong

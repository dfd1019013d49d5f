"""Joined parts are exactly the frames of the parts, at exact times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import MediaError
from core.media.reader import open_video
from core.media.tracks import TrackSource
from core.media.writer import concatenate, open_writer

RATE = Fraction(30000, 1001)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make_parts(
    footage: SimpleNamespace, folder: Path, lengths: tuple[int, ...], suffix: str = "mp4", **options: object
) -> tuple[list[Path], list[np.ndarray]]:
    """Parts of noise, which makes the encoder use all kinds of frames, and their decoded frames."""
    parts, frames = [], []
    rng = np.random.default_rng(0)
    for number, length in enumerate(lengths):
        path = folder / f"part{number}.{suffix}"
        with open_writer(path, width=64, height=48, frame_rate=RATE, **options) as writer:  # type: ignore[arg-type]
            for _ in range(length):
                writer.write(rng.random((3, 48, 64)))
        with open_video(path) as reader:
            frames += [frame.rgb for frame in reader]
        parts.append(path)
    return parts, frames


@pytest.mark.parametrize(("suffix", "target"), [("mp4", "mp4"), ("mp4", "mkv"), ("y4m", "y4m")])
def test_frames_and_times(footage: SimpleNamespace, tmp_path: Path, suffix: str, target: str) -> None:
    parts, expected = make_parts(footage, tmp_path, (7, 30, 1, 12), suffix)
    joined = tmp_path / f"joined.{target}"
    concatenate(parts, joined)
    with open_video(joined) as reader:
        info = reader.info
        frames = list(reader)
    assert len(frames) == len(expected) == 50
    for frame, rgb in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.rgb, rgb)
    times = [number / RATE for number in range(50)]
    if target == "mkv":
        assert all(
            abs(frame.pts - time) <= Fraction(1, 1000) for frame, time in zip(frames, times, strict=True)
        )
    else:
        assert [frame.pts for frame in frames] == times
        assert info.duration == 50 / RATE
    assert info.frame_rate == RATE


def test_sound_is_added(footage: SimpleNamespace, tmp_path: Path, tone: Path) -> None:
    parts, expected = make_parts(footage, tmp_path, (5, 5))
    concatenate(parts, tmp_path / "joined.mp4", tracks=TrackSource(tone))
    assert footage.audio_packets(tmp_path / "joined.mp4") == footage.audio_packets(tone)
    with open_video(tmp_path / "joined.mp4") as reader:
        assert len(list(reader)) == len(expected)


def test_parts_of_variable_times_keep_them(footage: SimpleNamespace, tmp_path: Path) -> None:
    times = [Fraction(number * number, 90) for number in range(20)]
    parts = []
    for number, chosen in enumerate((times[:7], times[7:8], times[8:])):
        parts.append(tmp_path / f"{number}.mp4")
        with open_writer(parts[-1], width=64, height=48, frame_rate=RATE) as writer:
            for index, time in enumerate(chosen):
                writer.write(footage.moving_picture(64, 48, index), time - chosen[0])
    concatenate(parts, tmp_path / "joined.mp4", starts=[times[0], times[7], times[8]])
    with open_video(tmp_path / "joined.mp4") as reader:
        assert [frame.pts for frame in reader] == times
    with pytest.raises(MediaError, match="before the one ahead of it ends"):
        concatenate(parts, tmp_path / "joined.mp4", starts=[times[0], times[2], times[8]])


def test_mistakes_are_named_and_leave_nothing(footage: SimpleNamespace, tmp_path: Path) -> None:
    parts, _ = make_parts(footage, tmp_path, (2,))
    (tmp_path / "other").mkdir()
    others, _ = make_parts(footage, tmp_path / "other", (2,), crf=30, pixel_format="yuv444p")
    before = names(tmp_path)
    with pytest.raises(MediaError, match="coded differently"):
        concatenate([*parts, *others], tmp_path / "joined.mp4")
    with pytest.raises(MediaError, match="does not exist"):
        concatenate([*parts, tmp_path / "missing.mp4"], tmp_path / "joined.mp4")
    with pytest.raises(MediaError, match="write parts as"):
        concatenate([tmp_path / "a.mkv"], tmp_path / "joined.mp4")
    with pytest.raises(MediaError, match="0 parts"):
        concatenate([], tmp_path / "joined.mp4")
    assert names(tmp_path) == before

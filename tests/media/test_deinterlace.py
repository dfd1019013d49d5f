"""Interlaced video: said once, and made whole where it is asked for."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from core.media.index import FrameIndex
from core.media.reader import open_video
from core.media.video import Frame
from tests.media.clips_in import make_clip, moving_luma, numbered, woven_luma

INTERLACED = {"flags": "+ilme+ildct", "qp": "10", "bf": "0", "g": "4"}


def interlaced_clip(path: Path, top_first: bool) -> Path:
    return make_clip(
        path,
        options=INTERLACED,
        luma=lambda number: woven_luma(number, top_first),
        field="tff" if top_first else "bff",
    )


def combs(frame: Frame) -> float:
    """How much rows differ from the mean of their neighbours."""
    rows = frame.rgb[1]
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


def read(path: Path, deinterlace: bool) -> list[Frame]:
    with open_video(path, deinterlace=deinterlace) as reader:
        return list(reader)


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_frames_are_made_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, top_first: bool, suffix: str
) -> None:
    path = interlaced_clip(tmp_path / f"a.{suffix}", top_first)
    with caplog.at_level(logging.WARNING):
        woven = read(path, False)
    assert len(caplog.records) == 1
    assert "a." in caplog.text and "task.deinterlace=true" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        whole = read(path, True)
    assert not caplog.records
    assert [(f.pts, f.duration) for f in whole] == [(f.pts, f.duration) for f in woven]
    assert len(whole) == 12
    first = slice(0 if top_first else 1, None, 2)
    for combed, made in zip(woven[1:-1], whole[1:-1], strict=True):
        assert combs(combed) > 0.3 and combs(made) < 0.2 * combs(combed)
        # The rows of the first field are those of the frame's own time, and stay.
        np.testing.assert_allclose(made.rgb[1, first], combed.rgb[1, first], atol=0.02)


def test_what_is_not_interlaced_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_clip(tmp_path / "a.mp4", luma=moving_luma)
    with caplog.at_level(logging.WARNING):
        plain = read(path, False)
        assert not caplog.records
        asked = read(path, True)
    assert "No frame of" in caplog.text
    for one, other in zip(plain, asked, strict=True):
        np.testing.assert_array_equal(one.rgb, other.rgb)
        assert (one.pts, one.duration) == (other.pts, other.duration)


def test_an_index_says_it_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = interlaced_clip(tmp_path / "a.mp4", True)
    with caplog.at_level(logging.WARNING):
        index = FrameIndex(path)
        index.read(0, 2)
        index.read(7, 2)
    assert len(index) == 12 and len(caplog.records) == 1


def test_whole_frames_among_interlaced_ones(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each frame is taken for what it says it is, whatever the file's header says."""
    plain = make_clip(tmp_path / "plain.ts", options={"g": "4", "bf": "0", "qp": "10"}, times=range(8))
    woven = make_clip(
        tmp_path / "woven.ts", times=range(8, 16), options=INTERLACED,
        luma=lambda number: woven_luma(number, True), field="tff",
    )  # fmt: skip
    path = tmp_path / "a.ts"
    path.write_bytes(numbered(plain.read_bytes() + woven.read_bytes()))
    with caplog.at_level(logging.WARNING):
        mixed = read(path, False)
    assert len(mixed) == 16 and len(caplog.records) == 1
    made = read(path, True)
    assert len(made) == 16
    for number in range(6):
        np.testing.assert_array_equal(made[number].rgb, mixed[number].rgb)
    for number in range(10, 15):
        assert combs(made[number]) < 0.2 * combs(mixed[number])

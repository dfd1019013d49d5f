"""Frames found by seeking are the frames found by reading."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from core.errors import MediaError
from core.media.index import FrameIndex
from core.media.reader import RawFormat, open_video
from core.media.video import Frame


def assert_same(frames: list[Frame], expected: list[Frame]) -> None:
    assert [frame.pts for frame in frames] == [frame.pts for frame in expected]
    for frame, reference in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame.rgb, reference.rgb)


CODINGS = {
    "closed.mp4": ("libx264", {"g": "7", "bf": "3"}),
    "open.mkv": ("libx265", {"x265-params": "keyint=8:min-keyint=8:open-gop=1:bframes=3:log-level=none"}),
    "intra.mp4": ("libx264", {"g": "1"}),
    "short_gop.mp4": ("libx264", {"g": "2", "bf": "2", "x264-params": "open-gop=1"}),
    "a.ts": ("libx264", {"g": "7"}),
    "a.avi": ("mpeg4", {}),
    "a.webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
    "vp8.webm": ("libvpx", {"auto-alt-ref": "1", "lag-in-frames": "10", "deadline": "realtime"}),
    "a.y4m": ("rawvideo", {}),
}


@pytest.mark.parametrize("name", CODINGS)
def test_seeking_gives_what_reading_gives(footage: SimpleNamespace, tmp_path: Path, name: str) -> None:
    codec, options = CODINGS[name]
    planes = [footage.random_planes(64, 48, 8, 2, 2, seed) for seed in range(30)]
    container = "yuv4mpegpipe" if name.endswith("y4m") else None
    path = footage.encode(
        tmp_path / name, planes, codec=codec, pixel_format="yuv420p", container=container, options=options
    )
    with open_video(path) as reader:
        expected = list(reader)
    index = FrameIndex(path)
    assert len(index) == len(expected) == 30
    for start, count in ((0, 2), (1, 1), (6, 3), (7, 1), (13, 9), (20, 2), (29, 1)):
        assert_same(index.read(start, count), expected[start : start + count])


def test_seeking_does_seek(footage: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    index = FrameIndex(footage.embedded / "city_night.mp4")
    monkeypatch.setattr(index, "_read_on", lambda *_: pytest.fail("read from the start"))
    assert len(index.read(100, 7)) == 7


def test_variable_times_raw_and_folders(footage: SimpleNamespace, tmp_path: Path) -> None:
    planes = [footage.random_planes(32, 16, 8, 2, 2, seed) for seed in range(6)]
    times = [0, 40, 57, 300, 310, 1000]
    vfr = footage.encode(tmp_path / "a.mkv", planes, codec="libx264", pixel_format="yuv420p", times=times)
    raw = tmp_path / "a.yuv"
    raw.write_bytes(b"".join(plane.tobytes() for picture in planes for plane in picture))
    for path, options in ((vfr, {}), (raw, {"raw": RawFormat(32, 16)})):
        with open_video(path, **options) as reader:  # type: ignore[arg-type]
            expected = list(reader)
        index = FrameIndex(path, **options)  # type: ignore[arg-type]
        assert_same(index.read(2, 3), expected[2:5])
        assert len(index) == 6


def test_pictures_are_opened_one_by_one(footage: SimpleNamespace, tmp_path: Path) -> None:
    for number, name in enumerate(("astronaut", "rocket")):
        (tmp_path / f"{number}.jpg").write_bytes((footage.embedded / f"{name}.jpg").read_bytes())
    index = FrameIndex(tmp_path)
    assert len(index) == 2
    assert index.read(0, 1)[0].rgb.shape == (3, 512, 512)
    with pytest.raises(MediaError, match="must have one size"):
        index.read(1, 1)


def test_an_index_goes_to_other_processes(footage: SimpleNamespace) -> None:
    index = FrameIndex(footage.embedded / "box_handheld.mp4")
    copy = pickle.loads(pickle.dumps(index))
    assert_same(copy.read(50, 2), index.read(50, 2))


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (119, 2), (0, 0), (200, 1)])
def test_frames_that_are_not_there(footage: SimpleNamespace, start: int, count: int) -> None:
    with pytest.raises(MediaError, match="has 120 frames"):
        FrameIndex(footage.embedded / "box_handheld.mp4").read(start, count)

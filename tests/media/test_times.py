"""The times of frames: rising and right in every container, and the same by reading and by index."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.media.index import FrameIndex
from core.media.reader import open_video
from core.media.timing import Clock
from core.media.video import Frame, VideoInfo
from tests.media.clips_in import make_clip, numbered

CASES = Path(__file__).parent / "cases"
MILLISECOND = Fraction(1, 1000)
B_FRAMES = {"bf": "3", "g": "8"}

TIMES: dict[str, tuple[Sequence[int], Fraction, Fraction]] = {
    "constant": (range(12), Fraction(1, 25), Fraction(25)),
    "ntsc": (range(12), Fraction(1001, 30000), Fraction(30000, 1001)),
    "variable": ([0, 40, 57, 300, 310, 1000, 1040, 1100, 1300, 1310, 1400, 2000], MILLISECOND, Fraction(25)),
    "late": (range(100, 112), Fraction(1, 25), Fraction(25)),
    "gap": ([*range(6), *range(50, 56)], Fraction(1, 25), Fraction(25)),
}
CODINGS: dict[str, tuple[str, dict[str, str], str]] = {
    "plain.mp4": ("libx264", {"bf": "0"}, "yuv420p"),
    "b.mp4": ("libx264", B_FRAMES, "yuv420p"),
    "b.mov": ("libx264", B_FRAMES, "yuv420p"),
    "prores.mov": ("prores", {}, "yuv422p10le"),
    "b.mkv": ("libx264", B_FRAMES, "yuv420p"),
    "ffv1.mkv": ("ffv1", {}, "yuv420p"),
    "vp9.webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, "yuv420p"),
    "vp8.webm": ("libvpx", {"deadline": "realtime", "auto-alt-ref": "1", "lag-in-frames": "8"}, "yuv420p"),
    "b.ts": ("libx264", B_FRAMES, "yuv420p"),
    "b.flv": ("libx264", B_FRAMES, "yuv420p"),
    "b.nut": ("libx264", B_FRAMES, "yuv420p"),
    "a.wmv": ("wmv2", {}, "yuv420p"),
}
CONSTANT_ONLY: dict[str, tuple[str, dict[str, str], str]] = {
    "b.avi": ("libx264", B_FRAMES, "yuv420p"),
    "b_asp.avi": ("mpeg4", {"bf": "2"}, "yuv420p"),
    "mjpeg.avi": ("mjpeg", {}, "yuvj420p"),
    "mpeg2.mpg": ("mpeg2video", {"bf": "2"}, "yuv420p"),
    "mpeg2.ts": ("mpeg2video", {"bf": "2"}, "yuv420p"),
    "a.y4m": ("rawvideo", {}, "yuv420p"),
    "vp9.ivf": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}, "yuv420p"),
    "a.mxf": ("mpeg2video", {}, "yuv420p"),
}


def read(path: Path) -> tuple[VideoInfo, list[Frame], bool]:
    with open_video(path) as reader:
        return reader.info, list(reader), reader.has_constant_rate()


def assert_index_agrees(path: Path, frames: list[Frame]) -> None:
    index = FrameIndex(path)
    assert len(index) == len(frames)
    for start, count in ((0, 2), (3, 4), (len(frames) - 3, 3), (len(frames) - 1, 1)):
        for found, frame in zip(index.read(start, count), frames[start : start + count], strict=True):
            assert (found.pts, found.duration) == (frame.pts, frame.duration)
            np.testing.assert_array_equal(found.rgb, frame.rgb)


def combinations() -> list[tuple[str, str]]:
    anything = [(name, kind) for name in CODINGS for kind in TIMES]
    return anything + [(name, kind) for name in CONSTANT_ONLY for kind in ("constant", "ntsc")]


@pytest.mark.parametrize(("name", "kind"), combinations())
def test_every_container_and_kind_of_time(tmp_path: Path, name: str, kind: str) -> None:
    codec, options, pixel_format = (CODINGS | CONSTANT_ONLY)[name]
    times, unit, rate = TIMES[kind]
    container = "yuv4mpegpipe" if name.endswith("y4m") else None
    path = make_clip(
        tmp_path / name, codec, times, unit,
        rate=rate, options=options, pixel_format=pixel_format, container=container,
    )  # fmt: skip
    info, frames, constant = read(path)
    expected = [(time - times[0]) * unit for time in times]
    assert len(frames) == len(expected)
    for number, (frame, time) in enumerate(zip(frames, expected, strict=True)):
        assert abs(frame.pts - time) <= MILLISECOND
        if number + 1 < len(frames):
            assert frame.duration == frames[number + 1].pts - frame.pts > 0
    assert constant == (kind in ("constant", "ntsc", "late"))
    if constant:
        assert info.frame_rate == rate
        if frames[-1].duration is not None:
            assert abs(frames[-1].duration - 1 / rate) <= MILLISECOND
    else:
        assert 5 <= info.frame_rate <= 25
    assert_index_agrees(path, frames)


@pytest.mark.parametrize("name", ["b.avi", "mjpeg.avi"])
def test_gaps_in_avi(tmp_path: Path, name: str) -> None:
    """Times of coding order: the gap stands where its packets do, within the depth of reordering."""
    codec, options, pixel_format = CONSTANT_ONLY[name]
    times, unit, _ = TIMES["gap"]
    path = make_clip(tmp_path / name, codec, times, unit, options=options, pixel_format=pixel_format)
    info, frames, constant = read(path)
    assert len(frames) == info.frame_count == 12 and not constant
    steps = [after.pts - frame.pts for frame, after in pairwise(frames)]
    assert sorted(steps) == [unit] * 10 + [45 * unit]
    assert_index_agrees(path, frames)


def test_avi_with_b_frames() -> None:
    info, frames, constant = read(CASES / "h264_bframes.avi")
    assert [frame.pts for frame in frames] == [Fraction(number, 25) for number in range(10)]
    assert [frame.duration for frame in frames] == [Fraction(1, 25)] * 10
    assert (info.frame_rate, info.frame_count, constant) == (25, 10, True)
    assert_index_agrees(CASES / "h264_bframes.avi", frames)


def test_equal_time_stamps() -> None:
    _, frames, constant = read(CASES / "duplicate_times.mkv")
    assert len(frames) == 10 and not constant
    assert all(frame.pts < after.pts for frame, after in pairwise(frames))
    last = frames[-1]
    assert last.duration is not None and Fraction(36, 100) <= last.pts + last.duration <= Fraction(40, 100)
    assert_index_agrees(CASES / "duplicate_times.mkv", frames)


def test_a_last_frame_of_its_own_length() -> None:
    info, frames, _ = read(CASES / "last_frame_long.mp4")
    assert [frame.duration for frame in frames] == [1, 1, 4]
    assert info.presentation.last_duration == 4
    index = FrameIndex(CASES / "last_frame_long.mp4")
    assert [frame.duration for frame in (*index.read(0, 1), *index.read(1, 2))] == [1, 1, 4]


def test_a_long_last_frame_in_matroska(tmp_path: Path) -> None:
    """The track's statistics say it, and the header's duration agrees."""
    path = make_clip(tmp_path / "a.mkv", "ffv1", [0, 40, 80], MILLISECOND)
    data = path.read_bytes()
    for stated, longer in (
        (b"00:00:00.1200", b"00:00:05.0800"),
        (struct.pack(">d", 120), struct.pack(">d", 5080)),
    ):
        assert data.count(stated) == 1
        data = data.replace(stated, longer)
    path.write_bytes(data)
    info, frames, _ = read(path)
    assert info.presentation.last_duration == 5
    assert [frame.duration for frame in frames] == [Fraction(1, 25), Fraction(1, 25), 5]


def test_frames_before_zero(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", "ffv1", range(-3, 9))
    _, frames, constant = read(path)
    assert [frame.pts for frame in frames] == [Fraction(number, 25) for number in range(12)] and constant


def test_a_stream_without_times(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    path = make_clip(tmp_path / "a.264", rate=rate, unit=1 / rate, options=B_FRAMES, container="h264")
    info, frames, constant = read(path)
    assert [frame.pts for frame in frames] == [number / rate for number in range(12)]
    assert info.frame_rate == rate and constant
    assert_index_agrees(path, frames)


def test_the_counter_of_a_transport_stream_wraps(tmp_path: Path) -> None:
    start = (1 << 33) // 3600 - 41  # within the clip, behind the delays that the muxer adds
    path = make_clip(tmp_path / "a.ts", times=range(start, start + 60), options=B_FRAMES)
    _, frames, _ = read(path)
    assert [frame.pts for frame in frames] == [Fraction(number, 25) for number in range(60)]
    assert_index_agrees(path, frames)


def test_recordings_put_together(tmp_path: Path) -> None:
    """The second one begins its count anew, far behind the end of the first."""
    first = make_clip(tmp_path / "a.ts", times=range(250, 262), options=B_FRAMES)
    second = make_clip(tmp_path / "b.ts", options=B_FRAMES)
    path = tmp_path / "joined.ts"
    path.write_bytes(numbered(first.read_bytes() + second.read_bytes()))
    _, frames, _ = read(path)
    assert [frame.pts for frame in frames] == [Fraction(number, 25) for number in range(24)]
    assert_index_agrees(path, frames)


def test_the_clock_makes_times_rise() -> None:
    def told(*stamps: int | None) -> list[Fraction]:
        clock = Clock(Fraction(1, 100), Fraction(25))
        return [clock(stamp) * 100 for stamp in stamps]

    assert told(7, 11, 15) == [0, 4, 8]
    assert told(None, None, None) == [0, 4, 8]
    assert told(3, None, 9) == [0, 4, 6]
    assert told(0, 0, 8, 8, 8, 9) == [0, 1, 8, 9, 10, 11]
    assert told(0, 8, 4, 12) == [0, 8, 9, 12]
    assert told(1000, 1004, 5, 9, 13) == [0, 4, 8, 12, 16]
    assert told(1000, 1004, 5, 5, 1004) == [0, 4, 8, 9, 1007]

"""Files that end too early, and files that only seem to."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest

from core.errors import MediaError
from core.media.index import FrameIndex
from core.media.reader import open_video
from tests.media.clips_in import make_clip

CASES = Path(__file__).parent / "cases"
B_FRAMES = {"bf": "3", "g": "8"}
TELLING = {
    "plain.mp4": ("libx264", {"bf": "0"}, "yuv420p", {}),
    "faststart.mp4": ("libx264", B_FRAMES, "yuv420p", {"movflags": "faststart"}),
    "prores.mov": ("prores", {}, "yuv422p10le", {}),
    "b.mkv": ("libx264", B_FRAMES, "yuv420p", {}),
    "live.mkv": ("libx264", B_FRAMES, "yuv420p", {"live": "1"}),
    "vp8.webm": ("libvpx", {"deadline": "realtime"}, "yuv420p", {}),
    "b.avi": ("libx264", B_FRAMES, "yuv420p", {}),
    "mjpeg.avi": ("mjpeg", {}, "yuvj420p", {}),
    "a.flv": ("flv", {}, "yuv420p", {}),
    "a.wmv": ("wmv2", {}, "yuv420p", {}),
    "a.mxf": ("mpeg2video", {}, "yuv420p", {}),
    "a.gif": ("gif", {}, "rgb8", {}),
}
"""Coding, options, pixel format and options of the container, where the container says how long it is."""


def delivered(path: Path) -> tuple[int, bool]:
    """How many frames are read, and whether an error follows."""
    count = 0
    try:
        with open_video(path) as reader:
            for _ in reader:
                count += 1
    except MediaError:
        return count, True
    return count, False


@pytest.mark.parametrize("name", TELLING)
def test_no_cut_passes_for_the_whole(tmp_path: Path, name: str) -> None:
    codec, options, pixel_format, container_options = TELLING[name]
    whole = make_clip(
        tmp_path / name, codec,
        options=options, pixel_format=pixel_format, container_options=container_options,
    )  # fmt: skip
    data = whole.read_bytes()
    assert delivered(whole) == (12, False)
    assert len(FrameIndex(whole)) == 12
    cuts = np.random.default_rng(0).integers(len(data) // 4, len(data) - 1, 12).tolist()
    for size in (*cuts, len(data) - 1):
        path = tmp_path / f"cut{whole.suffix}"
        path.write_bytes(data[:size])
        count, error = delivered(path)
        assert error or count == 12, f"cut to {size} of {len(data)} bytes, {count} frames pass for the whole"


def test_a_flash_file_that_is_cut_between_two_tags(tmp_path: Path) -> None:
    """Its last bytes are in order: only the size that its script states tells."""
    whole = make_clip(tmp_path / "a.flv", "flv")
    data = whole.read_bytes()
    ends = [13]
    while ends[-1] < len(data):
        ends.append(ends[-1] + 15 + int.from_bytes(data[ends[-1] + 1 : ends[-1] + 4], "big"))
    assert ends[-1] == len(data)
    whole.write_bytes(data[: ends[-4]])
    count, error = delivered(whole)
    assert 0 < count < 12 and error


def test_missing_frames_before_the_end_are_no_ordinary_end(footage: SimpleNamespace) -> None:
    frames, text = footage.read_until_error(CASES / "truncated.mkv")
    assert len(frames) == 47 and "truncated.mkv is damaged or cut short at frame 47;" in text
    with pytest.raises(MediaError, match="cut short"):
        FrameIndex(CASES / "truncated.mkv")


@pytest.mark.parametrize("tag", [b"00:00:09.0000", b"yesterday, no", b"1/0:00:00.000"])
def test_a_tag_alone_does_not_make_a_file_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, tag: bytes
) -> None:
    path = make_clip(tmp_path / "a.mkv", times=range(50), options=B_FRAMES)
    data = path.read_bytes()
    assert data.count(b"00:00:02.0000") == 1
    path.write_bytes(data.replace(b"00:00:02.0000", tag))
    with caplog.at_level(logging.WARNING), open_video(path) as reader:
        frames = list(reader)
        assert reader.info.duration == 2
    assert len(frames) == 50 and len(FrameIndex(path)) == 50
    assert frames[-1].duration == frames[0].duration
    assert len(caplog.records) == (1 if tag.startswith(b"00:00:09") else 0)
    if caplog.records:
        assert "last 9 s, but they end at 2 s" in caplog.records[0].getMessage()


def test_a_file_that_lost_only_its_index(tmp_path: Path) -> None:
    """What Matroska has after the last cluster holds no pictures."""
    path = make_clip(tmp_path / "a.mkv", options=B_FRAMES)
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\x1c\x53\xbb\x6b") + 6])
    assert delivered(path) == (12, False)


@pytest.mark.parametrize("codec", ["libx264", "mpeg2video"])
def test_a_transport_stream_that_begins_between_key_frames(tmp_path: Path, codec: str) -> None:
    """Packets without their key frame are no frames."""
    whole = make_clip(tmp_path / "whole.ts", codec, range(40), options={"bf": "2", "g": "10"})
    with open_video(whole) as reader:
        expected = {frame.rgb.tobytes() for frame in reader}
    path = tmp_path / "a.ts"
    data = whole.read_bytes()
    path.write_bytes(data[: 3 * 188] + data[len(data) // 188 // 8 * 188 :])
    with av.open(str(path)) as container:
        packets = sum(1 for packet in container.demux(video=0) if packet.size)
    with open_video(path) as reader:
        frames = list(reader)
    index = FrameIndex(path)
    assert len(index) == len(frames) < packets
    assert sum(frame.rgb.tobytes() in expected for frame in frames) == len(frames) >= 28
    for start in (0, 7, len(frames) - 2):
        for found, frame in zip(index.read(start, 2), frames[start : start + 2], strict=True):
            assert (found.pts, found.duration) == (frame.pts, frame.duration)
            np.testing.assert_array_equal(found.rgb, frame.rgb)

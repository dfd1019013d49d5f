"""Decodes of many frames, which are made in parts: the same pictures, and taken up after a stop."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from material import moving, read, write, write_timed
from test_shared import Alone
from toy import Codes, Levels, load

from core.coding import decode as decoding
from core.coding import segments, shared
from core.coding.decode import decode, decode_video
from core.coding.encode import encode
from core.coding.shared import DecodingWorker, decode_frames
from core.errors import ForeignError, StreamError
from core.hooks import Picture, PictureFormat
from core.media.limits import STANDARD
from core.stream import StreamReader


class Counting(Levels):
    """Notes how many pictures it shows, and is interrupted at one."""

    def __init__(self, last: int | None = None) -> None:
        super().__init__()
        self.shown, self._last = 0, last

    def picture(self, codes: Codes, format: PictureFormat) -> Picture:
        if self.shown == self._last:
            raise KeyboardInterrupt
        self.shown += 1
        return super().picture(codes, format)


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "SEGMENT_FRAMES", 4)
    monkeypatch.setattr(segments, "SEGMENT_FRAMES", 4)
    monkeypatch.setattr(shared, "MIN_FRAMES", 3)


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    encode(write(tmp_path / "in.y4m", moving(18)), tmp_path / "in.mdv", load(gop=3))
    return tmp_path / "in.mdv"


def by_crew(path: Path, output: Path, codec: Levels, **options: int | None) -> None:
    loaded = load(codec, gop=3)
    crew = Alone(DecodingWorker(loaded, path, STANDARD, path.parent / "not seen"))
    made = partial(decode_frames, crew, lambda parts: None)
    decode_video(path, output, crew.hello, shared=made, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(("start", "frames"), [(0, None), (2, 13), (7, None), (0, 8)])
def test_the_pictures_and_times_of_a_decode_in_one_piece(
    stream: Path, tmp_path: Path, suffix: str, start: int, frames: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"start": start, "frames": frames, "crf": 1}
    decode_video(stream, tmp_path / f"parts{suffix}", load(gop=3), **options)  # type: ignore[arg-type]
    by_crew(stream, tmp_path / f"crew{suffix}", Levels(), **options)
    monkeypatch.setattr(decoding, "SEGMENT_FRAMES", 99)
    decode_video(stream, tmp_path / f"whole{suffix}", load(gop=3), **options)  # type: ignore[arg-type]
    assert (tmp_path / f"crew{suffix}").read_bytes() == (tmp_path / f"parts{suffix}").read_bytes()
    pictures, times = read(tmp_path / f"parts{suffix}")
    wanted, shown = read(tmp_path / f"whole{suffix}")
    assert times == shown and len(times) == (frames or 18 - start)
    for picture, other in zip(pictures, wanted, strict=True):
        assert float(np.abs(picture - other).mean()) < 0.01
    assert not list(tmp_path.glob("*.parts"))


def test_frames_of_their_own_times(tmp_path: Path) -> None:
    times = [0, 40, 70, 200, 215, 300, 500, 540, 600]
    encode(write_timed(tmp_path / "in.mkv", moving(9), times), tmp_path / "in.mdv", load(gop=2))
    with pytest.raises(KeyboardInterrupt):
        decode(tmp_path / "in.mdv", tmp_path / "out.mp4", load(Counting(7), gop=2))
    decode(tmp_path / "in.mdv", tmp_path / "out.mp4", load(gop=2))
    assert read(tmp_path / "out.mp4")[1] == [Fraction(time, 1000) for time in times]


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize(("last", "kept"), [(3, 0), (5, 4), (17, 16)])
def test_a_decode_that_was_stopped_goes_on(
    stream: Path, tmp_path: Path, shares: bool, last: int, kept: int
) -> None:
    decode(stream, tmp_path / "one.mp4", load(gop=3))
    with pytest.raises(KeyboardInterrupt):
        decode(stream, tmp_path / "out.mp4", load(Counting(last), gop=3))
    assert not (tmp_path / "out.mp4").exists()
    again = Counting()
    if shares:
        by_crew(stream, tmp_path / "out.mp4", again)
    else:
        decode(stream, tmp_path / "out.mp4", load(again, gop=3))
    assert again.shown == 18 - kept // 3 * 3  # from the intra frame before
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "one.mp4").read_bytes()
    assert not list(tmp_path.glob("*.parts"))


def test_a_stop_while_parts_are_joined(stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(segments, "concatenate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            decode_video(stream, tmp_path / "out.mp4", load(gop=3), frames=16)
    again = Counting()
    decode_video(stream, tmp_path / "out.mp4", load(again, gop=3), frames=16)
    assert again.shown == 4 and len(read(tmp_path / "out.mp4")[1]) == 16


def test_another_decode_begins_anew(stream: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt):
        decode(stream, tmp_path / "out.mp4", load(Counting(9), gop=3))
    again = Counting()
    caplog.set_level("INFO")
    decode_video(stream, tmp_path / "out.mp4", load(again, gop=3), crf=30)
    assert again.shown == 18 and "task.crf was 16 and is 30" in caplog.text


def test_what_lies_before_a_damage(stream: Path, tmp_path: Path) -> None:
    with StreamReader(stream) as reader:
        payload = list(reader)[10].payload
    data = bytearray(stream.read_bytes())
    data[data.index(payload) + 5] ^= 1
    stream.write_bytes(data)
    with pytest.raises(StreamError, match=r"The 10 frames before are in .*out\.mp4"):
        decode(stream, tmp_path / "out.mp4", load(gop=3))
    assert len(read(tmp_path / "out.mp4")[1]) == 10 and not list(tmp_path.glob("*.parts"))


def test_a_folder_of_somebody_else_is_left_alone(stream: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mp4.parts").mkdir()
    (tmp_path / "out.mp4.parts" / "mine").touch()
    with pytest.raises(ForeignError, match="is not a folder of ours"):
        decode(stream, tmp_path / "out.mp4", load(gop=3))

"""Coding through pipes: frames as they come, streams that grow, and videos for players."""

from __future__ import annotations

import io
import os
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from material import expected, moving, write
from toy import Levels, Pairs, load

from core.coding.encode import encode
from core.coding.frames import Fault, StreamDecoder, StreamFault
from core.coding.live import decode_live, encode_live
from core.coding.records import FrameRecord
from core.errors import MediaError, StreamError
from core.media.pipe import LiveReader
from core.media.reader import open_video
from core.stream import StreamReader


@pytest.mark.parametrize("suffix", [".y4m", ".mkv"])
def test_a_pipe_gives_the_frames_of_the_file(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"in{suffix}", moving(9))
    with open_video(source) as reader:
        wanted = list(reader)
    with source.open("rb") as pipe, LiveReader(_forward_only(pipe)) as reader:
        frames = list(reader)
        assert reader.info.frame_rate == 25 and reader.has_constant_rate() == (suffix == ".y4m")
    for frame, other in zip(frames, wanted, strict=True):
        np.testing.assert_array_equal(frame.rgb, other.rgb)
        assert frame.pts == other.pts


class _Pipe(io.RawIOBase):
    """What only reads on."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readable(self) -> bool:
        return True


def _forward_only(file: io.BufferedReader) -> _Pipe:
    return _Pipe(file)


def test_a_pipe_of_something_else() -> None:
    with pytest.raises(MediaError, match="standard input gives no video of a kind that is read"):
        LiveReader(io.BytesIO(b"no video" * 99))


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
def test_a_stream_into_a_pipe_is_that_of_a_file(tmp_path: Path, codec: Levels) -> None:
    source = write(tmp_path / "in.y4m", moving(9))
    encode(source, tmp_path / "out.mdv", load(codec, 4))
    records: list[FrameRecord] = []
    with open_video(source) as reader, (tmp_path / "live.mdv").open("wb") as pipe:
        encode_live(reader, pipe, load(codec, 4), note=records.append)
    assert (tmp_path / "live.mdv").read_bytes() == (tmp_path / "out.mdv").read_bytes() and len(records) == 9


def test_a_stream_is_followed_while_it_grows(tmp_path: Path) -> None:
    """Each packet's frame is there before the next packet is."""
    encode(write(tmp_path / "in.y4m", moving(6)), tmp_path / "out.mdv", load(gop=3))
    data = (tmp_path / "out.mdv").read_bytes()
    with StreamReader(tmp_path / "out.mdv") as reader:
        ends = [packet.position + packet.size for packet in reader.scan()]
    incoming, outgoing = os.pipe()
    with os.fdopen(incoming, "rb") as pipe, os.fdopen(outgoing, "wb", buffering=0) as writer:
        writer.write(data[: ends[0]])
        with StreamDecoder(Path("-"), load(gop=3), pipe=pipe) as stream:
            frames = stream.frames()
            for number, picture in enumerate(expected(tmp_path / "in.y4m")):
                frame = next(frames)
                assert frame.time == number
                np.testing.assert_array_equal(frame.picture, picture)
                writer.write(data[ends[number] : ends[number + 1]] if number < 5 else data[ends[5] :])
            assert next(frames, None) is None


def test_a_pipe_that_ends_too_early(tmp_path: Path) -> None:
    encode(write(tmp_path / "in.y4m", moving(6)), tmp_path / "out.mdv", load(gop=3))
    data = (tmp_path / "out.mdv").read_bytes()
    with (
        StreamDecoder(Path("-"), load(gop=3), pipe=io.BytesIO(data[:-9])) as stream,
        pytest.raises(StreamFault, match=r"- is cut short") as told,
    ):
        list(stream.frames())
    assert told.value.kind is Fault.CUT_SHORT
    with (
        StreamDecoder(Path("-"), load(gop=3), pipe=io.BytesIO(data[:-200])) as stream,
        pytest.raises(StreamError, match=r"The 5 frames before are in .*back\.y4m"),
    ):
        decode_live(stream, tmp_path / "back.y4m", pipe=None, seen=lambda parts: None)
    with open_video(tmp_path / "back.y4m") as reader:
        assert len(list(reader)) == 5


@pytest.mark.parametrize("suffix", [".y4m", ".mkv"])
def test_a_video_into_a_pipe_plays(tmp_path: Path, suffix: str) -> None:
    encode(write(tmp_path / "in.y4m", moving(6)), tmp_path / "out.mdv", load(Levels(1)))
    incoming, outgoing = os.pipe()
    shown: list[tuple[Fraction, np.ndarray]] = []

    def watch() -> None:
        with os.fdopen(incoming, "rb") as pipe, LiveReader(pipe) as reader:
            shown.extend((frame.pts, frame.rgb) for frame in reader)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with os.fdopen(outgoing, "wb") as pipe, StreamDecoder(tmp_path / "out.mdv", load(Levels(1))) as stream:
        result = decode_live(stream, Path(f"-{suffix}"), pipe=pipe, crf=1, seen=lambda parts: None)
    watcher.join(20)
    assert result.frames == len(shown) == 6
    assert [round(time * 25) for time, _ in shown] == list(range(6))
    for (_, picture), frame in zip(shown, moving(6), strict=True):
        assert float(np.abs(picture - frame).mean()) < 0.02

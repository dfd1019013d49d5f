"""Coding through pipes: frames as they come, streams that grow, and videos for players."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
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
from core.media.video import Frame
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


@pytest.mark.parametrize(("suffix", "seekable"), [(".y4m", False), (".y4m", True), (".mkv", True)])
def test_a_pipe_that_ends_within_a_frame(tmp_path: Path, suffix: str, seekable: bool) -> None:
    """Its whole frames, then the error of a file; of what reads only on, as y4m says it."""
    whole = write(tmp_path / f"in{suffix}", moving(9)).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3])
    with (
        (tmp_path / "cut").open("rb") as pipe,
        LiveReader(pipe if seekable else _forward_only(pipe)) as reader,
    ):
        frames = []
        with pytest.raises(
            MediaError, match=r"damaged or cut short at frame [2-8]; the frames before it are"
        ):
            frames.extend(reader)
        assert 2 <= len(frames) <= 8


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


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
@pytest.mark.parametrize("error", [MediaError("the camera is gone"), KeyboardInterrupt(), SystemExit(143)])
def test_what_came_before_an_end_is_a_whole_stream(
    tmp_path: Path, codec: Levels, error: BaseException
) -> None:
    class Ending(LiveReader):
        def __iter__(self) -> Iterator[Frame]:
            yield from islice(super().__iter__(), 6)
            raise error

    source = write(tmp_path / "in.y4m", moving(9))
    with source.open("rb") as pipe, Ending(pipe) as reader, (tmp_path / "out.mdv").open("wb") as file:
        ended = encode_live(reader, file, load(codec, 4), note=lambda record: None)
    assert ended is error
    with StreamDecoder(tmp_path / "out.mdv", load(codec, 4)) as stream:
        assert [frame.time for frame in stream.frames()] == [0, 1, 2, 3, 4, 5][: 5 if codec.reorders else 6]


def test_a_stop_while_a_stream_is_followed_completes_the_file(tmp_path: Path) -> None:
    encode(write(tmp_path / "in.y4m", moving(6)), tmp_path / "out.mdv", load(gop=3))
    count = 0

    def stop(parts: int) -> None:
        nonlocal count
        count += parts
        if count == 4:
            raise KeyboardInterrupt

    with StreamDecoder(tmp_path / "out.mdv", load(gop=3)) as stream:
        decode_live(stream, tmp_path / "back.mp4", pipe=None, seen=stop)
    with open_video(tmp_path / "back.mp4") as reader:
        assert len(list(reader)) == 4


def test_an_address_that_falls_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.media.pipe.SILENCE", 1.0)
    data = write(tmp_path / "in.y4m", moving(9)).read_bytes()
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(data[: len(data) * 2 // 3])
                done.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        frames: list[Frame] = []
        try:
            with (
                LiveReader(address) as reader,
                pytest.raises(MediaError, match=rf"^{address} sent nothing for 1 s after \d frames"),
            ):
                frames.extend(reader)
        finally:
            done.set()
            thread.join()
    assert len(frames) > 1
    with pytest.raises(MediaError, match=r"^http://127\.0\.0\.1:1/a\.ts gives no video"):
        LiveReader("http://127.0.0.1:1/a.ts")

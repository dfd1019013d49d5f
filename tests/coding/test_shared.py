"""Coding that is shared out: the same bytes, pictures and faults as by one process, whoever is killed on the way."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from material import moving, shots, write, write_timed
from toy import Levels, Pairs, load

from core.coding import shared
from core.coding.codec import LoadedCodec
from core.coding.decode import decode, decode_video
from core.coding.encode import encode, encode_video
from core.coding.shared import DecodingWorker, EncodingWorker, decode_frames, encoding
from core.coding.verify import verify
from core.crew import LocalCrew, Seen, Where, Worker
from core.errors import CrewError, StreamError
from core.hooks import Array, PictureFormat
from core.media.excerpt import ExcerptReader, Film
from core.media.index import FrameIndex
from core.media.limits import STANDARD
from core.media.reader import open_video
from core.stream import StreamReader


class Alone:
    """A crew of one worker of this process, which is interrupted after some ``pieces``."""

    size = 1

    def __init__(self, worker: Worker, pieces: int | None = None) -> None:
        self._worker, self._left = worker, pieces
        self.hello = worker.hello

    def run(self, pieces: Iterable[Any], seen: Seen, ahead: int | None = None) -> Iterator[tuple[Any, Any]]:
        for piece in pieces:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left = None if self._left is None else self._left - 1
            yield piece, self._worker.do(pickle.loads(pickle.dumps(piece)), seen)

    def __enter__(self) -> Alone:
        return self

    def __exit__(self, *raised: Any) -> None: ...


def film_of(source: Path) -> Film:
    index = FrameIndex(source)
    return Film(index, 0, len(index))


def encode_shared(source: Path, output: Path, loaded: LoadedCodec, pieces: int | None = None) -> int:
    """Returns how many frames were coded on the way."""
    film, seen = film_of(source), list[int]()
    crew = Alone(EncodingWorker(loaded, film, estimate=False), pieces)
    with open_video(source) as reader:
        coder = encoding(crew, film, seen.append)
        encode_video(reader, output, crew.hello, source=source, coder=coder)
    return sum(seen)


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MIN_FRAMES", 5)


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
@pytest.mark.parametrize(("gop", "suffix"), [(1, ".y4m"), (4, ".mp4"), (7, ".mkv"), (50, "")])
def test_the_bytes_of_one_process(tmp_path: Path, codec: Levels, gop: int, suffix: str) -> None:
    source = write(tmp_path / f"in{suffix}", moving(17))
    encode(source, tmp_path / "one.mdv", load(codec, gop))
    assert encode_shared(source, tmp_path / "two.mdv", load(codec, gop)) == 17
    assert (tmp_path / "two.mdv").read_bytes() == (tmp_path / "one.mdv").read_bytes()


@pytest.mark.parametrize("gop", [0, 8])
def test_shots_are_pieces(tmp_path: Path, gop: int) -> None:
    source = write(tmp_path / "in.mp4", shots("city_night", "box_handheld", 11))
    loaded = replace(load(gop=gop), scene_cut=True)
    encode(source, tmp_path / "one.mdv", loaded)
    encode_shared(source, tmp_path / "two.mdv", loaded)
    assert (tmp_path / "two.mdv").read_bytes() == (tmp_path / "one.mdv").read_bytes()
    with StreamReader(tmp_path / "two.mdv") as reader:
        intra = [packet.time for packet in reader if packet.type == 1]
    assert intra == ([0, 11] if gop == 0 else [0, 8, 11, 19])


def test_times_of_their_own_and_a_part(tmp_path: Path) -> None:
    source = write_timed(tmp_path / "in.mkv", moving(9), [0, 40, 70, 200, 215, 300, 500, 540, 600])
    encode(source, tmp_path / "one.mdv", load(gop=2))
    encode_shared(source, tmp_path / "two.mdv", load(gop=2))
    assert (tmp_path / "two.mdv").read_bytes() == (tmp_path / "one.mdv").read_bytes()
    with ExcerptReader(FrameIndex(source), 2, 8) as reader:
        encode_video(reader, tmp_path / "part.mdv", load(gop=2), source=source)
    with ExcerptReader(FrameIndex(source), 2, 8) as reader:
        crew = Alone(EncodingWorker(load(gop=2), reader.film, estimate=False))
        coder = encoding(crew, reader.film, lambda parts: None)
        encode_video(reader, tmp_path / "again.mdv", crew.hello, source=source, coder=coder)
    assert (tmp_path / "again.mdv").read_bytes() == (tmp_path / "part.mdv").read_bytes()


def test_an_interrupted_job_goes_on_by_any_number_of_processes(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(30))
    encode(source, tmp_path / "one.mdv", load(gop=2))
    for name, resumed in (("shared.mdv", True), ("alone.mdv", False)):
        with pytest.raises(KeyboardInterrupt):
            encode_shared(source, tmp_path / name, load(gop=2), pieces=3)
        again = Levels()
        if resumed:
            assert encode_shared(source, tmp_path / name, load(again, gop=2)) == 14
        else:
            encode(source, tmp_path / name, load(again, gop=2))
        assert again.frames == list(range(16, 30))  # of 18 that were done, the last group is coded again
        assert (tmp_path / name).read_bytes() == (tmp_path / "one.mdv").read_bytes()


def test_one_group_is_refused_before_work_begins(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(3))
    with pytest.raises(CrewError, match=r"codec\.gop=0 makes one group"):
        encode_shared(source, tmp_path / "out.mdv", load(gop=0))
    with pytest.raises(CrewError, match=r"in one piece: give codec\.closed=true"):
        encode_shared(source, tmp_path / "out.mdv", replace(load(), places_intra=True))
    assert [path.name for path in tmp_path.iterdir()] == ["in.y4m"]


def decode_shared(path: Path, output: Path, loaded: LoadedCodec, **options: Any) -> None:
    folder = path.parent / "raw"
    folder.mkdir(exist_ok=True)
    crew = Alone(DecodingWorker(loaded, path, STANDARD, folder))
    by_crew = partial(decode_frames, crew, lambda parts: None)
    decode_video(path, output, crew.hello, shared=by_crew, **options)


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
@pytest.mark.parametrize("suffix", [".mp4", ".y4m"])
@pytest.mark.parametrize(("start", "frames"), [(0, None), (3, 6), (9, None)])
def test_the_pictures_of_one_process(
    tmp_path: Path, codec: Levels, suffix: str, start: int, frames: int | None
) -> None:
    loaded = load(codec, gop=2)
    encode(write(tmp_path / "in.y4m", moving(20)), tmp_path / "in.mdv", loaded)
    decode_video(tmp_path / "in.mdv", tmp_path / f"one{suffix}", loaded, start=start, frames=frames)
    decode_shared(tmp_path / "in.mdv", tmp_path / f"two{suffix}", loaded, start=start, frames=frames)
    assert (tmp_path / f"two{suffix}").read_bytes() == (tmp_path / f"one{suffix}").read_bytes()


@pytest.mark.parametrize("packet", [0, 7, 19])
def test_damage_is_told_as_by_one_process(tmp_path: Path, packet: int) -> None:
    loaded, path = load(gop=2), tmp_path / "in.mdv"
    encode(write(tmp_path / "in.y4m", moving(20)), path, loaded)
    with StreamReader(path) as reader:
        payload = list(reader)[packet].payload
    data = bytearray(path.read_bytes())
    data[data.index(payload) + 5] ^= 1
    path.write_bytes(data)
    crew = Alone(DecodingWorker(loaded, path, STANDARD, None))
    by_crew = partial(decode_frames, crew, lambda parts: None)
    one, two = verify(path, loaded), verify(path, loaded, shared=by_crew)
    assert (one.frames, one.description) == (two.frames, two.description) and one.frames == packet
    if packet:
        with pytest.raises(StreamError) as first:
            decode(path, tmp_path / "back.y4m", loaded)
        before = (tmp_path / "back.y4m").read_bytes()
        (tmp_path / "back.y4m").unlink()
        with pytest.raises(StreamError) as second:
            decode_shared(path, tmp_path / "back.y4m", loaded)
        assert str(second.value) == str(first.value)
        assert (tmp_path / "back.y4m").read_bytes() == before


@dataclass
class Mortal:
    """Makes an encoding worker whose process is killed at a frame, once."""

    source: Path
    flag: Path

    def __call__(self, where: Where) -> EncodingWorker:
        return EncodingWorker(load(Killed(self.flag), gop=2), film_of(self.source), estimate=False)


class Killed(Levels):
    """A codec that ends its process at the tenth frame of all, once."""

    def __init__(self, flag: Path) -> None:
        super().__init__()
        self._flag = flag

    def codes(self, frame: Array, format: PictureFormat) -> np.ndarray:
        if self._flag.exists() and self.frames[-1] == 10:
            self._flag.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().codes(frame, format)


@pytest.mark.heavy
def test_a_worker_that_is_killed_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source, flag = write(tmp_path / "in.y4m", moving(40)), tmp_path / "flag"
    encode(source, tmp_path / "one.mdv", load(gop=2))
    flag.touch()
    seen: list[int] = []
    with LocalCrew(Mortal(source, flag), 2) as crew, open_video(source) as reader:
        coder = encoding(crew, film_of(source), seen.append)
        encode_video(reader, tmp_path / "two.mdv", replace(crew.hello), source=source, coder=coder)
    assert not flag.exists() and sum(seen) == 40
    assert "ended by SIGKILL; what it was at, frames" in caplog.text
    assert (tmp_path / "two.mdv").read_bytes() == (tmp_path / "one.mdv").read_bytes()

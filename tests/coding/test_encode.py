"""Encoding with the toy codecs: what is in the file, and what goes wrong."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from material import RATE, expected, moving, read, write, write_timed
from toy import Levels, Pairs, load, packets_of, records_of

from core.coding.encode import encode, encode_video
from core.coding.frames import StreamDecoder
from core.errors import BusyError, MediaError
from core.hooks import Array, PictureFormat
from core.media import claim
from core.media.reader import RawFormat, open_video
from core.metrics.quality import as_stored, psnr


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
@pytest.mark.parametrize("count", [1, 2, 13])
@pytest.mark.parametrize("gop", [1, 2, 12, 0])
def test_every_frame_comes_back(tmp_path: Path, codec: Levels, count: int, gop: int) -> None:
    source = write(tmp_path / "in.y4m", moving(count))
    loaded = load(codec, gop)
    result = encode(source, tmp_path / "out.mdv", loaded)
    assert result.frames == count
    with StreamDecoder(tmp_path / "out.mdv", loaded) as stream:
        frames = list(stream.frames())
    assert [frame.time for frame in frames] == list(range(count))
    for frame, picture in zip(frames, expected(source), strict=True):
        np.testing.assert_array_equal(frame.picture, picture)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "out.mdv"]


def test_the_rate_is_that_of_the_file(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(5, 47, 35))
    output = tmp_path / "out.mdv"
    result = encode(source, output, load())
    assert result.bytes == output.stat().st_size
    assert result.bpp == result.bytes * 8 / (5 * 47 * 35)
    assert result.bytes > sum(len(packet.payload) for packet in packets_of(output))
    shown = zip(expected(source), read(source)[0], strict=True)
    values = [psnr(picture / 255, as_stored(frame)) for picture, frame in shown]
    assert result.psnr == pytest.approx(np.mean(values), abs=1e-9)
    assert result.estimated_bpp is None
    assert f"{result.bpp:.4f} bpp" in result.description


def test_the_record_of_every_frame(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(6))
    records = records_of(source, tmp_path / "out.mdv", Pairs(), estimate=True)
    packets = packets_of(tmp_path / "out.mdv")
    assert [(r.type, r.time, r.bytes) for r in records] == [
        (packet.type.name.lower(), packet.time, len(packet.payload)) for packet in packets
    ]
    assert [record.time for record in records] == [0, 2, 1, 4, 3, 5]  # pairs are coded the later first
    assert [record.estimated_bits for record in records] == [len(p.payload) * 7.5 for p in packets]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".y4m", ""])
def test_sources_of_all_kinds(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"in{suffix}", moving(7), rate=Fraction(24000, 1001))
    encode(source, tmp_path / "out.mdv", load())
    with StreamDecoder(tmp_path / "out.mdv", load()) as stream:
        header = stream.header
        frames = list(stream.frames())
    rate = Fraction(24000, 1001) if suffix else RATE
    assert (header.width, header.height, header.depth) == (48, 36, 8)
    assert (header.frame_rate, header.time_base) == (rate, 1 / rate)
    assert [frame.time for frame in frames] == list(range(7))
    for frame, picture in zip(frames, expected(source), strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_raw_planes(tmp_path: Path) -> None:
    source = tmp_path / "in.yuv"
    source.write_bytes(np.random.default_rng(0).integers(0, 256, 48 * 36 * 3 // 2 * 4, np.uint8).tobytes())
    with open_video(source, raw=RawFormat(48, 36)) as reader:
        assert encode_video(reader, tmp_path / "out.mdv", load(), source=source).frames == 4


def test_samples_of_ten_bits(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(3), pixel_format="yuv444p10le")
    encode(source, tmp_path / "out.mdv", load(Levels(step=1)))
    with StreamDecoder(tmp_path / "out.mdv", load(Levels(step=1))) as stream:
        assert stream.header.depth == 10
        frames = list(stream.frames())
    for frame, picture in zip(frames, expected(source, 10, Levels(step=1)), strict=True):
        np.testing.assert_array_equal(frame.picture, picture)


def test_frames_at_times_of_their_own(tmp_path: Path) -> None:
    times = [0, 40, 70, 200, 215, 300, 500]
    source = write_timed(tmp_path / "in.mkv", moving(7), times)
    encode(source, tmp_path / "out.mdv", load())
    with StreamDecoder(tmp_path / "out.mdv", load()) as stream:
        unit = stream.header.time_base
        assert [frame.time * unit * 1000 for frame in stream.frames()] == times


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.y4m", moving(2))
    monkeypatch.setattr(claim.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 0}))
    with pytest.raises(MediaError, match=r"has 0\.00 MB free: make room"):
        encode(source, tmp_path / "out.mdv", load())
    assert list(tmp_path.iterdir()) == [source]


def test_two_encodes_to_one_file(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(3))

    class Nested(Levels):
        def codes(self, frame: Array, format: PictureFormat) -> np.ndarray:
            encode(source, tmp_path / "out.mdv", load())
            return super().codes(frame, format)

    with pytest.raises(BusyError, match="another process is making it"):
        encode(source, tmp_path / "out.mdv", load(Nested()))
    assert encode(source, tmp_path / "out.mdv", load()).frames == 3


def test_a_damaged_source(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.y4m", moving(7))
    source = tmp_path / "in.y4m"
    source.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(MediaError, match=r"in\.y4m is damaged or cut short at frame 6"):
        encode(source, tmp_path / "out.mdv", load())
    assert not (tmp_path / "out.mdv").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("out.mp4", r"write \.mdv"), ("none/out.mdv", "is not a folder"), ("old.mdv", r"task\.overwrite=true")],
)
def test_an_output_that_cannot_be(tmp_path: Path, name: str, sentence: str) -> None:
    source = write(tmp_path / "in.y4m", moving(2))
    (tmp_path / "old.mdv").touch()
    with pytest.raises(MediaError, match=sentence):
        encode(source, tmp_path / name, load())


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        source = write(tmp_path / f"{count}.y4m", [moving(1, 160, 120)[0]] * count)
        tracemalloc.start()
        encode(source, tmp_path / f"{count}.mdv", load(Pairs(), gop=0))
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    few, many = peak(12), peak(72)
    frame = 160 * 120 * 3 * 4
    assert many - few < frame / 4  # not one of the 60 frames more is kept

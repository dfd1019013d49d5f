"""Decoding into real videos; damage, drift, the wrong model; and what verifying says of each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from material import expected, moving, read, script, write, write_timed
from PIL import Image
from toy import Codes, Levels, Pairs, load

from core.coding.codec import LoadedCodec
from core.coding.decode import decode, decode_video
from core.coding.encode import encode
from core.coding.frames import Fault
from core.coding.verify import verify
from core.errors import BusyError, MediaError, StreamError
from core.hooks import DecodedFrame, Packet, Picture, PictureFormat
from core.media.colour import Matrix, Range
from core.media.reader import open_video
from core.stream import StreamReader, StreamWriter


def pictures_in(folder: Path) -> list[Picture]:
    return [np.asarray(Image.open(path)).transpose(2, 0, 1) for path in sorted(folder.glob("*.png"))]


def stream(
    folder: Path, count: int = 9, codec: Levels | None = None, gop: int = 4
) -> tuple[Path, LoadedCodec]:
    """A stream of ``count`` frames and the codec that made it."""
    write(folder / "in.y4m", moving(count))
    loaded = load(codec or Levels(), gop)
    encode(folder / "in.y4m", folder / "out.mdv", loaded)
    return folder / "out.mdv", loaded


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
def test_a_folder_holds_the_pictures_as_decoded(tmp_path: Path, codec: Levels) -> None:
    path, loaded = stream(tmp_path, codec=codec)
    result = decode(path, tmp_path / "back", loaded)
    assert (result.frames, result.drift) == (9, "")
    shown = pictures_in(tmp_path / "back")
    for picture, wanted in zip(shown, expected(tmp_path / "in.y4m"), strict=True):
        np.testing.assert_array_equal(picture, wanted)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".y4m"])
@pytest.mark.parametrize(("width", "height"), [(48, 36), (47, 35)])
def test_files_of_all_kinds(tmp_path: Path, suffix: str, width: int, height: int) -> None:
    source = write(tmp_path / f"in{suffix}", moving(5, width, height), rate=Fraction(30000, 1001))
    encode(source, tmp_path / "out.mdv", load(Levels(1)))
    decode_video(tmp_path / "out.mdv", tmp_path / f"back{suffix}", load(Levels(1)), crf=1)
    before, times = read(source)
    after, shown = read(tmp_path / f"back{suffix}")
    assert [round(time * 1000) for time in shown] == [round(time * 1000) for time in times]
    for picture, wanted in zip(after, before, strict=True):
        assert float(np.abs(picture - wanted).mean()) < 0.012  # x264 and a second rounding to limited range


@pytest.mark.parametrize("matrix", [Matrix.BT601, Matrix.BT709])
@pytest.mark.parametrize("colour_range", list(Range))
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p"])
def test_colour_and_chroma_are_those_of_the_source(
    tmp_path: Path, matrix: Matrix, colour_range: Range, pixel_format: str
) -> None:
    source = write(
        tmp_path / "in.mp4", moving(2), matrix=matrix, range=colour_range, pixel_format=pixel_format
    )
    encode(source, tmp_path / "out.mdv", load())
    decode(tmp_path / "out.mdv", tmp_path / "back.mp4", load())
    with open_video(source) as before, open_video(tmp_path / "back.mp4") as after:
        assert (after.info.matrix, after.info.range) == (matrix, colour_range)
        assert after.info.pixel_format == before.info.pixel_format


def test_ten_bits_stay_ten_bits(tmp_path: Path) -> None:
    source = write(tmp_path / "in.y4m", moving(3), pixel_format="yuv444p10le")
    encode(source, tmp_path / "out.mdv", load(Levels(1)))
    decode(tmp_path / "out.mdv", tmp_path / "back.y4m", load(Levels(1)))
    with open_video(tmp_path / "back.y4m") as reader:
        assert reader.info.pixel_format == "yuv444p10le"
    for before, after in zip(read(source)[0], read(tmp_path / "back.y4m")[0], strict=True):
        assert float(np.abs(before - after).max()) < 3 / 1023  # RGB and YUV are rounded once each


def test_times_of_their_own(tmp_path: Path) -> None:
    times = [0, 40, 70, 200, 215, 300, 500]
    source = write_timed(tmp_path / "in.mkv", moving(7), times)
    encode(source, tmp_path / "out.mdv", load(Pairs(), gop=3))
    decode(tmp_path / "out.mdv", tmp_path / "back.mp4", load(Pairs(), gop=3))
    assert [round(time * 1000) for time in read(tmp_path / "back.mp4")[1]] == times


@pytest.mark.parametrize("codec", [Levels(), Pairs()])
@pytest.mark.parametrize(("start", "frames"), [(0, 3), (3, 2), (4, 4), (6, None), (8, 5)])
def test_a_part_of_a_stream(tmp_path: Path, codec: Levels, start: int, frames: int | None) -> None:
    path, loaded = stream(tmp_path, codec=codec)
    decode_video(path, tmp_path / "back", loaded, start=start, frames=frames)
    wanted = expected(tmp_path / "in.y4m")[start:][:frames]
    shown = pictures_in(tmp_path / "back")
    for picture, other in zip(shown, wanted, strict=True):
        np.testing.assert_array_equal(picture, other)


def test_a_part_that_is_not_there(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    with pytest.raises(StreamError, match="has no frame 9"):
        decode_video(path, tmp_path / "back.mp4", loaded, start=9)
    assert not (tmp_path / "back.mp4").exists()


def test_a_folder_is_replaced_when_all_is_done(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    back = tmp_path / "back"
    decode(path, back, loaded)
    decode_video(path, back, loaded, frames=2)
    assert len(pictures_in(back)) == 2
    (back / "notes.txt").touch()
    with pytest.raises(MediaError, match="exists"):
        decode(path, back, loaded)


def damaged(path: Path, packet: int) -> Path:
    """The stream with one byte of a packet's payload changed."""
    with StreamReader(path) as reader:
        payload = list(reader)[packet].payload
    data = bytearray(path.read_bytes())
    data[data.index(payload) + len(payload) // 2] ^= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ""])
@pytest.mark.parametrize("packet", [1, 4, 8])
def test_frames_before_a_damage_are_kept(tmp_path: Path, suffix: str, packet: int) -> None:
    path, loaded = stream(tmp_path)
    damaged(path, packet)
    back = tmp_path / f"back{suffix}"
    with pytest.raises(StreamError, match=rf"packet {packet}\b.* The {packet} frames before are in {back}"):
        decode(path, back, loaded)
    assert len(read(back)[0]) == packet
    result = verify(path, loaded)
    assert result.fault is not None and result.fault.kind is Fault.DAMAGED
    assert result.frames == packet


def test_no_output_where_the_first_packet_is_damaged(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    damaged(path, 0)
    with pytest.raises(StreamError, match="packet 0"):
        decode(path, tmp_path / "back.mp4", loaded)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.y4m", "out.mdv"]


def test_frames_held_back_at_a_damage_are_kept(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path, codec=Pairs())
    damaged(path, 2)  # frame 1, after frame 2
    with pytest.raises(StreamError, match="packet 2"):
        decode(path, tmp_path / "back", loaded)
    wanted = expected(tmp_path / "in.y4m")
    for picture, other in zip(pictures_in(tmp_path / "back"), [wanted[0], wanted[2]], strict=True):
        np.testing.assert_array_equal(picture, other)


def test_frames_that_are_never_shown_are_a_damage(tmp_path: Path) -> None:
    """As where a forger leaves out what others are to be shown after."""

    class Holding:
        def decode(self, packet: Packet) -> list[DecodedFrame]:
            return []

        def flush(self) -> list[DecodedFrame]:
            return []

    path, loaded = stream(tmp_path)
    loaded.codec.decoder = lambda format: Holding()  # type: ignore[method-assign]
    result = verify(path, loaded)
    assert result.frames == 0
    assert result.fault is not None and result.fault.kind is Fault.DAMAGED
    assert "frames are missing that others are shown after" in str(result.fault)


def test_a_stream_cut_short(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(StreamError, match="cut short"):
        decode(path, tmp_path / "back", loaded)
    result = verify(path, loaded)
    assert result.fault is not None and result.fault.kind is Fault.CUT_SHORT


def test_another_model_is_refused(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    other = replace(loaded, fingerprint=bytes([9]) * 16)
    with pytest.raises(StreamError, match=r"07070707.*09090909"):
        decode(path, tmp_path / "back.mp4", other)
    result = verify(path, other)
    assert result.fault is not None and result.fault.kind is Fault.WRONG_MODEL
    assert result.frames == 0


def with_symbols(path: Path, packet: int) -> Path:
    """The stream with another hash of a packet's symbols, sound otherwise."""
    with StreamReader(path) as reader:
        header, packets = reader.header, list(reader)
    packets[packet] = replace(packets[packet], symbols=packets[packet].symbols ^ 1)
    with StreamWriter.create(path, header) as writer:
        for each in packets:
            writer.write(each)
    return path


def test_a_desync_is_found_at_its_packet(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    with_symbols(path, 5)
    with pytest.raises(StreamError, match=r"packet 5.*symbols.* The 5 frames before are in"):
        decode(path, tmp_path / "back", loaded)
    assert len(pictures_in(tmp_path / "back")) == 5
    result = verify(path, loaded)
    assert result.fault is not None and result.fault.kind is Fault.DESYNC
    elsewhere = verify(path, replace(loaded, arithmetic="another"))
    assert "made by other arithmetic (toy; here: another)" in elsewhere.description


@pytest.mark.parametrize("codec", [Levels, Pairs])
def test_drift_is_told_and_is_no_error(tmp_path: Path, codec: type[Levels]) -> None:
    path, _ = stream(tmp_path, codec=codec())
    elsewhere = load(codec(error=1), gop=4, arithmetic="another")
    result = decode(path, tmp_path / "back", elsewhere)
    assert result.frames == 9
    assert "9 frames differ slightly" in result.drift
    assert "(toy; here: another)" in result.drift
    verified = verify(path, elsewhere)
    assert verified.fault is None
    assert verified.drift == result.drift


def test_another_picture_by_the_same_arithmetic_is_an_error(tmp_path: Path) -> None:
    path, _ = stream(tmp_path)
    wrong = load(Levels(error=1), gop=4)
    with pytest.raises(StreamError, match="another picture than was coded, by the same arithmetic"):
        decode(path, tmp_path / "back", wrong)
    result = verify(path, wrong)
    assert result.fault is not None and result.fault.kind is Fault.OTHER_PICTURE


def test_equal_pictures_by_other_arithmetic_are_no_drift(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)
    result = decode(path, tmp_path / "back", replace(loaded, arithmetic="another"))
    assert result.drift == ""


def test_a_sound_stream(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path, codec=Pairs())
    result = verify(path, loaded)
    assert (result.frames, result.fault, result.drift) == (9, None, "")
    assert result.description == "9 frames decode as they were coded."


def test_a_file_that_is_no_stream(tmp_path: Path) -> None:
    path = write(tmp_path / "in.y4m", moving(2))
    for task in (lambda: decode(path, tmp_path / "back.mp4", load()), lambda: verify(path, load())):
        with pytest.raises(StreamError, match=r"in\.y4m"):
            task()
    assert not (tmp_path / "back.mp4").exists()


FULL = """
    import resource, signal
    from toy import load
    from core.coding.decode import decode
    from core.errors import MediaError

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
    for name in ("back.mp4", "back.y4m", "back"):
        try:
            decode("out.mdv", name, load(gop=4))
        except MediaError as error:
            print(error)
"""


@pytest.mark.heavy
def test_a_full_disk(tmp_path: Path) -> None:
    stream(tmp_path)
    told = script(tmp_path, FULL)
    sentences = [f"{name} cannot be written: File too large" for name in ("back.mp4", "back.y4m", "back")]
    assert told.stdout.splitlines() == sentences, told.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.y4m", "out.mdv"]


def test_two_decodes_to_one_file(tmp_path: Path) -> None:
    path, loaded = stream(tmp_path)

    class Nested(Levels):
        refused = 0

        def picture(self, codes: Codes, format: PictureFormat) -> Picture:
            with pytest.raises(BusyError, match="another process is making it"):
                decode(path, tmp_path / "out.y4m", loaded)
            Nested.refused += 1
            return super().picture(codes, format)

    assert decode(path, tmp_path / "out.y4m", load(Nested())).frames == 9
    assert Nested.refused == 9


@pytest.mark.parametrize("suffix", [".mp4", ""])
def test_what_a_killed_decode_left_is_taken_away(tmp_path: Path, suffix: str) -> None:
    path, loaded = stream(tmp_path)
    output = tmp_path / f"out{suffix}"
    if suffix:
        (tmp_path / ".out.mp4.abcdefgh.part.mp4").write_bytes(b"half")
    else:
        (tmp_path / ".out.abcdefgh.part").mkdir()
        (tmp_path / ".out.abcdefgh.part" / "00000.png").write_bytes(b"half")
    decode(path, output, loaded)
    assert sorted(tmp_path.iterdir()) == sorted([path, tmp_path / "in.y4m", output])

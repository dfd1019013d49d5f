"""What a stream says of how its video is shown: it returns, is bounded, and what is not known yet is passed over."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import StreamError
from core.hooks import Packet, PacketType
from core.media.colour import Matrix
from core.media.presentation import (
    Chapter,
    LightLevels,
    MasteringDisplay,
    Presentation,
    Track,
    TrackKind,
)
from core.stream import StreamHeader, StreamReader, StreamWriter
from core.stream.extension import ROOM, decode, encode, limit_presentation

from .samples import HEADER

PLAIN = replace(
    HEADER,
    codec="toy",
    fingerprint=bytes(16),
    depth=10,
    time_base=Fraction(1, 25),
    frames=1,
    pixel_format="yuv420p10le",
    matrix=Matrix.BT2020,
)
FULL = Presentation(
    sample_aspect_ratio=Fraction(32, 27),
    matrix=9,
    primaries=9,
    transfer=16,
    mastering=MasteringDisplay((34000, 16000), (13250, 34500), (7500, 3000), (15635, 16450), 10_000_000, 50),
    light=LightLevels(1000, 400),
    field_order=2,
    last_duration=Fraction(4),
    language="ger",
    title="Straße",
    metadata={"artist": "", "title": "My Film"},
    chapters=(Chapter(Fraction(0), Fraction(1, 3), "One"), Chapter(Fraction(1, 3), Fraction(2))),
    tracks=(Track(TrackKind.SOUND, "aac", "ger", "Ton"), Track(TrackKind.ATTACHMENT, "f.ttf")),
)
PACKET = Packet(PacketType.INTRA, 0, b"first", 1, 2)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
times = st.builds(Fraction, st.integers(0, 2**32 - 1), st.integers(1, 2**32 - 1))
positive = st.builds(Fraction, st.integers(1, 2**32 - 1), st.integers(1, 2**32 - 1))
points = st.tuples(st.integers(0, 65535), st.integers(0, 65535))
levels = st.integers(0, 65535)
luminances = st.integers(0, 2**32 - 1)
codes = st.integers(0, 255)
presentations = st.builds(
    Presentation,
    sample_aspect_ratio=positive,
    matrix=codes,
    primaries=codes,
    transfer=codes,
    mastering=st.none() | st.builds(MasteringDisplay, points, points, points, points, luminances, luminances),
    light=st.none() | st.builds(LightLevels, levels, levels),
    field_order=codes,
    last_duration=st.none() | positive,
    language=texts,
    title=texts,
    metadata=st.dictionaries(texts, texts, max_size=4),
    chapters=st.lists(st.builds(Chapter, times, times, texts), max_size=4).map(tuple),
    tracks=st.lists(st.builds(Track, st.sampled_from(TrackKind), texts, texts, texts), max_size=4).map(tuple),
)


def write(path: Path, header: StreamHeader) -> Path:
    with StreamWriter.create(path, header) as writer:
        writer.write(PACKET)
    return path


def with_extension(data: bytes, version: int = 2) -> bytes:
    """The plain header with these bytes as its extension, under a right checksum."""
    plain = PLAIN.encode()
    body = plain[7:-4] + data
    head = plain[:4] + struct.pack("<BH", version, len(body)) + body
    return head + struct.pack("<I", zlib.crc32(head))


def test_a_stream_with_nothing_to_say_is_of_version_1() -> None:
    assert PLAIN.encode()[4] == 1
    assert replace(PLAIN, presentation=FULL).encode()[4] == 2


@given(presentation=presentations)
@settings(max_examples=150, deadline=None)
def test_any_presentation_returns(presentation: Presentation) -> None:
    assert decode(encode(presentation)) == (presentation, ())


def test_a_stream_keeps_it(tmp_path: Path) -> None:
    header = replace(PLAIN, presentation=FULL)
    with StreamReader(write(tmp_path / "a.mdv", header)) as reader:
        assert reader.header == header
        assert list(reader) == [PACKET]


def test_fields_of_later_programs_are_passed_over_and_kept(tmp_path: Path) -> None:
    header = replace(PLAIN, presentation=FULL, unknown=((0, b"x"), (77, b"later"), (255, b"")))
    with StreamReader(write(tmp_path / "a.mdv", header)) as reader:
        assert reader.header.presentation == FULL
        assert reader.header.unknown == header.unknown
        assert list(reader) == [PACKET]  # whose checksum starts at that of the header


@pytest.mark.parametrize(
    ("data", "version", "words"),
    [
        (encode(FULL), 1, "there is more than it says"),
        (b"", 2, "no proper form"),
        (b"\x08\x00\x00", 2, "no proper form"),
        (b"\x01", 2, "makes no sense"),
        (b"\x08\xff\xff" + b"a", 2, "cut short"),
        (b"\x08\x01\x00a\x07\x01\x00a", 2, "out of order"),
        (b"\x08\x01\x00a\x08\x01\x00a", 2, "out of order"),
        (b"\x01\x08\x00" + struct.pack("<II", 1, 0), 2, "makes no sense"),
        (b"\x01\x08\x00" + struct.pack("<II", 0, 1), 2, "is 0"),
        (b"\x01\x08\x00" + struct.pack("<II", 6, 4), 2, "no proper form"),
        (b"\x04\x05\x00" + bytes(5), 2, "more than it says"),
        (b"\x08\x01\x00\xff", 2, "makes no sense"),
        (b"\x09\x02\x00\x7fa", 2, "cut short"),
        (b"\x0b\x04\x00\x09\x00\x00\x00", 2, "makes no sense"),
    ],
)
def test_damaged_extensions(tmp_path: Path, data: bytes, version: int, words: str) -> None:
    path = tmp_path / "a.mdv"
    path.write_bytes(with_extension(data, version))
    with pytest.raises(StreamError, match="its header makes no sense") as caught:
        StreamReader(path)
    assert words in str(caught.value)


@given(data=st.binary(max_size=60))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_told(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mdv"
    path.write_bytes(with_extension(data))
    told = ""
    try:
        with StreamReader(path) as reader:
            assert reader.header.encode() == path.read_bytes()
    except StreamError as error:
        told = str(error)
    assert not told or "makes no sense" in told


def test_what_is_too_much_is_left_out() -> None:
    hour = Fraction(3600)
    huge = replace(
        FULL,
        last_duration=Fraction(10**20, 3 * 10**19 + 1),
        title="ä" * 5000,
        metadata={f"tag{number}": "x" * 5000 for number in range(100)},
        chapters=(
            Chapter(Fraction(-5), Fraction(-1), "before"),
            Chapter(Fraction(-1), Fraction(1), "first"),
            *(Chapter(hour, 2 * hour, "long " * 100) for _ in range(1000)),
        ),
        tracks=tuple(Track(TrackKind.SUBTITLES, "srt", "ger", "t" * 500) for _ in range(1000)),
    )
    held = limit_presentation(huge)
    assert len(replace(PLAIN, presentation=held).encode()) < 4 * ROOM
    assert held.last_duration == Fraction(3333, 1000)
    assert held.title == "ä" * 512
    assert held.chapters[0] == Chapter(Fraction(0), Fraction(1), "first")
    assert 10 < len(held.chapters) < 100 and 10 < len(held.tracks) < 100 and 10 < len(held.metadata) < 20
    assert limit_presentation(FULL) == FULL


def test_what_a_stream_cannot_say_is_refused() -> None:
    with pytest.raises(StreamError, match="how its source is shown"):
        replace(PLAIN, presentation=replace(FULL, light=LightLevels(70_000, 1)))

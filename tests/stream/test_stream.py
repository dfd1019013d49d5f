"""Streams: the bytes are those of the document, every damage is told in one sentence, and a crash loses one group."""

import re
import struct
import tracemalloc
import zlib
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import CutShortError, StreamError
from core.hooks import Packet, PacketType
from core.media.colour import Matrix, Range
from core.stream import StreamHeader, StreamReader, StreamWriter
from core.stream.fields import varint

INTRA, INTER = PacketType.INTRA, PacketType.INTER
DOCUMENT = Path(__file__).parents[2] / "docs" / "stream-format.md"

HEADER = StreamHeader(
    codec="ssfvc",
    fingerprint=bytes(range(16)),
    width=64,
    height=48,
    depth=8,
    frame_rate=Fraction(25),
    time_base=Fraction(1, 12800),
    frames=2,
    pixel_format="yuv420p",
    matrix=Matrix.BT709,
    range=Range.LIMITED,
    gop=12,
    arithmetic="cpu",
)
HEADER_BYTES = bytes.fromhex(
    "8b6d6476 01 4900 000102030405060708090a0b0c0d0e0f 4000 3000 08 19000000 01000000 01000000 00320000"
    "02000000 0c000000 01 00 05 7373667663 07 79757634323070 07 72616e67653136 03 637075 ce6bfdf2"
)
TWO = [
    Packet(INTRA, 0, b"\xca\xfe\x01", 0x11223344, 0x55667788),
    Packet(INTER, 512, b"", 0xDEADBEEF, 0x01020304),
]
TWO_BYTES = bytes.fromhex(
    "01 00 03 44332211 88776655 0bdae544 cafe0102 8004 00 efbeadde 04030201 edc2e2f500 02 efd1a6d0"
)
SMALL = [
    Packet(INTRA, 0, b"first", 1, 2),
    Packet(INTER, 2, b"second", 3, 4),
    Packet(INTER, 1, b"", 5, 6),
    Packet(INTRA, 300, b"fourth", 7, 8),
    Packet(INTER, 301, b"fifth!", 9, 10),
    Packet(INTRA, 302, b"six", 11, 12),
]
"""Groups of three, two and one packets, the first in another order than that of display."""

numbers = st.integers(0, 2**32 - 1)
terms = st.integers(1, 2**31 - 1)
rates = st.builds(Fraction, terms, terms).filter(lambda rate: Fraction(1, 10**6) <= rate <= 10**6)
short_texts = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), max_size=60)
headers = st.builds(
    StreamHeader,
    codec=short_texts,
    fingerprint=st.binary(min_size=16, max_size=16),
    width=st.integers(1, 2048),
    height=st.integers(1, 16384),
    depth=st.sampled_from([8, 10]),
    frame_rate=rates,
    time_base=rates,
    frames=st.none() | numbers.filter(bool),
    pixel_format=short_texts,
    matrix=st.sampled_from(Matrix),
    range=st.sampled_from(Range),
    gop=st.integers(0, 2**32 - 1),
    arithmetic=short_texts,
)
hashes = st.integers(0, 2**32 - 1)


@st.composite
def packet_lists(draw: st.DrawFn) -> list[Packet]:
    times = sorted(draw(st.sets(st.integers(0, HEADER.end_of_time - 1), max_size=6)))
    types = st.sampled_from(PacketType)
    return [Packet(draw(types), t, draw(st.binary(max_size=300)), draw(hashes), draw(hashes)) for t in times]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "video.mdv"


def write(path: Path, packets: Sequence[Packet], header: StreamHeader = HEADER) -> bytes:
    with StreamWriter.create(path, header) as writer:
        for packet in packets:
            writer.write(packet)
    return path.read_bytes()


def read(path: Path, first: int = 0) -> list[Packet]:
    with StreamReader(path) as reader:
        return list(reader.packets(first))


def read_into(packets: list[Packet], path: Path) -> None:
    with StreamReader(path) as reader:
        for packet in reader:
            packets.append(packet)


def sealed(number: int, fields: bytes, payload: bytes = b"", header: bytes = HEADER_BYTES) -> bytes:
    """A packet from its other fields, by the words of the document."""
    whole = header[-4:] + struct.pack("<Q", number) + fields + payload
    return fields + struct.pack("<I", zlib.crc32(whole)) + payload


def by_the_document(number: int, packet: Packet) -> bytes:
    fields = bytes([packet.type]) + varint(packet.time) + varint(len(packet.payload))
    return sealed(number, fields + struct.pack("<II", packet.symbols, packet.picture), packet.payload)


def parts(packets: Sequence[Packet]) -> list[bytes]:
    return [by_the_document(number, packet) for number, packet in enumerate(packets)]


def end(number: int, count: int | None = None) -> bytes:
    return sealed(number, b"\0" + varint(number if count is None else count))


def fault(path: Path, data: bytes, good: Sequence[Packet] = SMALL) -> StreamError:
    """The error of reading these bytes; what was given out before it is what was written."""
    path.write_bytes(data)
    given_out: list[Packet] = []
    with pytest.raises(StreamError) as caught:
        read_into(given_out, path)
    assert given_out == list(good[: len(given_out)])
    assert one_sentence(str(caught.value))
    return caught.value


def one_sentence(text: str) -> bool:
    return text.endswith(".") and "\n" not in text and ". " not in text


def rewritten(at: int, value: bytes) -> bytes:
    """The example's header with other bytes at a place of its body, under a right checksum."""
    data = bytearray(HEADER_BYTES[:-4])
    data[7 + at : 7 + at + len(value)] = value
    return bytes(data) + struct.pack("<I", zlib.crc32(data))


# ---- layout


def test_the_bytes_do_not_drift(path: Path) -> None:
    assert HEADER.encode() == HEADER_BYTES
    assert write(path, TWO) == HEADER_BYTES + TWO_BYTES
    assert read(path) == TWO
    with StreamReader(path) as reader:
        assert reader.header == HEADER


def test_the_document_shows_these_bytes() -> None:
    example = DOCUMENT.read_text("utf-8").split("## An example")[1]
    lines = [line for block in re.findall(r"```text\n(.*?)```", example, re.S) for line in block.splitlines()]
    assert bytes.fromhex("".join(re.split(r"\s{2,}", line)[0] for line in lines)) == HEADER_BYTES + TWO_BYTES


def test_packets_are_as_documented(path: Path) -> None:
    assert write(path, SMALL) == HEADER_BYTES + b"".join(parts(SMALL)) + end(6)


@given(header=headers)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_header_returns(path: Path, header: StreamHeader) -> None:
    write(path, [], header)
    with StreamReader(path) as reader:
        assert reader.header == header
        assert list(reader) == []


@given(packets=packet_lists())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_packets_return(path: Path, packets: list[Packet]) -> None:
    data = write(path, packets)
    assert data == HEADER_BYTES + b"".join(parts(packets)) + end(len(packets))
    assert read(path) == packets


@pytest.mark.parametrize(
    ("value", "data"),
    [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**64 - 1, "ffffffffffffffffff01")],
)
def test_varints(value: int, data: str) -> None:
    assert varint(value) == bytes.fromhex(data)


# ---- damage


def test_every_flipped_bit_is_told(path: Path) -> None:
    data = write(path, SMALL)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        fault(path, bytes(flipped))


def test_every_cut_is_told(path: Path) -> None:
    data = write(path, SMALL)
    whole = {len(HEADER_BYTES + b"".join(parts(SMALL)[:count])): count for count in range(len(SMALL) + 1)}
    count = 0
    for length in range(len(data)):
        error = fault(path, data[:length])
        assert isinstance(error, CutShortError) == (length >= 7), length
        if length < len(HEADER_BYTES):
            continue
        count = whole.get(length, count)
        with StreamReader(path) as reader:
            packets = reader.packets()
            assert [next(packets) for _ in range(count)] == SMALL[:count]
            with pytest.raises(CutShortError, match=f"within packet {count}"):
                next(packets)


def test_splices_are_told(path: Path) -> None:
    one, two, three, *rest = parts(SMALL)
    other = replace(HEADER, frames=3).encode()
    foreign = write(path, SMALL, replace(HEADER, frames=3))[len(other) :]
    second = len(one), len(one) + len(two)
    spliced = {
        "swapped": (1, [one, three, two, *rest]),
        "dropped": (1, [one, three, *rest]),
        "doubled": (2, [one, two, two, three, *rest]),
        "foreign": (1, [one, foreign[slice(*second)], three, *rest]),
    }
    for place, packets in spliced.values():
        error = fault(path, HEADER_BYTES + b"".join(packets) + end(6))
        assert f"packet {place} does not match its checksum" in str(error)
        assert not isinstance(error, CutShortError)
    error = fault(path, other + b"".join([one, two, three, *rest]) + end(6))
    assert "packet 0 does not match its checksum" in str(error)


def test_the_end_is_compared(path: Path) -> None:
    packets = HEADER_BYTES + b"".join(parts(SMALL))
    assert isinstance(fault(path, packets), CutShortError)
    assert "it holds 6 packets and says 7" in str(fault(path, packets + end(6, 7)))
    assert "1 bytes follow its end" in str(fault(path, packets + end(6) + b"\0"))
    assert isinstance(fault(path, HEADER_BYTES), CutShortError)


def test_an_intra_packet_begins_a_group(path: Path) -> None:
    late = [replace(SMALL[0], time=4), SMALL[1], replace(SMALL[3], time=4)]
    error = fault(path, HEADER_BYTES + b"".join(parts(late)) + end(3), late)
    assert "packet 2 is shown before frames of the group before it" in str(error)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (b"\x03\0\0", "no known type"),
        (b"\xff\0\0", "no known type"),
        (b"\x01\x80\0", "no proper form"),
        (b"\x01" + b"\xff" * 9 + b"\x02", "no proper form"),
        (b"\x01" + b"\xff" * 10, "endless number"),
        (b"\x01\0" + varint(2**64 - 1), "says that it has 18446744073709551615 bytes"),
    ],
)
def test_fields_that_no_writer_writes(path: Path, fields: bytes, words: str) -> None:
    assert words in str(fault(path, HEADER_BYTES + sealed(0, fields + bytes(8)) + end(1)))


@pytest.mark.parametrize("size", [(64, 48), (8192, 4096)])
def test_a_huge_length_takes_no_memory(path: Path, size: tuple[int, int]) -> None:
    header = replace(HEADER, width=size[0], height=size[1])
    for length in (2**32 - 1, header.longest_payload):
        fields = b"\x01\0" + varint(length) + bytes(8)
        data = header.encode() + sealed(0, fields, header=header.encode()) + bytes(50)
        tracemalloc.start()
        error = fault(path, data)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert isinstance(error, CutShortError) == (length == header.longest_payload)
        assert most < 1 << 20


# ---- headers and files that are none


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (16, b"\0\0", "0x48"),
        (18, b"\x01\x40", "64x16385"),
        (16, b"\0\x40\0\x40", "too large"),
        (20, b"\x07", "8 or 10 bits, not 7"),
        (20, b"\x11", "8 or 10 bits, not 17"),
        (21, bytes(4), "frame rate of 0"),
        (21, b"\x32\0\0\0\x02", "50/2 is not in lowest terms"),
        (29, b"\x02", "2/12800 is not in lowest terms"),
        (25, bytes(4), "makes no sense"),
        (29, bytes(4), "time base of 0"),
        (33, bytes(4), "makes no sense"),
        (45, b"\x03", "makes no sense"),
        (46, b"\x02", "makes no sense"),
        (47, b"\xff", "a text is cut short"),
        (47, b"\x04", "makes no sense"),
        (48, b"\xff", "makes no sense"),
        (62, b"R", "entropy coder 'Range16' is not known"),
        (69, b"\x02", "there is more than it says"),
    ],
)
def test_headers_that_no_writer_writes(path: Path, at: int, value: bytes, words: str) -> None:
    assert words in str(fault(path, rewritten(at, value) + end(0)))


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"height": 16385},
        {"width": 16384, "height": 2049},
        {"depth": 7},
        {"depth": 9},
        {"depth": 16},
        {"fingerprint": bytes(15)},
        {"frames": 2**32},
        {"frames": -1},
        {"gop": -1},
        {"frame_rate": Fraction(0)},
        {"frame_rate": Fraction(10**6 + 1)},
        {"frame_rate": Fraction(1, 10**6 + 1)},
        {"time_base": Fraction(1, 2**31)},
        {"time_base": Fraction(10**6 + 1)},
        {"codec": "x\x1b[2J"},
        {"arithmetic": "a\nError: all is well"},
        {"codec": "ä" * 128},
    ],
)
def test_headers_that_cannot_be_written(changes: dict[str, object]) -> None:
    with pytest.raises(StreamError) as caught:
        replace(HEADER, **changes)  # type: ignore[arg-type]
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no stream: it is too short"),
        (b"\x8bmdv\x01", "is no stream: it is too short"),
        (b"\x00\x00\x00\x20ftypisom" + bytes(90), "it begins with other bytes"),
        (b"\x8bmdv\x03" + bytes(90), "is a stream of version 3; this mindvideo reads versions 1 and 2"),
        (b"\x8bmdv\x01\xff\xff" + bytes(90), "cut short: it ends within the header"),
    ],
)
def test_files_that_are_no_stream(path: Path, data: bytes, words: str) -> None:
    assert words in str(fault(path, data))


def test_paths_that_are_no_stream(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.mdv", "there is no stream"), (tmp_path, "cannot be read")):
        with pytest.raises(StreamError, match=words) as caught:
            StreamReader(path)
        assert one_sentence(str(caught.value)) and str(path) in str(caught.value)


# ---- where to begin


def test_packets_from_a_number_on(path: Path) -> None:
    data = write(path, SMALL)
    for first in range(9):
        assert read(path, first) == SMALL[first:]
    damaged = bytearray(data)
    damaged[data.index(b"second")] ^= 1
    path.write_bytes(damaged)
    assert read(path, 3) == SMALL[3:]
    with pytest.raises(StreamError, match="packet 1 does not match"):
        read(path, 1)


def test_packets_passed_over_in_a_cut_file(path: Path) -> None:
    data = write(path, SMALL)
    path.write_bytes(data[: data.index(b"second") + 3])
    with pytest.raises(CutShortError, match="within packet 1"):
        read(path, 3)


def test_scan_and_intra_packets(path: Path) -> None:
    data = write(path, SMALL)
    with StreamReader(path) as reader:
        found = list(reader.scan())
        assert [reader.last_intra(number) for number in range(7)] == [0, 0, 0, 3, 3, 5, None]
        assert [reader.next_intra(number) for number in range(7)] == [0, 3, 3, 3, 5, 5, None]
    assert [p.number for p in found] == list(range(6))
    assert [(p.type, p.time, data[p.position : p.position + p.size]) for p in found] == [
        (p.type, p.time, p.payload) for p in SMALL
    ]


def test_a_reader_begins_anew_each_time(path: Path) -> None:
    write(path, SMALL)
    with StreamReader(path) as reader:
        next(iter(reader))
        assert list(reader) == SMALL
        assert list(reader) == SMALL


def test_a_reader_is_asked_while_packets_are_read(path: Path) -> None:
    write(path, SMALL)
    found = []
    with StreamReader(path) as reader:
        for packet, other in zip(reader, reader, strict=True):
            assert other == packet
            assert (reader.last_intra(4), reader.next_intra(4)) == (3, 5)
            found.append(packet)
    assert found == SMALL


# ---- writing


def test_resuming_after_any_cut_gives_the_same_bytes(path: Path) -> None:
    data = write(path, SMALL)
    offsets = [len(HEADER_BYTES + b"".join(parts(SMALL)[:count])) for count in range(7)]
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        if length < len(HEADER_BYTES):
            with pytest.raises(StreamError):
                StreamWriter.resume(path, HEADER)
            assert path.read_bytes() == data[:length]
            continue
        with StreamWriter.resume(path, HEADER) as writer:
            begin = writer.packets
            whole = [n for n, p in enumerate(SMALL) if p.type is INTRA and offsets[n + 1] <= length]
            assert begin == max(whole, default=0)
            assert path.stat().st_size == offsets[begin]
            for packet in SMALL[begin:]:
                writer.write(packet)
        assert path.read_bytes() == data


def test_resuming_before_a_damage(path: Path) -> None:
    data = write(path, SMALL)
    damaged = bytearray(data)
    damaged[data.index(b"fifth!")] ^= 1
    path.write_bytes(damaged)
    writer = StreamWriter.resume(path, HEADER)
    assert writer.packets == 3
    for packet in SMALL[3:]:
        writer.write(packet)
    writer.finish()
    assert path.read_bytes() == data


def test_resuming_another_stream_leaves_it_alone(path: Path) -> None:
    data = write(path, SMALL)
    with pytest.raises(StreamError, match="is another stream"):
        StreamWriter.resume(path, replace(HEADER, gop=0))
    assert path.read_bytes() == data


def test_packets_are_in_the_file_when_written(path: Path) -> None:
    writer = StreamWriter.create(path, HEADER)
    assert path.read_bytes() == HEADER_BYTES
    for count, packet in enumerate(SMALL, 1):
        writer.write(packet)
        assert writer.packets == count
        assert path.read_bytes() == HEADER_BYTES + b"".join(parts(SMALL)[:count])
    writer.close()


def test_an_exception_leaves_the_stream_unfinished(path: Path) -> None:
    def interrupted() -> None:
        with StreamWriter.create(path, HEADER) as writer:
            writer.write(SMALL[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_bytes() == HEADER_BYTES + parts(SMALL)[0]


def test_the_longest_packet(path: Path) -> None:
    header = replace(HEADER, width=1, height=1)
    longest = replace(SMALL[0], payload=bytes(65536 + 16))
    assert header.longest_payload == len(longest.payload)
    write(path, [longest], header)
    assert read(path) == [longest]
    with pytest.raises(StreamError, match="a packet of 65553 bytes is longer than a stream can hold"):
        write(path, [replace(longest, payload=bytes(65553))], header)


@pytest.mark.parametrize("time", [-1, HEADER.end_of_time, 2**64])
def test_times_that_no_packet_holds(path: Path, time: int) -> None:
    with pytest.raises(StreamError, match="cannot hold a frame at"):
        write(path, [replace(SMALL[0], time=time)])
    assert path.read_bytes() == HEADER_BYTES

"""Streams and their bytes, put together by the document, for the tests of the container."""

import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import strategies as st

from core.errors import StreamError
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

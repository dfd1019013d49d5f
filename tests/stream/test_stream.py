"""Streams: the bytes are those of the document, readers begin anywhere, and a crash loses one group."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from core.errors import CutShortError, StreamError
from core.hooks import Packet
from core.stream import StreamHeader, StreamReader, StreamWriter
from core.stream.fields import varint

from .samples import (
    DOCUMENT,
    HEADER,
    HEADER_BYTES,
    INTRA,
    SMALL,
    TWO,
    TWO_BYTES,
    end,
    headers,
    packet_lists,
    parts,
    read,
    write,
)

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
        begun = [[section.first for section in reader.sections(number)] for number in range(7)]
        assert begun == [[0], [0], [0], [3], [3], [5], []]
    assert [p.number for p in found] == list(range(6))
    assert [(p.type, p.time, data[p.position : p.position + p.size]) for p in found] == [
        (p.type, p.time, p.payload) for p in SMALL
    ]


@pytest.mark.parametrize(
    ("start", "least", "bounds"),
    [(0, 1, [0, 3, 5]), (1, 1, [0, 3, 5]), (0, 4, [0, 5]), (3, 1, [3, 5]), (4, 9, [3]), (6, 1, [])],
)
def test_sections_hold_all_packets_from_an_intra_packet_on(
    path: Path, start: int, least: int, bounds: list[int]
) -> None:
    write(path, SMALL)
    with StreamReader(path) as reader:
        sections = list(reader.sections(start, least))
        assert [section.first for section in sections] == bounds
        packets = [packet for section in sections for packet in reader.section(section)]
    assert packets == SMALL[bounds[0] if bounds else len(SMALL) :]


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
            assert next(reader.sections(4)).first == 3
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

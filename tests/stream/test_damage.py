"""Damaged streams: each is told in one sentence, and takes no memory that the file does not have."""

import tracemalloc
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from core.errors import CutShortError, StreamError
from core.stream import StreamReader
from core.stream.fields import varint

from .samples import HEADER, HEADER_BYTES, SMALL, end, fault, one_sentence, parts, rewritten, sealed, write


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

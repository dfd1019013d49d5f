"""Whether a file ends before the pictures that it announces, as far as its container tells.

libav reports a missing end as an ordinary one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from av.video.stream import VideoStream

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_HEADER = 65536
"""Bytes that are searched for the properties, which come first."""
_ASF_LIVE = 0x01
_FLV_SCRIPT = 4096
"""Bytes that are searched for what an FLV file states of itself, which comes first."""
_OGG_LAST = 0x04
_OGG_PAGE = 65307
"""Bytes of the longest page."""


def is_cut_short(path: Path, stream: VideoStream, read: int) -> bool:
    """Whether the end is missing; ``read`` is where the last packet ended that libav delivered."""
    size = path.stat().st_size
    kind = stream.container.format.name
    if kind in ("yuv4mpegpipe", "rawvideo"):
        return 0 < read < size
    if any(entry.pos + entry.size > size for entry in stream.index_entries):
        return True
    check = _CHECKS.get(kind.partition(",")[0])
    if check is None:
        return False
    with path.open("rb") as file:
        return check(file, size)


def _mp4(file: BinaryIO, size: int) -> bool:
    """A box that ends behind the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:  # 0: to the end of the file; else no box
            return False
        position += length
    return position > size


def _matroska(file: BinaryIO, size: int) -> bool:
    """A segment that ends behind the file, unless what is missing comes after the last cluster of pictures.

    Of one that was written without knowing its length, a cluster or a block that ends behind the file.
    """
    for kind, start, length in _elements(file, 0, size):
        if kind != _SEGMENT:
            continue
        if length is None:
            return _ends_within(file, start, size)
        if start + length <= size:
            return False
        inner = [kind for kind, *_ in _elements(file, start, size)]
        return _CLUSTER not in inner or inner[-1] == _CLUSTER
    return False


def _ends_within(file: BinaryIO, start: int, size: int) -> bool:
    """Whether the last element from ``start`` on ends behind the file; those of unknown length are looked into."""
    inside = start
    while inside < size:
        found = list(_elements(file, inside, size))
        if not found:
            return False
        _, inside, length = found[-1]
        if length is not None:
            return inside + length > size
    return False


def _elements(file: BinaryIO, position: int, size: int) -> Iterator[tuple[int, int, int | None]]:
    """EBML elements side by side: identifier, where the content begins, and its length (None: not stated)."""
    while position < size:
        file.seek(position)
        head = file.read(12)
        wide = 9 - head[0].bit_length()
        if wide > 4 or len(head) <= wide or head[wide] == 0:
            return
        count = 9 - head[wide].bit_length()
        field = int.from_bytes(head[wide : wide + count], "big") & ((1 << 7 * count) - 1)
        start = position + wide + count
        length = None if field == (1 << 7 * count) - 1 else field
        yield int.from_bytes(head[:wide], "big"), start, length
        if length is None:
            return
        position = start + length


def _avi(file: BinaryIO, size: int) -> bool:
    """A list of pictures that ends behind the file."""
    return any(
        kind == b"movi" and end > size
        for riff, start, end in _chunks(file, 0, size)
        if riff in (b"AVI ", b"AVIX")
        for kind, _, end in _chunks(file, start, min(end, size))
    )


def _chunks(file: BinaryIO, position: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """RIFF chunks side by side: kind (of lists: what they list), where the content begins, and where it ends."""
    while position + 12 <= size:
        file.seek(position)
        head = file.read(12)
        end = position + 8 + int.from_bytes(head[4:8], "little")
        listed = head[:4] in (b"RIFF", b"LIST")
        yield head[8:12] if listed else head[:4], position + (12 if listed else 8), end
        position = end + end % 2


def _flv(file: BinaryIO, size: int) -> bool:
    """The last bytes are not the length of the tag before them, or the script at the front states more bytes."""
    if _flv_stated(file.read(_FLV_SCRIPT)) > size:
        return True
    file.seek(size - 4)
    length = int.from_bytes(file.read(4), "big")
    if not 11 <= length <= size - 4:
        return True
    file.seek(size - 4 - length)
    tag = file.read(4)
    return int.from_bytes(tag[1:], "big") + 11 != length


def _flv_stated(front: bytes) -> float:
    """Bytes of the whole file by ``filesize`` among the facts at a file's front, a double of AMF; else 0."""
    _, name, rest = front.partition(b"\x00\x08filesize\x00")
    return float(struct.unpack(">d", rest[:8])[0]) if name and len(rest) >= 8 else 0.0


def _ogg(file: BinaryIO, size: int) -> bool:
    """The last page does not say that it is the last, or is not whole."""
    file.seek(max(0, size - _OGG_PAGE))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < 27 or not page[5] & _OGG_LAST:
        return True
    segments = page[27 : 27 + page[26]]
    return len(page) < 27 + page[26] + sum(segments)


def _gif(file: BinaryIO, size: int) -> bool:
    """The closing byte is missing."""
    file.seek(size - 1)
    return file.read() not in (b";", b"\0")


def _asf(file: BinaryIO, size: int) -> bool:
    """The header states a larger file; live broadcasts state none."""
    header = file.read(_ASF_HEADER)
    place = header.find(_ASF_PROPERTIES)
    if place < 0 or len(header) < place + 92:
        return False
    stated, flags = header[place + 40 : place + 48], header[place + 88]
    return not flags & _ASF_LIVE and int.from_bytes(stated, "little") > size


def _mxf(file: BinaryIO, size: int) -> bool:
    """The closing partition would begin behind the file."""
    head = file.read(64)
    wide = head[16] & 0x7F if head[16:] and head[16] & 0x80 else 0
    footer = head[17 + wide + 24 : 17 + wide + 32]
    return int.from_bytes(footer, "big") >= size


_CHECKS = {
    "mov": _mp4,
    "matroska": _matroska,
    "avi": _avi,
    "flv": _flv,
    "ogg": _ogg,
    "gif": _gif,
    "asf": _asf,
    "mxf": _mxf,
}

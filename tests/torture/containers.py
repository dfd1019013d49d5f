"""The pieces of media files, as far as it takes to rearrange them. They are given sound files only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from .mutations import Piece, Rng, rearranged, resealed_png, spoiled

_BOXES = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf"}
"""Boxes of MP4 that hold boxes."""
_MASTERS = {
    *(0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675, 0xA0),
    *(0x1C53BB6B, 0xBB, 0x114D9B74, 0x4DBB, 0x1254C367, 0x7373),
}
"""Elements of Matroska that hold elements."""


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """Of MP4: four bytes of length, four of name."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size = int.from_bytes(data[start : start + 4], "big")
        if size < 8 or start + size > end:
            return
        yield Piece(start, start + size, start + 8, start)
        if data[start + 4 : start + 8] in _BOXES:
            yield from boxes(data, start + 8, start + size)
        start += size


def elements(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """Of Matroska and WebM: a name and a length of variable width."""
    end = len(data) if end is None else end
    while start < end:
        name, after = _vint(data, start, keep=True)
        size, body = _vint(data, after, keep=False)
        if body > end or body == after:
            return
        stop = min(end, body + size)
        yield Piece(start, stop, body, after, body - after)
        if name in _MASTERS:
            yield from elements(data, body, stop)
        start = stop


def _vint(data: bytes, at: int, keep: bool) -> tuple[int, int]:
    """A number whose first byte tells its width, with or without the bit that does so; and where it ends."""
    if at >= len(data) or data[at] == 0:
        return 0, at
    width = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + width], "big")
    return value if keep else value & ~(1 << (7 * width)), at + width


def chunks(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Piece]:
    """Of AVI: four bytes of name, four of length, padded to even."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size = int.from_bytes(data[start + 4 : start + 8], "little")
        stop = min(end, start + 8 + size)
        yield Piece(start, stop, start + 8, start + 4, 4, "little")
        if data[start : start + 4] in (b"RIFF", b"LIST"):
            yield from chunks(data, start + 12, stop)
        start += 8 + size + size % 2


def packets(data: bytes) -> Iterator[Piece]:
    """Of transport streams: 188 bytes each; the length is that of the adaptation field."""
    for start in range(0, len(data) - 187, 188):
        yield Piece(start, start + 188, start + 1, start + 4, 1)


def png_chunks(data: bytes) -> Iterator[Piece]:
    """Four bytes of length, four of name, the content, a checksum."""
    start = 8
    while start + 12 <= len(data):
        stop = start + 12 + int.from_bytes(data[start : start + 4], "big")
        yield Piece(start, min(stop, len(data)), start + 8, start)
        start = stop


def jpeg_segments(data: bytes) -> Iterator[Piece]:
    """A marker of two bytes, then two of length."""
    start = 2
    while start + 4 <= len(data) and data[start] == 0xFF:
        stop = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
        yield Piece(start, min(stop, len(data)), start + 4, start + 2, 2)
        start = stop


def y4m_parts(data: bytes) -> Iterator[Piece]:
    """The words of the header and the frames."""
    header = data.partition(b"\n")[0]
    for word in re.finditer(rb"\S+", header):
        yield Piece(word.start(), word.end(), word.start() + 1)
    places = [match.start() for match in re.finditer(rb"FRAME", data)]
    for start, stop in pairwise([*places, len(data)]):
        yield Piece(start, stop, start + 6)


PIECES: dict[str, Callable[[bytes], Iterator[Piece]]] = {
    **{".mp4": boxes, ".mkv": elements, ".webm": elements, ".avi": chunks, ".ts": packets},
    **{".y4m": y4m_parts, ".png": png_chunks, ".jpg": jpeg_segments},
}


def spoiled_media(rng: Rng, data: bytes, suffix: str) -> tuple[bytes, bool]:
    """A media file spoiled by chance, and whether its end is missing and nothing else is wrong with it."""
    way = rng.random()
    if way < 0.25:
        kept = int(rng.integers(len(data)))
        return data[:kept], True
    if way < 0.5:
        return spoiled(rng, data), False
    for _ in range(int(rng.integers(1, 3))):
        data = rearranged(rng, data, list(PIECES[suffix](data)))
    if suffix == ".png" and rng.random() < 0.7:
        data = resealed_png(data)
    return data, False

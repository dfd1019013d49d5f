"""Ways to spoil bytes, by chance: as such, or as pieces of a format that state their own lengths."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator
Change = Callable[[Rng, bytes], bytes]


def _span(rng: Rng, data: bytes) -> tuple[int, int]:
    """A piece of any length, of a few bytes as often as of many."""
    start = int(rng.integers(len(data) + 1))
    return start, min(len(data), start + int(2 ** rng.uniform(0, np.log2(len(data) + 2))))


def flipped(rng: Rng, data: bytes) -> bytes:
    """One to eight bits are others."""
    changed = bytearray(data)
    for at in rng.integers(0, max(len(data), 1), int(rng.integers(1, 9))) if data else ():
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def overwritten(rng: Rng, data: bytes) -> bytes:
    """A piece is zeros, ones, or noise."""
    start, end = _span(rng, data)
    filling = [bytes(end - start), b"\xff" * (end - start), rng.bytes(end - start)][int(rng.integers(3))]
    return data[:start] + filling + data[end:]


def cut(rng: Rng, data: bytes) -> bytes:
    """The end is missing."""
    return data[: int(rng.integers(len(data) + 1))]


def blanked(rng: Rng, data: bytes) -> bytes:
    """The end is zeros, as after a power cut."""
    start = int(rng.integers(len(data) + 1))
    return data[:start] + bytes(len(data) - start)


def removed(rng: Rng, data: bytes) -> bytes:
    """A piece is missing."""
    start, end = _span(rng, data)
    return data[:start] + data[end:]


def repeated(rng: Rng, data: bytes) -> bytes:
    """A piece stands twice."""
    start, end = _span(rng, data)
    return data[:end] + data[start:]


def inserted(rng: Rng, data: bytes) -> bytes:
    """There is noise between."""
    at = int(rng.integers(len(data) + 1))
    return data[:at] + rng.bytes(int(rng.integers(1, 64))) + data[at:]


def exchanged(rng: Rng, data: bytes) -> bytes:
    """Two neighbouring pieces stand in the other order."""
    first, second, third = sorted(int(at) for at in rng.integers(0, len(data) + 1, 3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def renumbered(rng: Rng, data: bytes) -> bytes:
    """A number somewhere is an extreme one."""
    width = int(rng.choice([1, 2, 4, 8]))
    if len(data) < width:
        return data
    return with_number(rng, data, int(rng.integers(len(data) - width + 1)), width)


def with_number(rng: Rng, data: bytes, at: int, width: int, order: str | None = None) -> bytes:
    """The number of ``width`` bytes at ``at`` is another one, most often an extreme one."""
    order = order or str(rng.choice(["big", "little"]))
    value = int.from_bytes(data[at : at + width], order)  # type: ignore[arg-type]
    return data[:at] + extreme(rng, value, 8 * width).to_bytes(width, order) + data[at + width :]  # type: ignore[arg-type]


def extreme(rng: Rng, value: int, bits: int) -> int:
    """Another number in place of ``value``, at an edge of what so many bits hold, or near the old one."""
    top = 1 << bits
    near = [value - 1, value + 1, 2 * value, value // 2, -value]
    edges = [0, 1, 2, top - 1, top - 2, top // 2, top // 2 - 1, top // 4, 1 << (bits // 2)]
    chance = int.from_bytes(rng.bytes(bits // 8 or 1), "big")
    choices = [*near, *edges, chance]
    return choices[int(rng.integers(len(choices)))] % top


BYTEWISE: tuple[Change, ...] = (
    *(flipped, overwritten, cut, blanked, removed, repeated, inserted, exchanged, renumbered),
)


def spoiled(rng: Rng, data: bytes) -> bytes:
    """Changed by one to three of all ways."""
    for _ in range(int(rng.integers(1, 4))):
        data = BYTEWISE[int(rng.integers(len(BYTEWISE)))](rng, data)
    return data


@dataclass(frozen=True)
class Piece:
    """A part of a file that says how long it is: a box, an element, a chunk, a packet."""

    start: int
    end: int
    body: int
    """Where its content begins."""
    size_at: int = -1
    """Where its length stands; negative where it states none."""
    width: int = 4
    """Bytes of the length."""
    order: str = "big"


def rearranged(rng: Rng, data: bytes, pieces: Sequence[Piece]) -> bytes:
    """One piece is missing, doubled, at another's place, or its length or a number or bytes in it are others."""
    if not pieces:
        return spoiled(rng, data)
    piece, other = (pieces[int(at)] for at in rng.integers(0, len(pieces), 2))
    whole, content = data[piece.start : piece.end], data[piece.body : piece.end]
    way = int(rng.integers(7))
    if way == 0:
        return data[: piece.start] + data[piece.end :]
    if way == 1:
        return data[: piece.end] + whole + data[piece.end :]
    if way == 2:
        return data[: other.start] + whole + data[other.start :]
    if way == 3 and piece.size_at >= 0:
        return with_number(rng, data, piece.size_at, piece.width, piece.order)
    if way == 4:
        return data[: piece.body] + spoiled(rng, content) + data[piece.end :]
    if way == 5:
        return data[: piece.end]
    for _ in range(int(rng.integers(1, 4))):
        content = renumbered(rng, content)
    return data[: piece.body] + content + data[piece.end :]


def resealed_png(data: bytes) -> bytes:
    """A PNG file whose chunks' checksums are right again, as far as there are chunks."""
    made, at = data[:8], 8
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        made += data[at:end] + zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return made + data[at:]

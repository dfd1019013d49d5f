"""Streams (.mdv) spoiled so that every checksum is right again: what lies behind the checks is reached."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path

from core.stream import StreamReader
from core.stream.fields import END, Fields, seal, seed

from .mutations import Rng, extreme, renumbered, spoiled, with_number

_PREFIX, _CRC = 7, 4
"""Bytes before a header's body (magic, version, length of the body), and after it."""


@dataclass(frozen=True)
class Parts:
    """A stream taken apart: the bytes of its header without the checksum, and its packets."""

    header: bytes
    packets: tuple[tuple[Fields, bytes], ...]
    end: int
    """How many packets the end tells of."""

    @classmethod
    def read(cls, path: Path) -> Parts:
        """Those of a sound stream."""
        length = len_of_header(path.read_bytes())
        with StreamReader(path) as reader:
            packets = tuple((Fields.of(packet), packet.payload) for packet in reader)
        return cls(path.read_bytes()[: length - _CRC], packets, len(packets))

    def joined(self) -> bytes:
        """The stream with right checksums."""
        crc = zlib.crc32(self.header)
        made = self.header + crc.to_bytes(4, "little")
        for number, (fields, payload) in enumerate(self.packets):
            made += seal(fields, payload, seed(crc, number))
        return made + seal(Fields(END, self.end), b"", seed(crc, len(self.packets)))


def len_of_header(data: bytes) -> int:
    """Of a stream, checksum included."""
    return _PREFIX + int.from_bytes(data[5:7], "little") + _CRC


def forged(rng: Rng, parts: Parts) -> bytes:
    """A stream with right checksums, one to three of whose parts are others."""
    for _ in range(int(rng.integers(1, 4))):
        if parts.packets:
            parts = _CHANGES[int(rng.integers(len(_CHANGES)))](rng, parts)
    return parts.joined()


def _header_number(rng: Rng, parts: Parts) -> Parts:
    """A number of the header's fixed fields is an extreme one."""
    if len(parts.header) < _PREFIX + 4:
        return parts
    at = int(rng.integers(_PREFIX, min(_PREFIX + 56, len(parts.header) - 3)))
    return replace(parts, header=with_number(rng, parts.header, at, int(rng.choice([1, 2, 4])), "little"))


def _header_bytes(rng: Rng, parts: Parts) -> Parts:
    """The header's body is spoiled, and says how long it is."""
    body = spoiled(rng, parts.header[_PREFIX:])[:65535]
    return replace(parts, header=parts.header[:5] + len(body).to_bytes(2, "little") + body)


def _fields(rng: Rng, parts: Parts) -> Parts:
    """A field of a packet is another."""
    packets, at = list(parts.packets), int(rng.integers(len(parts.packets)))
    fields, payload = packets[at]
    name, bits = [("type", 2), ("time", 64), ("length", 64), ("symbols", 32), ("picture", 32)][
        int(rng.integers(5))
    ]
    changed = extreme(rng, getattr(fields, name), bits)
    # A type of 0 would be the end, which has no payload.
    packets[at] = replace(fields, **{name: changed or 1 if name == "type" else changed}), payload
    return replace(parts, packets=tuple(packets))


def _payload(rng: Rng, parts: Parts) -> Parts:
    """A payload is another, of its true length."""
    packets, at = list(parts.packets), int(rng.integers(len(parts.packets)))
    fields, payload = packets[at]
    payload = renumbered(rng, payload) if rng.random() < 0.5 else spoiled(rng, payload)
    packets[at] = replace(fields, length=len(payload)), payload
    return replace(parts, packets=tuple(packets))


def _order(rng: Rng, parts: Parts) -> Parts:
    """A packet is missing, stands twice, or elsewhere."""
    packets = list(parts.packets)
    at, to = (int(place) for place in rng.integers(0, len(packets), 2))
    packet, way = packets[at], int(rng.integers(3))
    if way != 1 and len(packets) > 1:
        del packets[at]
    if way != 0:
        packets.insert(to, packet)
    return replace(parts, packets=tuple(packets), end=len(packets))


def _end(rng: Rng, parts: Parts) -> Parts:
    """The end tells of another number of packets."""
    return replace(parts, end=extreme(rng, parts.end, 64))


_CHANGES = (_header_number, _header_number, _header_bytes, _fields, _payload, _payload, _order, _end)

"""The bytes of a stream's fields: bounded reading, varints, checksums, and the fields of a packet."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import CutShortError, StreamError
from core.hooks import Packet, PacketType

END = 0
"""Type of the last packet, which holds the number of the others."""
_CHECKS = struct.Struct("<II")
_CRC = struct.Struct("<I")
_ENDLESS = 1 << 62
VARINT_BYTES = 10
"""Bytes of the longest varint, which holds 64 bits."""


class Source:
    """A file that is read front to back; every read is bounded by what is left of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise StreamError(f"there is no stream {path}.") from None
        except OSError as error:
            raise StreamError(f"{path} cannot be read: {error.strerror}.") from None
        self.size = self._file.seek(0, 2)
        self.seek(0)

    def seek(self, position: int) -> None:
        """Go on from ``position``."""
        self._file.seek(position)
        self.position = position

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return self.size - self.position

    def read(self, count: int, what: str) -> bytes:
        """Exactly ``count`` bytes; raises `CutShortError` where the file ends before."""
        data = self._file.read(count) if count <= self.left else b""
        if len(data) != count:
            raise CutShortError(f"{self.path} is cut short: it ends within {what}.")
        self.position += count
        return data

    def skip(self, count: int, what: str) -> None:
        """Pass over ``count`` bytes."""
        if count > self.left:
            raise CutShortError(f"{self.path} is cut short: it ends within {what}.")
        self.seek(self.position + count)

    def varint(self, what: str) -> tuple[int, bytes]:
        """An unsigned number in groups of 7 bits, lowest first, in as few bytes as it takes; and those bytes."""
        taken = bytearray()
        while True:
            taken += self.read(1, what)
            if taken[-1] < 0x80:
                break
            if len(taken) == VARINT_BYTES:
                raise StreamError(f"{self.path} is damaged: {what} has an endless number.")
        value = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(taken))
        if bytes(taken) != varint(value) or value >= 1 << 64:
            raise StreamError(f"{self.path} is damaged: {what} has a number in no proper form.")
        return value, bytes(taken)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class PipeSource(Source):
    """The same from a pipe, which goes forward alone and says no size; it waits for bytes that are yet to come."""

    left = 0

    def __init__(self, path: Path, pipe: BinaryIO) -> None:
        self.path, self._file = path, pipe
        self.size, self.position = _ENDLESS, 0

    def seek(self, position: int) -> None:
        """Go on from ``position``, which is not behind."""
        assert position >= self.position
        self.skip(position - self.position, "a packet")

    def read(self, count: int, what: str) -> bytes:
        """See `Source.read`."""
        data = self._file.read(count)
        if len(data) != count:
            raise CutShortError(f"{self.path} is cut short: it ends within {what}.")
        self.position += count
        return data

    def skip(self, count: int, what: str) -> None:
        """Pass over ``count`` bytes."""
        self.read(count, what)


def varint(value: int) -> bytes:
    """An unsigned number in groups of 7 bits, lowest first, the highest bit of a byte telling that more follow."""
    taken = bytearray()
    while value >= 0x80:
        taken.append(value & 0x7F | 0x80)
        value >>= 7
    taken.append(value)
    return bytes(taken)


def seed(header_crc: int, number: int) -> int:
    """First value of the checksum of packet ``number``, so that a packet fits one place of one stream alone."""
    return zlib.crc32(struct.pack("<IQ", header_crc, number))


@dataclass(frozen=True)
class Fields:
    """The fields before a payload. An END packet has the number of packets for time, and no payload."""

    type: int
    time: int
    length: int = 0
    symbols: int = 0
    picture: int = 0

    @classmethod
    def of(cls, packet: Packet) -> Fields:
        """The fields of a packet."""
        return cls(packet.type, packet.time, len(packet.payload), packet.symbols, packet.picture)

    def encode(self) -> bytes:
        """The fields as bytes, without the checksum."""
        if self.type == END:
            return bytes([END]) + varint(self.time)
        checks = _CHECKS.pack(self.symbols, self.picture)
        return bytes([self.type]) + varint(self.time) + varint(self.length) + checks

    def packet(self, payload: bytes) -> Packet:
        """The packet of these fields."""
        return Packet(PacketType(self.type), self.time, payload, self.symbols, self.picture)

    @classmethod
    def read(cls, source: Source, number: int, longest: int) -> tuple[Fields, int]:
        """Fields and checksum of packet ``number``; no payload is longer than ``longest``."""
        what = f"packet {number}"
        kind = source.read(1, what)[0]
        time, _ = source.varint(what)
        if kind == END:
            return cls(END, time), _crc(source, what)
        if kind not in (PacketType.INTRA, PacketType.INTER):
            raise StreamError(f"{source.path} is damaged: {what} has no known type.")
        length, _ = source.varint(what)
        if length > longest:
            raise StreamError(f"{source.path} is damaged: {what} says that it has {length} bytes.")
        symbols, picture = _CHECKS.unpack(source.read(_CHECKS.size, what))
        return cls(kind, time, length, symbols, picture), _crc(source, what)


def _crc(source: Source, what: str) -> int:
    return _CRC.unpack(source.read(_CRC.size, what))[0]


def seal(fields: Fields, payload: bytes, start: int) -> bytes:
    """The bytes of a packet: its fields, their checksum with the payload's, the payload."""
    head = fields.encode()
    return head + _CRC.pack(checksum(head, payload, start)) + payload


def checksum(head: bytes, payload: bytes, start: int) -> int:
    """CRC-32 of a packet whose checksum starts at ``start``."""
    return zlib.crc32(payload, zlib.crc32(head, start))

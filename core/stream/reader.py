"""Reads a stream: packets in order of decoding, each checked before it is given out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType

from core.errors import StreamError
from core.hooks import Packet, PacketType
from core.stream.fields import END, Fields, Source, checksum, seed
from core.stream.header import StreamHeader


@dataclass(frozen=True)
class PacketSummary:
    """A packet without its payload."""

    number: int
    type: PacketType
    time: int
    size: int
    """Bytes of the payload."""
    position: int
    """Where it begins in the file."""


class StreamReader:
    """An open stream (a context manager). Raises `StreamError` when the file is no stream.

    Memory holds one packet at a time; no length that the file states is believed beyond the file's size and
    `StreamHeader.longest_payload`.
    """

    def __init__(self, path: Path) -> None:
        self._source = Source(path)
        try:
            self.header, self._crc = StreamHeader.read(self._source)
        except BaseException:
            self._source.close()
            raise
        self._first = self._source.position

    def __iter__(self) -> Iterator[Packet]:
        """All packets from the first on."""
        return self.packets()

    def packets(self, first: int = 0) -> Iterator[Packet]:
        """The packets from number ``first`` on; those before are passed over unread.

        Raises `StreamError`, naming the packet, where one is damaged; `core.errors.CutShortError` where the file
        ends too early. The packets before it have been given out by then.
        """
        latest = -1
        for number, fields, crc in self._each():
            if number < first and fields.type != END:
                self._source.skip(fields.length, f"packet {number}")
                continue
            payload = self._source.read(fields.length, f"packet {number}")
            if checksum(fields.encode(), payload, seed(self._crc, number)) != crc:
                raise self._damaged(f"packet {number} does not match its checksum")
            if fields.type == END:
                self._require_end(fields, number)
                return
            if fields.type == PacketType.INTRA and fields.time <= latest:
                raise self._damaged(f"packet {number} is shown before frames of the group before it")
            latest = max(latest, fields.time)
            yield fields.packet(payload)

    def scan(self) -> Iterator[PacketSummary]:
        """What packets there are, without reading their payloads or checking them."""
        for number, fields, _ in self._each():
            if fields.type == END:
                return
            position = self._source.position
            yield PacketSummary(number, PacketType(fields.type), fields.time, fields.length, position)
            self._source.seek(position)
            self._source.skip(fields.length, f"packet {number}")

    def last_intra(self, number: int) -> int | None:
        """The last intra packet that is not after packet ``number``; None where the stream ends before that."""
        intra = None
        for packet in self.scan():
            if packet.type is PacketType.INTRA:
                intra = packet.number
            if packet.number == number:
                return intra
        return None

    def next_intra(self, number: int) -> int | None:
        """The first intra packet that is not before packet ``number``; None where there is none."""
        wanted = (p.number for p in self.scan() if p.number >= number and p.type is PacketType.INTRA)
        return next(wanted, None)

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def _each(self) -> Iterator[tuple[int, Fields, int]]:
        """Number, fields and checksum of every packet; the file stands at its payload, and may be moved from there."""
        position = self._first
        for number in count():
            self._source.seek(position)
            fields, crc = Fields.read(self._source, number, self.header.longest_payload)
            if fields.type != END and fields.time >= self.header.end_of_time:
                raise self._damaged(f"packet {number} is shown after more than a lifetime")
            position = self._source.position + fields.length
            yield number, fields, crc

    def _require_end(self, end: Fields, packets: int) -> None:
        if end.time != packets:
            raise self._damaged(f"it holds {packets} packets and says {end.time}")
        if self._source.left:
            raise self._damaged(f"{self._source.left} bytes follow its end")

    def _damaged(self, why: str) -> StreamError:
        return StreamError(f"{self._source.path} is damaged: {why}.")

    def __enter__(self) -> StreamReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

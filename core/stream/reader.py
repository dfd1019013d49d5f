"""Reads a stream: packets in order of decoding, each checked before it is given out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from core.errors import StreamError
from core.hooks import Packet, PacketType
from core.stream.fields import END, Fields, PipeSource, Source, checksum, seed
from core.stream.header import StreamHeader


@dataclass(frozen=True)
class Section:
    """Packets that need none of the others, of a stream that was scanned: from an intra packet up to another one."""

    first: int = 0
    """Number of the intra packet."""
    stop: int | None = None
    """Number of the packet that begins the next section; None where this one goes to the end of the stream."""
    begin: int | None = None
    """Position of the intra packet in the file; None where it has to be looked for."""


@dataclass(frozen=True)
class PacketSummary:
    """A packet without its payload."""

    number: int
    type: PacketType
    time: int
    size: int
    """Bytes of the payload."""
    begin: int
    """Position of the packet in the file."""
    position: int
    """Position of its payload."""


class StreamReader:
    """An open stream (a context manager), of a file or a ``pipe``, of which ``path`` is then a name alone.

    A pipe is read once, and its packets are given out as they come. Raises `StreamError` when it is no stream.

    Memory holds one packet at a time; no length that the file states is believed beyond the file's size and
    `StreamHeader.longest_payload`.
    """

    def __init__(self, path: Path, pipe: BinaryIO | None = None) -> None:
        self._source = Source(path) if pipe is None else PipeSource(path, pipe)
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
        """The packets from number ``first`` on; those before are passed over unread. Errors as for `section`."""
        return self.section(Section(first))

    def section(self, section: Section) -> Iterator[Packet]:
        """The packets of a section.

        Raises `StreamError`, naming the packet, where one is damaged; `core.errors.CutShortError` where the file
        ends too early. The packets before it have been given out by then.
        """
        latest = -1
        for number, fields, crc in self._each(section):
            if number == section.stop:
                return
            if number < section.first and fields.type != END:
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
        """The packets, without reading their payloads or checking them."""
        begin = self._first
        for number, fields, _ in self._each(Section()):
            if fields.type == END:
                return
            position = self._source.position
            yield PacketSummary(number, PacketType(fields.type), fields.time, fields.length, begin, position)
            begin = position + fields.length
            self._source.seek(position)
            self._source.skip(fields.length, f"packet {number}")

    def sections(self, start: int = 0, least: int | None = None) -> Iterator[Section]:
        """The stream from the intra packet on that is not after packet ``start``, in sections of whole groups.

        Each has at least ``least`` packets, but for the last, which goes to the end; None makes one of all. There is
        none where the stream ends before ``start``. Damage behind that is told when the last section is read.
        """
        section, number = Section(), -1
        try:
            for packet in self.scan():
                number = packet.number
                is_full = least is not None and number - section.first >= least
                if packet.type is PacketType.INTRA and (is_full or number <= start):
                    if number > start:
                        yield replace(section, stop=number)
                    section = Section(number, None, packet.begin)
        except StreamError:
            if number < start:
                raise
        if number >= start or start == 0:
            yield section

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def _each(self, section: Section) -> Iterator[tuple[int, Fields, int]]:
        """Number, fields and checksum of every packet from where a section begins, or from the first.

        The file stands at the packet's payload, and may be moved from there.
        """
        position = self._first if section.begin is None else section.begin
        for number in count(0 if section.begin is None else section.first):
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

"""Writes a stream, packet by packet; what was written before a crash can be gone on from."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from core.errors import StreamError
from core.files import open_own
from core.hooks import Packet, PacketType
from core.stream.fields import END, Fields, seal, seed
from core.stream.header import StreamHeader
from core.stream.reader import StreamReader

_CRC_BYTES = 4


class StreamWriter:
    """A stream in the making (a context manager that finishes it, unless an exception leaves the block).

    The file stands under its own name from the beginning; who writes it chooses a temporary one.
    """

    def __init__(self, file: BinaryIO, header: StreamHeader, packets: int) -> None:
        self._file = file
        self._header = header
        self._crc = int.from_bytes(header.encode()[-_CRC_BYTES:], "little")
        self.packets = packets
        """Number of packets in the file."""

    @classmethod
    def create(cls, path: Path, header: StreamHeader) -> StreamWriter:
        """A new file, in place of one of this user's that is there; `ForeignError` for a link, or another's."""
        file = open_own(path, fresh=True)
        file.write(header.encode())
        file.flush()
        return cls(file, header, 0)

    @classmethod
    def into(cls, pipe: BinaryIO, header: StreamHeader) -> StreamWriter:
        """A stream into a pipe."""
        pipe.write(header.encode())
        pipe.flush()
        return cls(pipe, header, 0)

    @classmethod
    def resume(cls, path: Path, header: StreamHeader, at_most: int | None = None) -> StreamWriter:
        """An unfinished file, cut before its last intra packet that is whole: encoding goes on with that frame.

        ``at_most`` is how many packets may stay. Raises `StreamError` when the file is no stream of this header,
        `ForeignError` for a link, or another's file.
        """
        with StreamReader(path) as reader:
            if reader.header != header:
                raise StreamError(f"{path} is another stream.")
            packets, position = _before_last_intra(reader, at_most)
        file = open_own(path)
        file.truncate(position)
        file.seek(position)
        return cls(file, header, packets)

    def write(self, packet: Packet) -> None:
        """Append a packet; it is in the file when this returns."""
        fields = Fields.of(packet)
        if fields.length > self._header.longest_payload:
            raise StreamError(f"a packet of {fields.length} bytes is longer than a stream can hold.")
        if not 0 <= fields.time < self._header.end_of_time:
            last = self._header.end_of_time - 1
            raise StreamError(
                f"a stream's times go from 0 to {last}: it cannot hold a frame at {fields.time}."
            )
        self._append(fields, packet.payload)
        self.packets += 1

    def finish(self) -> None:
        """Write the end and close the file."""
        self._append(Fields(END, self.packets))
        self.close()

    def close(self) -> None:
        """Let go of the file as it is: unfinished, unless it was finished before."""
        self._file.close()

    def _append(self, fields: Fields, payload: bytes = b"") -> None:
        self._file.write(seal(fields, payload, seed(self._crc, self.packets)))
        self._file.flush()

    def __enter__(self) -> StreamWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        self.close()


def _before_last_intra(reader: StreamReader, at_most: int | None) -> tuple[int, int]:
    """How many packets stand before the last intra packet up to which all are whole, and where it begins."""
    start = len(reader.header.encode())
    best, position = (0, start), start
    try:
        for number, packet in enumerate(reader):
            if at_most is not None and number > at_most:
                break
            if packet.type is PacketType.INTRA:
                best = number, position
            position += len(seal(Fields.of(packet), packet.payload, 0))
    except StreamError:
        return best
    return best

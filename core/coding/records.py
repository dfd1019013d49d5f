"""Records of coded frames, their sums, and the journal from which an interrupted encode goes on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from core.errors import RecordError
from core.facts import Facts, changes
from core.files import open_own
from core.records import AnyFloat, Count, Matching, decode_record, parse_json


@dataclass(frozen=True)
class FrameRecord:
    """One coded frame; records stand in order of decoding."""

    type: Annotated[str, Matching("intra|inter")]
    time: int
    """When the frame is shown, in units of the stream's time base."""
    bytes: Count
    """Bytes of the payload."""
    psnr: float
    """RGB PSNR of the pictures rounded to 8 bits, dB; at most `core.metrics.quality.PSNR_CAP`."""
    estimated_bits: AnyFloat | None = None
    """Information content under the float priors, where it was asked for."""
    quality: AnyFloat | None = None
    """The quality at which its group was coded, where the rate was controlled."""


@dataclass
class Sums:
    """Sums over the frames coded so far."""

    frames: int = 0
    payload: int = 0
    psnr: float = 0.0
    estimated_bits: float | None = None

    def add(self, record: FrameRecord) -> None:
        """Count a frame."""
        self.frames += 1
        self.payload += record.bytes
        self.psnr += record.psnr
        if record.estimated_bits is not None:
            self.estimated_bits = (self.estimated_bits or 0.0) + record.estimated_bits

    @property
    def mean_psnr(self) -> float:
        """Mean over frames, dB; not a number before the first."""
        return self.psnr / self.frames if self.frames else math.nan


class Journal:
    """The records of an encode on disk: a line for the job's facts, and one for each frame, written before its packet.

    Raises `ForeignError` where the file is a link, or another's.
    """

    def __init__(self, path: Path, job: Facts) -> None:
        self._path = path
        self._first = _line(job)
        self._file = open_own(path)

    def begin(self) -> None:
        """Forget what was there."""
        self._file.truncate(0)
        self._write(self._first)

    def changes(self) -> str:
        """The difference between the job of these records and this one; empty where there is none."""
        self._file.seek(0)
        before = self._file.readline(_MAX_LINE_BYTES)
        return "" if before == self._first else changes(_parse_line(before), json.loads(self._first))

    def sound(self) -> int:
        """Number of records that can be read, up to the first that cannot."""
        return sum(1 for _ in self)

    def keep(self, count: int) -> None:
        """Drop all records but the first ``count``, of those that are `sound`."""
        self._file.seek(0)
        for _ in range(count + 1):
            self._file.readline()
        self._file.truncate(self._file.tell())

    def __iter__(self) -> Iterator[FrameRecord]:
        self._file.seek(0)
        self._file.readline()
        while (record := _record(self._file.readline(_MAX_LINE_BYTES))) is not None:
            yield record

    def add(self, record: FrameRecord) -> None:
        """Append a record."""
        self._write(_line(asdict(record)))

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        with suppress(OSError):  # on a full disk, what could not be written is tried once more
            self._file.close()

    def _write(self, line: bytes) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(line)
        self._file.flush()


_MAX_LINE_BYTES = 1 << 20


def _parse_line(line: bytes) -> Any:
    """The value of a line; None where it cannot be read, or was not written to its end."""
    try:
        return parse_json(line) if line.endswith(b"\n") else None
    except RecordError:
        return None


def _record(line: bytes) -> FrameRecord | None:
    """The record of a line; None where there is none, as after a power cut that left bytes of another kind."""
    try:
        return decode_record(FrameRecord, _parse_line(line))
    except RecordError:
        return None


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode() + b"\n"

"""What is noted of each coded frame, its sums, and the journal from which an interrupted encode goes on."""

from __future__ import annotations

import fcntl
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from core.errors import MediaError, RecordError
from core.records import AnyFloat, Count, Matching, decode_record, parse_json


@dataclass(frozen=True)
class FrameRecord:
    """One coded frame; records stand in order of decoding."""

    type: Annotated[str, Matching("intra|inter")]
    time: int
    """When it is shown, in units of the stream's time base."""
    bytes: Count
    """Of its payload."""
    psnr: float
    """Of RGB, both pictures rounded to 8 bits, dB; at most `core.metrics.quality.PSNR_CAP`."""
    estimated_bits: AnyFloat | None = None
    """Information content under the float priors, where it was asked for."""


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
    """The records of an encode on disk: a line for its plan, and one for each frame, written before its packet.

    One process holds a journal at a time: raises `MediaError` when another does.
    """

    def __init__(self, path: Path, plan: Mapping[str, Any]) -> None:
        self._path = path
        self._plan = _line(plan)
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise MediaError(
                f"{path} is in use: another process is encoding this video to the same file."
            ) from None

    def begin(self) -> None:
        """Forget what was there."""
        self._file.truncate(0)
        self._write(self._plan)

    def keep(self, count: int) -> bool:
        """Drop all records but the first ``count``; False when they are not there whole, or are another plan's."""
        self._file.seek(0)
        if self._file.readline() != self._plan:
            return False
        for _ in range(count):
            line = self._file.readline()
            if not line.endswith(b"\n") or _record(line) is None:
                return False
        self._file.truncate(self._file.tell())
        return True

    def __iter__(self) -> Iterator[FrameRecord]:
        self._file.seek(len(self._plan))
        for line in self._file:
            if (record := _record(line)) is None:
                raise MediaError(
                    f"{self._path} is damaged: remove it, and the video is encoded from the beginning."
                )
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
        self._file.write(line)
        self._file.flush()


def _record(line: bytes) -> FrameRecord | None:
    """The record of a line; None where it holds none, as after a power cut."""
    try:
        return decode_record(FrameRecord, parse_json(line))
    except RecordError:
        return None


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True).encode() + b"\n"

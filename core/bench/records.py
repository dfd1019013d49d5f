"""Results of a benchmark's jobs: plain values, which go to JSON and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.measure.records import PointRecord, Record, UpscalerRecord


@dataclass(frozen=True)
class Outcome:
    """The result of a job: a record, or a sentence."""

    contender: str
    point: str
    test_set: str
    command: Sequence[str]
    """Words of the command line that do it again."""
    seconds: float
    record: Record | None = None
    failure: str = ""

    @property
    def coded(self) -> PointRecord | None:
        """The point of a codec."""
        return self.record if isinstance(self.record, PointRecord) else None

    @property
    def upscaled(self) -> UpscalerRecord | None:
        """The record of an upscaler."""
        return self.record if isinstance(self.record, UpscalerRecord) else None

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain values for JSON."""
        return asdict(self)

"""Records of measured clips, and of all of them together: plain values, for JSON and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from statistics import median
from typing import Any, Generic, TypeVar

from core.records import Count, Positive, Seconds, Sha256, decode_record


class SrTask(Enum):
    """A task of space-time super-resolution."""

    SPATIAL = "S-VSR"
    TEMPORAL = "T-VSR"
    BOTH = "ST-VSR"


TASKS = tuple(task.value for task in SrTask)
"""The tasks in the order of tables."""


@dataclass(frozen=True)
class _Clip:
    """The record of a clip, for codecs and upscalers."""

    label: str
    """Name of the sequence, for people."""
    source: Sha256
    """SHA-256 of the clip's pictures, of all that the work was given."""
    key: Sha256
    """Key of the clip's record and files in the cache."""
    cold: bool
    """Whether it was the first clip of its process, in whose times networks were compiled."""
    peak_memory: Count
    """Bytes that the process had held at most, when the clip was done."""


@dataclass(frozen=True)
class ClipRecord(_Clip):
    """A clip by a codec: what its stream takes, and what came back from it."""

    frames: Positive
    width: Positive
    height: Positive
    counted_bytes: Count
    """Bytes that the rate counts."""
    file_bytes: Count
    """Bytes of the stream's file, with header and checks."""
    packet_bytes: Count
    """Bytes of the packets' payloads alone."""
    values: Mapping[str, float | None]
    """Mean over frames of each measure; none where the picture is too small for it."""
    encode_seconds: Seconds
    """Seconds for each frame, coding of symbols included."""
    decode_seconds: Seconds
    """Seconds for each frame."""
    encode_entropy_seconds: Seconds | None
    """The share of these in which symbols become bytes; none where a library does both."""
    decode_entropy_seconds: Seconds | None
    """The share of these in which bytes become symbols; none likewise."""
    stream: Sha256
    """SHA-256 of the stream's file."""
    estimated_bits: float | None = None
    """Information content under the float priors, where it was asked for."""

    @property
    def bpp(self) -> float:
        """Bits for each pixel of the source."""
        return 8 * self.counted_bytes / (self.frames * self.width * self.height)

    @property
    def estimated_bpp(self) -> float | None:
        """The same of the information content, where it was asked for."""
        bits = self.estimated_bits
        return None if bits is None else bits / (self.frames * self.width * self.height)

    @property
    def words(self) -> str:
        """Rate and quality, for a line."""
        return f"{self.bpp:.4f} bpp, {self.values['psnr_rgb']:.2f} dB"


@dataclass(frozen=True)
class UpscaledClip(_Clip):
    """A clip by an upscaler."""

    width: Positive
    height: Positive
    """Size of the high-resolution frames."""
    values: Mapping[str, Mapping[str, float | None]]
    """Task (S-VSR, T-VSR, ST-VSR) to the mean over frames of each measure; none where the picture is too small for
    it."""
    seconds: Seconds
    """Seconds for each of the three high-resolution frames, with the low-resolution one between them."""

    def __post_init__(self) -> None:
        if missing := [task for task in TASKS if task not in self.values]:
            raise ValueError(f"there is no {missing[0]} in its values")

    @property
    def words(self) -> str:
        """Quality of the middle frame where it was taken, for a line."""
        value = self.values[SrTask.BOTH.value].get("psnr_rgb")
        return "" if value is None else f"{value:.2f} dB"


C = TypeVar("C", ClipRecord, UpscaledClip)


@dataclass(frozen=True)
class _Clips(Generic[C]):
    """All clips of a test set."""

    clips: Sequence[C]

    def __post_init__(self) -> None:
        if not self.clips:
            raise ValueError("there is no clip in it")

    @property
    def peak_memory(self) -> int:
        """Bytes that a process held at most."""
        return max(clip.peak_memory for clip in self.clips)

    @property
    def _warm(self) -> Sequence[C]:
        """Clips without the first of each process, in whose times networks were compiled, where there are others."""
        return [clip for clip in self.clips if not clip.cold] or self.clips


@dataclass(frozen=True)
class CodedClips(_Clips[ClipRecord]):
    """Clips by a codec."""

    @property
    def bpp(self) -> float:
        """Mean over clips."""
        return mean([clip.bpp for clip in self.clips])

    def value(self, name: str) -> float | None:
        """Mean over clips of a measure; none where a clip has none."""
        return mean_of([clip.values.get(name) for clip in self.clips])

    @property
    def summary(self) -> str:
        """Rate and quality, for a line."""
        return f"{self.bpp:.4f} bpp, {self.value('psnr_rgb') or 0:.2f} dB"

    def seconds(self, name: str) -> float | None:
        """Median over clips of one of their times, without the first of each process where there are others."""
        times = [getattr(clip, name) for clip in self._warm]
        return None if None in times else float(median(times))


@dataclass(frozen=True)
class UpscaledClips(_Clips[UpscaledClip]):
    """Clips by an upscaler."""

    def value(self, task: str, name: str) -> float | None:
        """Mean over clips of a measure; none where a clip has none."""
        return mean_of([clip.values[task].get(name) for clip in self.clips])

    def means(self, task: str) -> dict[str, float | None]:
        """Means of all measures."""
        return {name: self.value(task, name) for name in self.clips[0].values[task]}

    @property
    def summary(self) -> str:
        """Quality in each task, for a line."""
        return ", ".join(f"{task} {self.value(task, 'psnr_rgb') or 0:.2f} dB" for task in TASKS)

    @property
    def seconds(self) -> float:
        """Median over clips, without the first of each process where there are others."""
        return float(median([clip.seconds for clip in self._warm]))


@dataclass(frozen=True)
class _Circumstances:
    """Facts that are needed to judge a measurement."""

    parameters: Count | None
    """Numbers in the network; none where there is no network."""
    multiply_adds: Mapping[str, float] | None
    """Multiply-adds for each pixel of a full-size frame, by what is done (`core.measure.cost`); none without a
    network."""
    fingerprint: str
    """Fingerprint of the checkpoint, or of what a conventional decoder needs; empty where nothing was learned."""
    options: Mapping[str, Any]
    """Options of the codec, or of the upscaler and its model."""
    device: Mapping[str, Any] | None
    """Options of the device; none where no network computes."""
    versions: Mapping[str, str]
    machine: str
    cached: Count
    """Clips that were there already."""

    def to_json(self) -> dict[str, Any]:
        """The record as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PointRecord(_Circumstances, CodedClips):
    """A codec at one rate on a test set."""

    codec: str
    axes: Mapping[str, str]
    """Coding, supervision and direction."""
    gop: Count
    intra: str | None
    counted: str
    """The bytes that the rate counts: ``stream file`` or ``packets``."""


@dataclass(frozen=True)
class UpscalerRecord(_Circumstances, UpscaledClips):
    """An upscaler on a test set."""

    upscaler: str
    scale: Positive


Record = PointRecord | UpscalerRecord


def record_of(plain: Any) -> Record:
    """A record from plain values; raises `core.errors.RecordError` where they are those of none."""
    if isinstance(plain, dict) and "upscaler" in plain:
        return decode_record(UpscalerRecord, plain)
    return decode_record(PointRecord, plain)


def mean_of(values: Sequence[float | None]) -> float | None:
    """Mean of at least one value; none where one of them is none."""
    known = [value for value in values if value is not None]
    return mean(known) if len(known) == len(values) else None


def mean(values: Sequence[float]) -> float:
    """Mean of at least one value."""
    return math.fsum(values) / len(values)

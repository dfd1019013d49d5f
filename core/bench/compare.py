"""Makes curves of points and comparisons of curves. What was measured under different conditions is never
compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.bench.bd import Delta, Point, bd_quality, bd_rate, decibels
from core.bench.records import Outcome
from core.measure.records import ClipRecord, PointRecord, UpscaledClip, UpscalerRecord, mean

MEAN_OF_SEQUENCES, MEAN_CURVE = "mean of sequences", "mean curve"


@dataclass(frozen=True)
class Conditions:
    """The conditions that curves must share to stand in one figure."""

    test_set: str
    gop: int
    frames: str
    size: str
    clips: str
    """Hash of the clips' pictures, short."""

    @property
    def title(self) -> str:
        """The conditions in words."""
        groups = f"an intra frame every {self.gop}" if self.gop else "one intra frame"
        return f"{self.test_set}: {self.size}, {self.frames} frames a clip, {groups}, clips {self.clips}"


@dataclass(frozen=True)
class Curve:
    """A contender under some conditions; points by rate."""

    contender: str
    conditions: Conditions
    points: Mapping[str, PointRecord]

    def mean(self, quality: str) -> list[Point]:
        """Mean over clips of rate and quality; without points that lack it."""
        pairs = [(point.bpp, point.value(quality)) for point in self.points.values()]
        return [(rate, value) for rate, value in pairs if value is not None]

    def sequence(self, number: int, quality: str) -> list[Point]:
        """Rate and quality of one clip."""
        clips = [point.clips[number] for point in self.points.values()]
        pairs = [(clip.bpp, clip.values.get(quality)) for clip in clips]
        return [(rate, value) for rate, value in pairs if value is not None]

    @property
    def labels(self) -> list[str]:
        """Names of the clips."""
        return [clip.label for clip in next(iter(self.points.values())).clips]


@dataclass(frozen=True)
class DeltaKind:
    """A Bjontegaard delta that is reported."""

    name: str
    quality: str
    rate: bool
    """True: the rate at equal quality, in percent. False: the quality at equal rate."""
    unit: str

    def compare(self, anchor: Sequence[Point], test: Sequence[Point]) -> Delta:
        """Rates at equal similarity are compared over decibels, in which steps are alike."""
        if not self.rate:
            return bd_quality(anchor, test)
        if self.quality.endswith("ssim"):
            anchor, test = ([(rate, decibels(value)) for rate, value in curve] for curve in (anchor, test))
        return bd_rate(anchor, test)


MEASURES = (
    DeltaKind("BD-rate, PSNR RGB", "psnr_rgb", True, "%"),
    DeltaKind("BD-rate, PSNR YUV", "psnr_yuv", True, "%"),
    DeltaKind("BD-rate, MS-SSIM", "ms_ssim", True, "%"),
    DeltaKind("BD-PSNR", "psnr_rgb", False, "dB"),
    DeltaKind("BD-MSSSIM", "ms_ssim", False, ""),
)


@dataclass(frozen=True)
class Comparison:
    """A curve against an anchor's, by one measure, on one sequence or on all."""

    conditions: Conditions
    anchor: str
    contender: str
    measure: DeltaKind
    sequence: str
    delta: Delta


def curves(outcomes: Sequence[Outcome]) -> list[Curve]:
    """The points that were measured, by contender and conditions, each sorted by rate."""
    grouped: dict[tuple[str, Conditions], dict[str, PointRecord]] = {}
    for outcome in outcomes:
        if record := outcome.coded:
            place = outcome.contender, conditions_of(outcome.test_set, record)
            grouped.setdefault(place, {})[outcome.point] = record
    return [
        Curve(contender, conditions, dict(sorted(points.items(), key=lambda item: item[1].bpp)))
        for (contender, conditions), points in grouped.items()
    ]


def conditions_of(test_set: str, record: PointRecord) -> Conditions:
    """The conditions under which a point was measured."""
    clips = record.clips
    size, frames = _one(clips, "{0.width}x{0.height}"), _one(clips, "{0.frames}")
    return Conditions(test_set, record.gop, frames, size, _together(clips))


def clips_of(test_set: str, record: UpscalerRecord) -> str:
    """The conditions under which an upscaler was measured, in words: where they are equal, its numbers compare."""
    clips = record.clips
    size = _one(clips, "{0.width}x{0.height}")
    return f"{test_set}: x{record.scale} to {size}, {len(clips)} clips {_together(clips)}"


def _together(clips: Sequence[ClipRecord] | Sequence[UpscaledClip]) -> str:
    """Hash of the clips' pictures, short."""
    return hashlib.sha256("".join(clip.source for clip in clips).encode()).hexdigest()[:8]


def figures(curves: Sequence[Curve]) -> dict[Conditions, list[Curve]]:
    """The curves that may stand together."""
    together: dict[Conditions, list[Curve]] = {}
    for curve in curves:
        together.setdefault(curve.conditions, []).append(curve)
    return together


def compare(curves: Sequence[Curve], anchors: Sequence[str]) -> list[Comparison]:
    """Every curve against the anchors that were measured under the same conditions."""
    return [
        comparison
        for together in figures(curves).values()
        for anchor in together
        if anchor.contender in anchors
        for curve in together
        if curve is not anchor
        for measure in MEASURES
        for comparison in _comparisons(anchor, curve, measure)
    ]


@dataclass(frozen=True)
class Uncompared:
    """Why a contender has no comparison with an anchor on a test set."""

    test_set: str
    anchor: str
    contender: str
    reason: str


def find_uncompared(curves: Sequence[Curve], anchors: Sequence[str]) -> list[Uncompared]:
    """The pairs that were measured on the same test set, but under no common conditions."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for anchor in curves:
        for curve in curves:
            if anchor.contender not in anchors or curve.contender == anchor.contender:
                continue
            if curve.conditions.test_set == anchor.conditions.test_set:
                place = curve.conditions.test_set, anchor.contender, curve.contender
                found.setdefault(place, []).append(_difference(anchor.conditions, curve.conditions))
    return [
        Uncompared(*place, "; or ".join(reasons) + ".") for place, reasons in found.items() if all(reasons)
    ]


def _difference(anchor: Conditions, other: Conditions) -> str:
    """The difference between two conditions; empty where there is none."""
    pairs = {
        "distance of intra frames": (other.gop, anchor.gop),
        "frames": (other.frames, anchor.frames),
        "size": (other.size, anchor.size),
        "clips": (other.clips, anchor.clips),
    }
    return ", ".join(
        f"{name} {ours} against {theirs}" for name, (ours, theirs) in pairs.items() if ours != theirs
    )


def _comparisons(anchor: Curve, curve: Curve, measure: DeltaKind) -> list[Comparison]:
    def comparison(sequence: str, delta: Delta) -> Comparison:
        return Comparison(curve.conditions, anchor.contender, curve.contender, measure, sequence, delta)

    single = [
        measure.compare(anchor.sequence(number, measure.quality), curve.sequence(number, measure.quality))
        for number in range(len(curve.labels))
    ]
    together = measure.compare(anchor.mean(measure.quality), curve.mean(measure.quality))
    return [
        *(comparison(label, delta) for label, delta in zip(curve.labels, single, strict=True)),
        comparison(MEAN_OF_SEQUENCES, _mean(single)),
        comparison(MEAN_CURVE, together),
    ]


def _mean(deltas: Sequence[Delta]) -> Delta:
    """The mean over all sequences, or none: a mean over those that happen to have a value would describe another
    set."""
    missing = [delta.reason for delta in deltas if delta.value is None]
    overlaps = [delta.overlap for delta in deltas if delta.overlap is not None]
    overlap = min(overlaps) if overlaps else None
    if missing:
        return Delta(
            None, None, overlap, f"{len(missing)} of {len(deltas)} sequences have no value: {missing[0]}"
        )
    values = [(delta.value, delta.check) for delta in deltas]
    return Delta(mean([v for v, _ in values]), mean([c for _, c in values]), overlap)  # type: ignore[misc]


def _one(clips: Sequence[ClipRecord] | Sequence[UpscaledClip], form: str) -> str:
    """What all clips have in common, or from the least to the most."""
    values = list(dict.fromkeys(form.format(clip) for clip in clips))
    return values[0] if len(values) == 1 else f"{values[0]} … {values[-1]}"


def to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain values for JSON and CSV."""
    delta = comparison.delta
    return {
        "conditions": comparison.conditions.title,
        "anchor": comparison.anchor,
        "contender": comparison.contender,
        "measure": comparison.measure.name,
        "unit": comparison.measure.unit,
        "sequence": comparison.sequence,
        "value": delta.value,
        "akima": delta.check,
        "overlap": delta.overlap,
        "reason": delta.reason,
    }

"""All that a benchmark found, with what must be known to judge or repeat it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from core.bench.bd import MIN_OVERLAP, MIN_POINTS
from core.bench.compare import (
    MEAN_OF_SEQUENCES,
    MEASURES,
    Comparison,
    Curve,
    Uncompared,
    clips_of,
    compare,
    conditions_of,
    curves,
    find_uncompared,
    to_json,
)
from core.bench.records import Outcome
from core.measure.cost import LOW_SIZE, SIZE
from core.measure.records import TASKS

NOTES = (
    "A rate is 8 x bytes / (frames x unpadded pixels). Learned codecs count every byte of the stream's file; "
    "conventional ones their packets alone, without messages about the encoder, which favours them by some twenty "
    "bytes a frame.",
    "Every stream was decoded from its file by a fresh decoder, and its pictures compared with the encoder's. "
    "Qualities are of pictures rounded to 8 bits, means over frames, then over clips; a frame's PSNR counts as 100 dB "
    "at most.",
    "PSNR Y and PSNR YUV are of BT.709 full-range 4:2:0 planes of those pictures; YUV weights Y, U, V by 6:1:1. SSIM "
    "and MS-SSIM are of RGB; MS-SSIM needs sides of 161 pixels.",
    "Times are medians over clips, without the first of each process where there are others: in it, networks are "
    "compiled. Memory is what the process held at most, MindSpore and clips included.",
    "Multiply-adds are of convolutions (deformable and transposed ones too), divisive normalisation and dense layers, "
    f"counted on pictures of {SIZE}x{SIZE} (upscalers: from {LOW_SIZE}x{LOW_SIZE}), for each pixel of a full frame. "
    "Warps, and what chooses tables in integers, are not in them; conventional codecs have none.",
    f"Bjontegaard deltas: PCHIP over the logarithm of the rate, Akima as a check; at least {MIN_POINTS} points, "
    f"strictly rising; blank where the curves overlap by less than {MIN_OVERLAP:.0%}. By MS-SSIM over "
    "-10 log10(1 - MS-SSIM).",
    "Curves of other clips, sizes, numbers of frames or distances of intra frames never stand in one figure.",
)
"""Notes that hold for all numbers."""


@dataclass(frozen=True)
class Results:
    """A finished benchmark."""

    title: str
    outcomes: Sequence[Outcome]
    anchors: Sequence[str]
    axes: Mapping[str, Mapping[str, str]]
    """The class of each contender among codecs."""
    sets: Mapping[str, Mapping[str, Any]]
    """Data set of each test set, with all options."""
    command: str
    parallel: int
    machine: str

    @cached_property
    def curves(self) -> list[Curve]:
        """All curves."""
        return curves(self.outcomes)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """All comparisons."""
        return compare(self.curves, self.anchors)

    @cached_property
    def apart(self) -> list[Uncompared]:
        """The pairs that were not compared, and why."""
        return find_uncompared(self.curves, self.anchors)

    @property
    def saved(self) -> float | None:
        """Percent of the rate that the contenders save against the first anchor at equal RGB PSNR: BD-rates, negated.

        The mean over contenders and test sets, of means over sequences; None where one of them has no value.
        """
        deltas = [
            comparison.delta.value
            for comparison in self.comparisons
            if (comparison.measure, comparison.sequence) == (MEASURES[0], MEAN_OF_SEQUENCES)
            and comparison.anchor == self.anchors[0]
            and comparison.contender not in self.anchors
        ]
        values = [-delta for delta in deltas if delta is not None]
        return sum(values) / len(values) if values and len(values) == len(deltas) else None

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that took part."""
        return {n: v for o in self.outcomes if o.record for n, v in o.record.versions.items()}

    def to_json(self) -> dict[str, Any]:
        """The results as plain values for JSON."""
        return {
            "title": self.title,
            "command": self.command,
            "machine": self.machine,
            "parallel": self.parallel,
            "versions": self.versions,
            "notes": NOTES,
            "anchors": list(self.anchors),
            "axes": dict(self.axes),
            "sets": dict(self.sets),
            "points": [_plain_outcome(outcome) for outcome in self.outcomes],
            "comparisons": [to_json(comparison) for comparison in self.comparisons],
            "not_compared": [asdict(pair) for pair in self.apart],
        }


def _plain_outcome(outcome: Outcome) -> dict[str, Any]:
    if upscaled := outcome.upscaled:
        names = upscaled.clips[0].values[TASKS[0]]
        by_task = {task: {name: upscaled.value(task, name) for name in names} for task in TASKS}
        return {**outcome.to_json(), "conditions": clips_of(outcome.test_set, upscaled), "means": by_task}
    record = outcome.coded
    if record is None:
        return outcome.to_json()
    conditions = conditions_of(outcome.test_set, record).title
    means = {"bpp": record.bpp, **{name: record.value(name) for name in record.clips[0].values}}
    return {**outcome.to_json(), "conditions": conditions, "means": means}

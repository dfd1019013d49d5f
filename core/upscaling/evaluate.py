"""Measures an upscaler on clips of three frames, beside the floors, in the three tasks of space-time super-resolution.

Given the low-resolution frames 0 and 2 of a clip:

- spatial (S-VSR): high-resolution frames 0 and 2; floor: bicubic.
- temporal (T-VSR): the low-resolution frame 1 between them; floor: linear blend.
- both (ST-VSR): the high-resolution frame 1; floor: bicubic of the blend.

Values are means over frames; each metric says in its options what it compares (by default RGB, clamped and rounded
to 8 bits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from core.errors import ConfigError
from core.hooks import Array, ClipSource, Output, Upscaler
from core.upscaling.floors import Floor

if TYPE_CHECKING:
    from mindspore.train import Metric


class Task(Enum):
    """A task of space-time video super-resolution."""

    SPATIAL = "S-VSR"
    TEMPORAL = "T-VSR"
    BOTH = "ST-VSR"


FLOOR_NAMES = {Task.SPATIAL: "bicubic", Task.TEMPORAL: "linear blend", Task.BOTH: "bicubic + blend"}


@dataclass(frozen=True)
class Row:
    """What a method reaches in a task, by metric."""

    task: Task
    method: str
    values: dict[str, float]


@dataclass(frozen=True)
class Example:
    """One clip as the network saw and made it, for a picture."""

    low: Array
    """First input frame, 3,h,w."""
    floor: Array
    ours: Array
    truth: Array
    """Middle high-resolution frame, 3,H,W."""


@dataclass(frozen=True)
class Evaluation:
    """All rows, and the clips kept for pictures."""

    rows: list[Row]
    examples: list[Example]
    clips: int

    def ours(self) -> dict[str, float]:
        """Our values, flat: ``psnr_st``, ``ssim_s``, …"""
        short = {Task.SPATIAL: "s", Task.TEMPORAL: "t", Task.BOTH: "st"}
        rows = [row for row in self.rows if row.method == OURS]
        return {f"{m}_{short[row.task]}": v for row in rows for m, v in row.values.items()}


OURS = "ours"


def evaluate(
    upscaler: Upscaler,
    source: ClipSource,
    metrics: Mapping[str, Metric],
    *,
    seed: int = 0,
    keep: int = 1,
    seen: Callable[[], None] | None = None,
) -> Evaluation:
    """Run every clip of a source through an upscaler.

    ``keep`` clips, evenly spaced, are kept for pictures; ``seen`` is called after each clip. Raises
    `ConfigError` when the source has no low-resolution frames or not three frames a clip.
    """
    require_triplets(source, upscaler.scale)
    kept = set(np.linspace(0, len(source) - 1, num=min(keep, len(source)), dtype=int).tolist())
    sums: dict[tuple[Task, str], list[dict[str, float]]] = {}
    examples = []
    for index in range(len(source)):
        frames, low = source.clip(index, np.random.default_rng([seed, index]))
        made, floor = upscaled(upscaler, low), upscaled(Floor(upscaler.scale), low)
        for ours, theirs in zip(pairs(made, frames, low), pairs(floor, frames, low), strict=True):
            for method, (task, picture, truth) in ((OURS, ours), (FLOOR_NAMES[ours[0]], theirs)):
                sums.setdefault((task, method), []).append(_measure(metrics, picture, truth))
        if index in kept:
            examples.append(Example(low[0], floor[Output.MIDDLE], made[Output.MIDDLE], frames[1]))
        if seen:
            seen()
    rows = [Row(task, method, _mean(values)) for (task, method), values in sums.items()]
    return Evaluation(rows, examples, len(source))


def require_triplets(source: ClipSource, scale: int) -> None:
    """Raise `ConfigError` when a source has no low-resolution frames by this factor, or not three frames a clip."""
    if tuple(source.columns) != ("frames", "low"):
        raise ConfigError(f"the data set gives no low-resolution frames: set dataset.scale={scale}.")
    if len(source) == 0:
        raise ConfigError("the data set has no clips in this split.")
    frames, low = source.clip(0, np.random.default_rng(0))
    if len(frames) != 3:
        raise ConfigError(
            f"clips have {len(frames)} frames, space-time upscaling takes 3: set dataset.frames=3."
        )
    if frames.shape[-1] != low.shape[-1] * scale:
        raise ConfigError(
            f"the data set does not downscale by the model's factor: set dataset.scale={scale}."
        )


def upscaled(upscaler: Upscaler, low: Array) -> dict[Output, Array]:
    """All that an upscaler makes of a clip's low-resolution frames 0 and 2."""
    made = upscaler(low[None, 0], low[None, 2], tuple(Output))
    return {output: picture[0] for output, picture in made.items()}


def pairs(made: Mapping[Output, Array], frames: Array, low: Array) -> Iterator[tuple[Task, Array, Array]]:
    """Each picture that was made of a clip, with the task that it belongs to and the truth."""
    yield Task.SPATIAL, made[Output.FIRST], frames[0]
    yield Task.SPATIAL, made[Output.LAST], frames[2]
    yield Task.TEMPORAL, made[Output.LOW_MIDDLE], low[1]
    yield Task.BOTH, made[Output.MIDDLE], frames[1]


def _measure(metrics: Mapping[str, Metric], picture: Array, truth: Array) -> dict[str, float]:
    values = {}
    for name, metric in metrics.items():
        metric.clear()
        metric.update(picture[None], truth[None])
        values[name] = float(metric.eval())
    return values


def _mean(values: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([value[name] for value in values])) for name in values[0]}

"""Upscalers on clips of three frames, in the three tasks of space-time super-resolution.

Given the low-resolution frames 0 and 2 of a clip:

- spatial (S-VSR): high-resolution frames 0 and 2; baseline: bicubic.
- temporal (T-VSR): the low-resolution frame 1 between them; baseline: linear blend.
- both (ST-VSR): the high-resolution frame 1; baseline: bicubic of the blend.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.hooks import Array, ClipSource, Output, Upscaler
from core.machine import peak_memory
from core.measure.clips import Clip, Measurable, MeasureSettings, require_clips
from core.measure.qualities import qualities
from core.measure.records import SrTask, UpscaledClip

HIGH_FRAMES = 3
"""High-resolution frames that are made of a clip."""


class MeasuredUpscaler(Measurable[Upscaler, UpscaledClip, dict[Output, Array]]):
    """An upscaler, for the clips of a source.

    It is loaded when the first clip is missing; then raises `ConfigError` as `require_triplets`: clips that were
    measured before did fit.
    """

    kind = UpscaledClip

    def __init__(self, load: Callable[[], Upscaler], source: ClipSource) -> None:
        super().__init__(lambda: _fitting(load(), source))

    def measure(
        self, clip: Clip, settings: MeasureSettings, about: Mapping[str, Any]
    ) -> tuple[UpscaledClip, dict[Output, Array]]:
        """See `Measurable.measure`."""
        upscaler, (frames, low) = self.loaded, clip.columns
        started = time.perf_counter()
        batch = upscaler(low[None, 0], low[None, 2], tuple(Output))
        seconds = (time.perf_counter() - started) / HIGH_FRAMES
        made = {output: pictures[0] for output, pictures in batch.items()}
        pairs = {
            SrTask.SPATIAL: [(made[Output.FIRST], frames[0]), (made[Output.LAST], frames[2])],
            SrTask.TEMPORAL: [(made[Output.LOW_MIDDLE], low[1])],
            SrTask.BOTH: [(made[Output.MIDDLE], frames[1])],
        }
        record = UpscaledClip(
            **about,
            width=frames.shape[-1],
            height=frames.shape[-2],
            values={
                task.value: qualities(both, settings.metrics, settings.qualities)
                for task, both in pairs.items()
            },
            seconds=seconds,
            peak_memory=peak_memory(),
        )
        return record, made


def _fitting(upscaler: Upscaler, source: ClipSource) -> Upscaler:
    require_triplets(source, upscaler.scale)
    return upscaler


def scale_of(source: ClipSource) -> int:
    """Factor between the two resolutions of a source's clips."""
    frames, low = source.clip(0, np.random.default_rng(0))
    return int(frames.shape[-1] // low.shape[-1])


def require_triplets(source: ClipSource, scale: int) -> None:
    """Raise `ConfigError` when a source has no low-resolution frames by this factor, or not three frames a clip."""
    if tuple(source.columns) != ("frames", "low"):
        raise ConfigError(f"the data set gives no low-resolution frames: set dataset.scale={scale}.")
    require_clips(source)
    frames, low = source.clip(0, np.random.default_rng(0))
    if len(frames) != 3:
        raise ConfigError(
            f"clips have {len(frames)} frames, space-time upscaling takes 3: set dataset.frames=3."
        )
    if frames.shape[-1] != low.shape[-1] * scale:
        raise ConfigError(
            f"the data set does not downscale by the model's factor: set dataset.scale={scale}."
        )

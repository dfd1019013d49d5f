"""Upscalers on clips of three frames, in the three tasks of space-time super-resolution.

Given the low-resolution frames 0 and 2 of a clip:

- spatial (S-VSR): high-resolution frames 0 and 2; floor: bicubic.
- temporal (T-VSR): the low-resolution frame 1 between them; floor: linear blend.
- both (ST-VSR): the high-resolution frame 1; floor: bicubic of the blend.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import ConfigError
from core.hooks import Array, ClipSource, Output, Upscaler
from core.machine import peak_memory
from core.measure.clips import Clip, Measuring, require_clips
from core.measure.qualities import qualities
from core.measure.records import Task, UpscaledClip

HIGH_FRAMES = 3
"""High-resolution frames that are made of a clip."""
MADE = {
    Task.SPATIAL: (Output.FIRST, Output.LAST),
    Task.TEMPORAL: (Output.LOW_MIDDLE,),
    Task.BOTH: (Output.MIDDLE,),
}
"""The pictures that belong to each task."""


class MeasuredUpscaler:
    """`core.measure.clips.Measurable` over an upscaler, for the clips of a source.

    Where a clip must be made, raises `ConfigError` for a source that does not fit, as `require_triplets`: clips that
    were measured before did fit.
    """

    kind = UpscaledClip

    def __init__(self, load: Callable[[], Upscaler], source: ClipSource) -> None:
        self._load, self._source = load, source

    @cached_property
    def loaded(self) -> Upscaler:
        """The upscaler, from its first use on."""
        return self._load()

    @cached_property
    def _fitting(self) -> Upscaler:
        require_triplets(self._source, self.loaded.scale)
        return self.loaded

    def given(self, clip: Clip) -> Sequence[Array]:
        """See `core.measure.clips.Measurable`."""
        return clip.columns

    def measure(
        self, clip: Clip, how: Measuring, about: Mapping[str, Any]
    ) -> tuple[UpscaledClip, dict[Output, Array]]:
        """See `core.measure.clips.Measurable`."""
        upscaler = self._fitting
        started = time.perf_counter()
        made = upscaled(upscaler, clip)
        seconds = (time.perf_counter() - started) / HIGH_FRAMES
        record = UpscaledClip(
            **about,
            width=clip.frames.shape[-1],
            height=clip.frames.shape[-2],
            values=by_task(made, clip, how),
            seconds=seconds,
            peak_memory=peak_memory(),
        )
        return record, made

    def drawn(self, clip: Clip, made: dict[Output, Array]) -> None:
        """Nothing: what is drawn of an upscaler shows its pictures beside the floor's, which are not kept."""


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


def upscaled(upscaler: Upscaler, clip: Clip) -> dict[Output, Array]:
    """All that an upscaler makes of a clip's low-resolution frames 0 and 2."""
    _, low = clip.columns
    made = upscaler(low[None, 0], low[None, 2], tuple(Output))
    return {output: picture[0] for output, picture in made.items()}


def by_task(made: Mapping[Output, Array], clip: Clip, how: Measuring) -> dict[str, dict[str, float | None]]:
    """Qualities of what was made of a clip, in each task: means over its pictures."""
    frames, low = clip.columns
    truth = {
        Output.FIRST: frames[0],
        Output.MIDDLE: frames[1],
        Output.LAST: frames[2],
        Output.LOW_MIDDLE: low[1],
    }
    return {
        task.value: qualities(
            np.stack([made[output] for output in outputs]),
            np.stack([truth[output] for output in outputs]),
            how.metrics,
            how.qualities,
        )
        for task, outputs in MADE.items()
    }

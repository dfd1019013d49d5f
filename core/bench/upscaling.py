"""Measures an upscaler on clips of three frames, in the three tasks of space-time super-resolution, through the cache.

What is asked of it is told in `core.upscaling.evaluate`.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.bench.cache import Cache, key_of, pixels_of
from core.bench.measure import qualities
from core.bench.records import UpscaledClip
from core.errors import ConfigError
from core.hooks import Array, ClipSource, Upscaler
from core.upscaling.evaluate import pairs, require_triplets, upscaled

if TYPE_CHECKING:
    from mindspore.train import Metric

HIGH_FRAMES = 3
"""High-resolution frames that are made of a clip."""


@dataclass(frozen=True)
class Upscaling:
    """How clips are measured."""

    cache: Cache
    conditions: Mapping[str, Any]
    """All but the clip that decides a result."""
    metrics: Mapping[str, Metric]
    """Measures beside those that are always taken."""
    seed: int


def measure(
    source: ClipSource,
    load: Callable[[], Upscaler],
    how: Upscaling,
    seen: Callable[[str], None] | None = None,
) -> tuple[list[UpscaledClip], int]:
    """The records of all clips of a source, and how many were there already.

    The upscaler is loaded when the first clip is missing. Raises `ConfigError` when the source has no clips, or then
    as `require_triplets`: clips that were measured fitted this upscaler.
    """
    if len(source) == 0:
        raise ConfigError("the data set has no clips in this split.")
    label = getattr(source, "label", "clip {}".format)
    clips, found = [], 0
    upscaler: Upscaler | None = None
    for index in range(len(source)):
        clip = source.clip(index, np.random.default_rng([how.seed, index]))
        pixels = hashlib.sha256("".join(map(pixels_of, clip)).encode()).hexdigest()
        key = key_of({**how.conditions, "clip": pixels})
        measured = how.cache.find(UpscaledClip, key, label(index))
        if measured is None:
            cold = upscaler is None
            if upscaler is None:
                upscaler = load()
                require_triplets(source, upscaler.scale)
            frames, low = clip
            measured = _measured(upscaler, frames, low, how.metrics, (label(index), pixels, key, cold))
            how.cache.add(measured)
        else:
            found += 1
        clips.append(measured)
        if seen:
            seen(f"{measured.values['ST-VSR']['psnr_rgb']:.2f} dB")
    return clips, found


def scale_of(source: ClipSource) -> int:
    """Factor between the two resolutions of a source's clips."""
    frames, low = source.clip(0, np.random.default_rng(0))
    return int(frames.shape[-1] // low.shape[-1])


def _measured(
    upscaler: Upscaler,
    frames: Array,
    low: Array,
    metrics: Mapping[str, Metric],
    named: tuple[str, str, str, bool],
) -> UpscaledClip:
    label, pixels, key, cold = named
    started = time.perf_counter()
    made = upscaled(upscaler, low)
    seconds = (time.perf_counter() - started) / HIGH_FRAMES
    by_task: dict[str, list[tuple[Array, Array]]] = {}
    for task, picture, truth in pairs(made, frames, low):
        by_task.setdefault(task.value, []).append((picture, truth))
    values = {
        task: qualities(np.stack([p for p, _ in both]), np.stack([t for _, t in both]), metrics)
        for task, both in by_task.items()
    }
    return UpscaledClip(
        label=label,
        width=frames.shape[-1],
        height=frames.shape[-2],
        values=values,
        seconds=seconds,
        cold=cold,
        peak_memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        source=pixels,
        key=key,
    )

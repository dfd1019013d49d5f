"""The clip loop: each clip of a source through what is measured, or its record from where measured clips are kept.

Every number of a codec or an upscaler on a data set comes out of it, whether ``task=evaluate``, ``task=bench`` or a
training's validation asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from core.errors import ConfigError
from core.hooks import Array, ClipSource
from core.interfaces import LabelledSource
from core.measure.cache import Cache, Drawn, key_of, pixels_of
from core.measure.qualities import QUALITIES
from core.measure.records import C

if TYPE_CHECKING:
    from mindspore.train import Metric

L = TypeVar("L")
M = TypeVar("M")


@dataclass(frozen=True)
class Clip:
    """A clip to be measured."""

    number: int
    label: str
    """Its name, for people."""
    columns: Sequence[Array]
    """The source's arrays: frames (T,3,H,W) in [0,1], and low-resolution ones where it has them."""

    @property
    def frames(self) -> Array:
        """The frames."""
        return self.columns[0]


@dataclass(frozen=True)
class MeasureSettings:
    """Settings of a measurement."""

    cache: Cache | None = None
    """The cache in which records are looked up and kept."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """All but the clip that decides a result."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    """Measures that were chosen."""
    qualities: Collection[str] = QUALITIES
    """The `QUALITIES` that are taken besides."""
    pictures: int = 0
    """Clips whose pictures are kept, evenly spaced."""
    seed: int = 0


class Measurable(ABC, Generic[L, C, M]):
    """A codec or an upscaler, loaded when its first clip is missing."""

    kind: type[C]
    """The class of its records."""
    draws = False
    """Whether the cache is to keep pictures of it."""

    def __init__(self, load: Callable[[], L]) -> None:
        self._load = load

    @cached_property
    def loaded(self) -> L:
        """The codec or the upscaler itself."""
        return self._load()

    @abstractmethod
    def measure(self, clip: Clip, settings: MeasureSettings, about: Mapping[str, Any]) -> tuple[C, M]:
        """The record of a clip, and what was made of it; ``about`` are the record's fields that the loop knows."""

    def pictures_to_draw(self, clip: Clip, made: M) -> Drawn | None:
        """These pictures."""
        return None


@dataclass(frozen=True)
class MeasuredClip(Generic[C, M]):
    """A clip, and what is known of it."""

    clip: Clip
    record: C
    made: M | None
    """The result; none where the record was there already."""
    is_kept: bool
    """Whether it is among those whose pictures are kept."""

    @property
    def about(self) -> dict[str, Any]:
        """The fields of the record that do not depend on what was measured."""
        return {name: getattr(self.record, name) for name in ("label", "source", "key", "cold")}


def measure_clips(
    source: ClipSource, work: Measurable[Any, C, M], settings: MeasureSettings
) -> Iterator[MeasuredClip[C, M]]:
    """Each clip of a source, measured. A record is kept at once, so that what is interrupted loses one clip.

    Raises `ConfigError` when the source has no clips, and as what is measured does.
    """
    require_clips(source)
    kept, cold = evenly_spaced_numbers(len(source), settings.pictures), True
    for clip in clips(source, settings.seed):
        pixels = pixels_of(*clip.columns)
        key = key_of({**settings.conditions, "clip": pixels})
        is_kept = clip.number in kept
        to_draw = is_kept and work.draws
        record = settings.cache.find(work.kind, key, clip.label, to_draw) if settings.cache else None
        made = None
        if record is None:
            about = {"label": clip.label, "source": pixels, "key": key, "cold": cold}
            record, made = work.measure(clip, settings, about)
            if settings.cache:
                settings.cache.add(record, work.pictures_to_draw(clip, made) if to_draw else None)
            cold = False
        yield MeasuredClip(clip, record, made, is_kept)


def clips(source: ClipSource, seed: int) -> Iterator[Clip]:
    """All clips of a source."""
    for number in range(len(source)):
        label = source.label(number) if isinstance(source, LabelledSource) else f"clip {number}"
        yield Clip(number, label, source.clip(number, np.random.default_rng([seed, number])))


def evenly_spaced_numbers(count: int, most: int) -> set[int]:
    """Numbers of ``most`` clips of ``count``, evenly spaced: those whose pictures are kept."""
    return set(np.linspace(0, count - 1, num=min(most, count), dtype=int).tolist())


def require_clips(source: ClipSource) -> None:
    """Raise `ConfigError` when a source has no clips."""
    if len(source) == 0:
        raise ConfigError("the data set has no clips in this split.")

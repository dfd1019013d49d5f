"""Clip sources: shots cut into clips, and the way from raw frames to the columns of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.augment import center_crop, random_crop, random_flips, random_reversal, random_transpose
from core.data.downscale import Filter, Frames, downscale
from core.data.options import ClipOptions, ShotOptions
from core.data.shots import Shot
from core.errors import DataError
from core.hooks import Array, ClipSource, Split


class ShotSource:
    """Clips of consecutive frames cut from shots.

    In training, every frame that a clip can start at is an item. In validation and test the clips follow one
    another without overlap, at the smallest step, and neither they nor their order depend on ``rng``.

    Raises:
        DataError: no shot is long enough for one clip.
    """

    def __init__(self, shots: Sequence[Shot], options: ShotOptions, split: Split) -> None:
        self.columns = columns(options)
        self._shots = shots
        self._options = options.of_split(split)
        self._training = split is Split.TRAIN
        self._windows = self._cut()

    def __len__(self) -> int:
        return len(self._windows)

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        """Clip ``index``. Raises `DataError` when the shot cannot be read or is smaller than the crop."""
        which, start = self._windows[index]
        shot, options = self._shots[which], self._options
        step = self._step(shot, int(start), rng) if self._training else options.min_step
        frames = shot.read(int(start), step, options.frames)
        return prepare(frames, options, self._training, rng, shot.name)

    def label(self, index: int) -> str:
        """Shot and first frame of clip ``index``, for people."""
        which, start = self._windows[index]
        return f"{Path(self._shots[which].name).stem}, frame {start}"

    def _cut(self) -> NDArray[np.int64]:
        """(shot, first frame) of every clip."""
        span = self._options.span
        stride = 1 if self._training else span
        counts = np.fromiter((shot.count for shot in self._shots), np.int64, len(self._shots))
        clips = np.maximum((counts - span) // stride + 1, 0)
        if not clips.any():
            raise DataError(
                f"A clip needs {span} consecutive frames and the longest shot has {counts.max(initial=0)}; "
                "lower frames or min_step, or give longer shots."
            )
        which = np.repeat(np.arange(len(counts)), clips)
        place = np.arange(len(which)) - np.repeat(np.cumsum(clips) - clips, clips)
        chosen = np.stack((which, stride * place), axis=1)
        return chosen if self._training else evenly_spaced(chosen, self._options.limit)

    def _step(self, shot: Shot, start: int, rng: np.random.Generator) -> int:
        options = self._options
        if options.frames == 1:
            return options.min_step
        reach = (shot.count - 1 - start) // (options.frames - 1)
        return int(rng.integers(options.min_step, min(options.max_step, reach) + 1))


class MixedSource:
    """Clips of ``main``, where a share drawn at random is replaced with random clips of ``other``."""

    def __init__(self, main: ClipSource, other: ClipSource, share: float) -> None:
        self.columns = main.columns
        self._main, self._other, self._share = main, other, share

    def __len__(self) -> int:
        return len(self._main)

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        """Clip ``index`` of ``main``, or by chance any of ``other``."""
        if rng.random() < self._share:
            return self._other.clip(int(rng.integers(len(self._other))), rng)
        return self._main.clip(index, rng)


def columns(options: ClipOptions) -> tuple[str, ...]:
    """Names of the arrays that `prepare` returns."""
    return ("frames", "low") if options.scale > 1 else ("frames",)


def prepare(
    frames: Frames, options: ClipOptions, training: bool, rng: np.random.Generator, name: str
) -> tuple[Array, ...]:
    """Make a clip's columns, float32 in [0,1], from raw frames (T,3,H,W) uint8.

    Crops, in training augments, and adds the low-resolution frames when ``options.scale`` is above 1.

    Raises:
        DataError: the crop does not fit into the frames of the shot ``name``.
    """
    frames = _crop(frames, options, training, rng, name)
    if training:
        frames = _augment(frames, options, rng)
    if options.scale == 1:
        return (_to_unit_range(frames),)
    kind = _filter(options.filter, training)
    middle = None if options.middle_filter is None else _filter(options.middle_filter, training)
    return _to_unit_range(frames), _to_unit_range(downscale(frames, options.scale, kind, rng, middle))


def evenly_spaced(items: NDArray[np.int64], limit: int | None) -> NDArray[np.int64]:
    """At most ``limit`` of the items, in order, each from the middle of its part of the whole."""
    if limit is None or limit >= len(items):
        return items
    return items[(2 * np.arange(limit) + 1) * len(items) // (2 * limit)]


def _crop(
    frames: Frames, options: ClipOptions, training: bool, rng: np.random.Generator, name: str
) -> Frames:
    height, width = frames.shape[2:]
    size = options.crop if training else options.evaluation_crop
    if size is not None and size > min(height, width):
        option = "crop" if training else "evaluation_crop"
        raise DataError(f"{option} is {size} but the frames of {name} are {width}x{height}; lower {option}.")
    if min(height, width) < options.scale:
        raise DataError(f"The frames of {name} are {width}x{height}, too small for scale {options.scale}.")
    if size is None:
        return center_crop(frames, height - height % options.scale, width - width % options.scale)
    return random_crop(frames, size, rng) if training else center_crop(frames, size, size)


def _augment(frames: Frames, options: ClipOptions, rng: np.random.Generator) -> Frames:
    if options.flips:
        frames = random_flips(frames, rng)
    if options.transpose and frames.shape[2] == frames.shape[3]:
        frames = random_transpose(frames, rng)
    if options.reversal:
        frames = random_reversal(frames, rng)
    return frames


def _filter(kind: Filter, training: bool) -> Filter:
    return Filter.bicubic if kind is Filter.random and not training else kind


def _to_unit_range(frames: Frames) -> Array:
    return np.divide(np.ascontiguousarray(frames), 255, dtype=np.float32)

"""Clips with known motion made from stills: pan, zoom and rotation, and a patch that hides what it passes.

Every frame is sampled from a cubic spline through the still at exact, sub-pixel places, so the frame between
two others is the true one and not an estimate. The stills (``embedded/``) are divided by source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.downscale import Frames
from core.data.options import ClipOptions
from core.data.shots import PICTURES, read_picture
from core.data.source import columns, prepare
from core.data.splits import existing_root
from core.errors import DataError
from core.hooks import Array, FilePath, Split
from core.options import option

EMBEDDED = Path(__file__).parent / "embedded"
STILLS = {
    Split.TRAIN: ("coffee", "rocket"),
    Split.VALIDATION: ("chelsea",),
    Split.TEST: ("astronaut",),
}

_EXPOSURES = 3
"""Pictures that are averaged in a frame with motion blur."""

Points = NDArray[np.float64]
"""Places as (…,2): row, column; in pixels."""
Planes = NDArray[np.float64]
"""Pictures as (…,3,H,W), values 0 to 255."""


@dataclass
class StillsConfig(ClipOptions):
    """Pictures in known motion, with exact middle frames.

    Motion is drawn evenly from minus to plus the largest value.
    """

    evaluation_crop: int | None = 192
    clips: int = option(64, at_least=1)
    """Clips of each split; in training the length of an epoch, as every clip is drawn anew."""
    pan: float = option(4.0, at_least=0, below=64)
    """Largest shift in rows and in columns, pixels a frame."""
    zoom: float = option(0.02, at_least=0, below=0.5)
    """Largest change of size a frame: 0.02 is 2 %."""
    rotation: float = option(1.5, at_least=0, below=45)
    """Largest rotation about the middle of the frame, degrees a frame."""
    patches: float = option(0.5, at_least=0, at_most=1)
    """Share of clips in which a patch of another place moves over the picture."""
    root: FilePath | None = None
    """A folder of pictures of your own to move in training; null: those that come with mindvideo."""
    blur: float = option(0.0, at_least=0, at_most=1)
    """Share of training clips whose frames are exposed for half the time to the next one, as cameras do."""
    noise: float = option(0.0, at_least=0, at_most=32)
    """Largest standard deviation of a training clip's noise, of samples from 0 to 255."""
    fade: float = option(0.0, at_least=0, at_most=32)
    """Largest change of brightness, of samples from 0 to 255 a frame, of a training clip."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop is None or self.evaluation_crop is None:
            raise ValueError("Moving stills have no whole frame: give crop and evaluation_crop a size.")


@dataclass(frozen=True)
class Motion:
    """The motion of a window over a still. Time 0 is the middle frame."""

    pan: tuple[float, float] = (0.0, 0.0)
    """Rows and columns that the window moves each frame."""
    zoom: float = 0.0
    """The window covers (1 + zoom) ** -time of its size: above 0 the picture grows."""
    rotation: float = 0.0
    """Radians each frame."""

    def window(self, size: int, time: float) -> Points:
        """The positions of the pixels of a ``size`` x ``size`` window, from the middle of the window at time 0."""
        offsets = np.arange(size) - (size - 1) / 2
        rows, cols = np.meshgrid(offsets, offsets, indexing="ij")
        factor, angle = (1 + self.zoom) ** -time, self.rotation * time
        cos, sin = factor * np.cos(angle), factor * np.sin(angle)
        moved = np.stack([cos * rows - sin * cols, sin * rows + cos * cols], axis=-1)
        return moved + np.multiply(self.pan, time)


@dataclass(frozen=True)
class Patch:
    """A disc of other texture that moves in front, with a soft edge one pixel wide."""

    radius: float
    place: tuple[float, float]
    """Its middle at time 0, from the middle of the window: row, column."""
    velocity: tuple[float, float]
    """Pixels of the window each frame."""

    def offsets(self, size: int, time: float) -> Points:
        """Places of the window's pixels, from the middle of the disc."""
        middle = np.add(self.place, np.multiply(self.velocity, time))
        return Motion().window(size, 0) - middle

    def cover(self, offsets: Points) -> NDArray[np.float64]:
        """The share of each pixel that the disc hides, 0 to 1."""
        return np.clip(self.radius + 0.5 - np.hypot(offsets[..., 0], offsets[..., 1]), 0, 1)


class Still:
    """A picture as a cubic spline: exact at its pixels, smooth between them, mirrored beyond its edges."""

    def __init__(self, name: str, picture: Frames, kept: type[np.floating] = np.float64) -> None:
        """``kept`` is the precision in which the spline is kept."""
        self.name = name
        from scipy import ndimage  # slow to import, and not needed to configure

        self.height, self.width = picture.shape[1:]
        self._spline = [
            ndimage.spline_filter(plane.astype(np.float64), order=3, output=kept, mode="mirror")
            for plane in picture
        ]

    def sample(self, points: Points) -> Planes:
        """The picture at (…,2) places: (3,…)."""
        from scipy import ndimage

        places = np.moveaxis(points, -1, 0)
        planes = [
            ndimage.map_coordinates(plane, places, order=3, mode="mirror", prefilter=False)
            for plane in self._spline
        ]
        return np.clip(np.stack(planes), 0, 255)


class StillSource:
    """Clips of moving stills. Validation and test clips depend on their index alone."""

    def __init__(self, stills: list[Still], config: StillsConfig, split: Split) -> None:
        self.columns = columns(config)
        self._stills = stills
        self._config = config
        self._training = split is Split.TRAIN

    def __len__(self) -> int:
        if self._training or self._config.limit is None:
            return self._config.clips
        return min(self._config.clips, self._config.limit)

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        """Clip ``index``: of still ``index % stills``. Raises `DataError` when it does not fit in."""
        if not self._training:
            rng = np.random.default_rng(index)
        config, still = self._config, self._stills[index % len(self._stills)]
        size = config.crop if self._training else config.evaluation_crop
        assert size is not None  # the config refuses it
        motion = _draw_motion(config, rng)
        exposures = _EXPOSURES if self._training and config.blur and rng.random() < config.blur else 1
        times = [
            time + part / (2 * exposures) for time in frame_times(config.frames) for part in range(exposures)
        ]
        middle = _draw_middle(still, motion, size, times, rng)
        frames = render(still, middle, motion, size, times)
        if rng.random() < config.patches:
            texture = self._stills[rng.integers(len(self._stills))]
            patch = _draw_patch(config, size, rng)
            rows, cols = texture.height - 1 - patch.radius, texture.width - 1 - patch.radius
            origin = (rng.uniform(patch.radius, rows), rng.uniform(patch.radius, cols))
            frames = with_patch(frames, texture, origin, patch, times)
        frames = frames.reshape(config.frames, exposures, *frames.shape[1:]).mean(1)
        if self._training:
            frames = _disturb(frames, config, rng)
        return prepare(_round(frames), config, self._training, rng, still.name)


def moving_stills(config: StillsConfig, split: Split) -> StillSource:
    """The clips of one split, made from the embedded stills of that split."""
    if config.root is None or split is not Split.TRAIN:
        return StillSource([_load_embedded(name) for name in STILLS[split]], config, split)
    root = existing_root(config.root, "The folder of stills", "pictures, at any depth")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in PICTURES)
    if not found:
        raise DataError(f"No pictures were found under {root}; give dataset.root another folder.")
    return StillSource([Still(path.name, read_picture(path), np.float32) for path in found], config, split)


def frame_times(frames: int) -> range:
    """Times of a clip's frames; the middle one is 0."""
    return range(-(frames // 2), frames - frames // 2)


def render(
    still: Still, middle: tuple[float, float], motion: Motion, size: int, times: Sequence[float]
) -> Planes:
    """What the moving window sees: (T,3,size,size), unrounded.

    ``middle`` is the place (row, column) in the still where the window's middle lies at time 0.
    """
    return np.stack([still.sample(motion.window(size, time) + middle) for time in times])


def with_patch(
    frames: Planes, texture: Still, origin: tuple[float, float], patch: Patch, times: Sequence[float]
) -> Planes:
    """The frames with the patch in front; ``origin`` is the place in ``texture`` that its middle shows."""
    composed = frames.copy()
    for frame, time in zip(composed, times, strict=True):
        offsets = patch.offsets(frame.shape[-1], time)
        cover = patch.cover(offsets)
        seen = cover > 0
        front, share = texture.sample(offsets[seen] + origin), cover[seen]
        frame[:, seen] = frame[:, seen] * (1 - share) + front * share
    return composed


def _draw_motion(config: StillsConfig, rng: np.random.Generator) -> Motion:
    row, column, zoom, turn = rng.uniform(-1, 1, size=4)
    return Motion(
        (row * config.pan, column * config.pan), zoom * config.zoom, turn * np.deg2rad(config.rotation)
    )


def _draw_middle(
    still: Still, motion: Motion, size: int, times: Sequence[float], rng: np.random.Generator
) -> tuple[float, float]:
    """A place where the window stays inside the still at all times.

    Raises:
        DataError: there is none.
    """
    windows = np.stack([motion.window(size, time) for time in times])
    least = -windows.min(axis=(0, 1, 2))
    most = np.array([still.height - 1, still.width - 1]) - windows.max(axis=(0, 1, 2))
    if (most < least).any():
        raise DataError(
            f"A window of {size} pixels that moves for {len(times)} frames does not fit into the still "
            f"{still.name} ({still.width}x{still.height}); lower crop, frames, pan, zoom or rotation."
        )
    row, column = rng.uniform(least, most)
    return row, column


def _draw_patch(config: StillsConfig, size: int, rng: np.random.Generator) -> Patch:
    row, column = rng.uniform(-size / 3, size / 3, size=2)
    down, right = rng.uniform(-config.pan, config.pan, size=2)
    return Patch(rng.uniform(size / 12, size / 5), (row, column), (down, right))


def _disturb(frames: Planes, config: StillsConfig, rng: np.random.Generator) -> Planes:
    """Add a noise and a change of brightness of the clip's own; nothing is drawn where there are none."""
    if config.fade:
        changes = rng.uniform(-config.fade, config.fade) * np.arange(len(frames))
        frames = frames + changes[:, None, None, None]
    if config.noise:
        frames = frames + rng.uniform(0, config.noise) * rng.standard_normal(frames.shape)
    return frames


def _round(frames: Planes) -> Frames:
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)


@cache
def _load_embedded(name: str) -> Still:
    return Still(name, read_picture(EMBEDDED / f"{name}.jpg"))

"""Low-resolution frames from high-resolution ones: antialiased, by a whole factor, with a stated filter."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frames = NDArray[np.uint8]


class Filter(Enum):
    """Filters that make frames smaller. Each filter is widened by the factor, so that nothing aliases."""

    bicubic = "bicubic"
    """Cubic convolution with a = -0.5."""
    bilinear = "bilinear"
    """Linear between centres."""
    lanczos = "lanczos"
    """Windowed sinc of three lobes."""
    box = "box"
    """Plain mean of each factor x factor block."""
    random = "random"
    """Drawn anew for each frame among bilinear, bicubic and lanczos."""


_DRAWN = (Filter.bilinear, Filter.bicubic, Filter.lanczos)
_RESAMPLING = {
    Filter.bicubic: Image.Resampling.BICUBIC,
    Filter.bilinear: Image.Resampling.BILINEAR,
    Filter.lanczos: Image.Resampling.LANCZOS,
}


def downscale(
    frames: Frames,
    factor: int,
    kind: Filter,
    rng: np.random.Generator,
    middle: Filter | None = None,
) -> Frames:
    """Frames made ``factor`` times smaller, rounded to 8 bits as a real low-resolution video would be.

    ``frames`` is (T,3,H,W) uint8 with H and W multiples of ``factor``; the result is (T,3,H/factor,W/factor).
    ``middle`` names another filter for frame T//2. Only `Filter.random` draws from ``rng``.
    """
    kinds = [kind] * len(frames)
    if middle is not None:
        kinds[len(frames) // 2] = middle
    return np.stack(
        [_downscale(frame, factor, _draw(one, rng)) for frame, one in zip(frames, kinds, strict=True)]
    )


def shrink(frames: Frames, ratio: float) -> Frames:
    """Frames (T,3,H,W) uint8 made ``ratio`` times smaller by Lanczos, sizes rounded; 1 changes nothing.

    Sources that were compressed before lose most of their coding artefacts when they are shrunk by 1.5 to 2.
    """
    if ratio == 1:
        return frames
    height, width = (max(1, round(side / ratio)) for side in frames.shape[2:])
    size = (width, height)
    return np.stack([_planes(_image(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames])


def _downscale(frame: Frames, factor: int, kind: Filter) -> Frames:
    image = _image(frame)
    if kind is Filter.box:
        # resize() rounds after each direction, which makes means of whole numbers too bright by half a level.
        return _planes(image.reduce(factor))
    return _planes(image.resize((image.width // factor, image.height // factor), _RESAMPLING[kind]))


def _draw(kind: Filter, rng: np.random.Generator) -> Filter:
    return _DRAWN[rng.integers(len(_DRAWN))] if kind is Filter.random else kind


def _image(frame: Frames) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))


def _planes(image: Image.Image) -> Frames:
    return np.asarray(image).transpose(2, 0, 1)

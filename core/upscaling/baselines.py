"""The baselines that a learned upscaler must beat: bicubic enlargement, linear blending, and both."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from core.hooks import Array, Output
from core.media.resampling import resize_picture


def bicubic(frame: Array, scale: int) -> Array:
    """Bicubic enlargement (a = -0.5, half-pixel) of 3,H,W in [0,1] to 3,scale*H,scale*W, clamped."""
    height, width = frame.shape[-2:]
    return resize_picture(frame, height * scale, width * scale)


def blend(first: Array, last: Array) -> Array:
    """The frame halfway between two, as their mean."""
    return ((first + last) / 2).astype(np.float32)


class Baseline:
    """`core.hooks.Upscaler` of the baselines: nothing is learned."""

    alignment = 1

    def __init__(self, scale: int) -> None:
        self.scale = scale

    def __call__(self, first: Array, last: Array, outputs: Collection[Output]) -> dict[Output, Array]:
        middle = blend(first, last)
        sources = {Output.FIRST: first, Output.MIDDLE: middle, Output.LAST: last}
        made = {
            output: np.stack([bicubic(frame, self.scale) for frame in frames])
            for output, frames in sources.items()
            if output in outputs
        }
        return made | ({Output.LOW_MIDDLE: middle} if Output.LOW_MIDDLE in outputs else {})

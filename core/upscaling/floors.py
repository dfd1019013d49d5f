"""The floors that a learned upscaler must beat: bicubic enlargement, linear blending, and both."""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.hooks import Array


def bicubic(frame: Array, scale: int) -> Array:
    """Bicubic enlargement (a = -0.5, half-pixel) of 3,H,W in [0,1] to 3,scale*H,scale*W, clamped."""
    height, width = frame.shape[-2:]
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize(
                (width * scale, height * scale), Image.Resampling.BICUBIC
            )
        )
        for plane in frame
    ]
    return np.clip(np.stack(planes), 0.0, 1.0).astype(np.float32)


def blend(first: Array, last: Array) -> Array:
    """The frame halfway between two, as their mean."""
    return ((first + last) / 2).astype(np.float32)

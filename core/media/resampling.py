"""Pictures made larger and smaller by bicubic interpolation (Pillow's: a = -0.5, half-pixel, antialiased)."""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.hooks import Array


def resize_picture(picture: Array, height: int, width: int) -> Array:
    """A picture (3,H,W) in [0,1] as (3,height,width), clamped."""
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(plane)).resize((width, height), Image.Resampling.BICUBIC)
        )
        for plane in picture
    ]
    return np.clip(np.stack(planes), 0.0, 1.0).astype(np.float32)

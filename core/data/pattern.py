"""A pattern that moves: frames for whatever needs some and does not mind which."""

from __future__ import annotations

import numpy as np

from core.hooks import Array


def moving_frames(count: int, height: int = 128, width: int = 128, seed: int = 8) -> Array:
    """``count`` frames (T,3,H,W) in [0,1] of a drifting pattern."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((3, height // 8 + 8, width // 8 + 8), dtype=np.float32)
    large = np.kron(coarse, np.ones((8, 8), np.float32))
    starts = [(3 * t % 61, 2 * t % 59) for t in range(count)]
    return np.stack([large[:, y : y + height, x : x + width] for y, x in starts])

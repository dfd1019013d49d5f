"""Finding scene cuts between neighbouring frames while a video is read."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from core.media.colour import luma

THUMBNAIL_ROWS = 32
HISTOGRAM_BINS = 16
RECENT_PAIRS = 8

# Measured on clips, stills in motion and flicker: cuts score 1.3 and more, at a structural change of 0.7 and more.
MIN_DIFFERENCE = 0.03
MIN_STRUCTURE = 0.5
MIN_SCORE = 1.1


class SceneCutDetector:
    """Tells whether a cut lies between two neighbouring frames, which are shown to it in order, pair by pair.

    Frames are compared as thumbnails of luma, by three measures. The mean absolute difference, without the change of
    mean brightness, must exceed what noise makes. The structural change (1 - correlation) must be large: flicker,
    flashes and fades change brightness but hardly the structure. Its sum with the distance of the histograms (which
    motion hardly changes) must exceed a threshold that rises with the median of the recent pairs, so that steady
    fast motion is no cut. The detector keeps the scores of a few pairs and no picture.
    """

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=RECENT_PAIRS)

    def is_cut(self, previous: NDArray[np.floating], current: NDArray[np.floating]) -> bool:
        """Whether ``current`` begins a new scene after ``previous``: (3,H,W) in [0,1] of one size."""
        if previous.shape != current.shape:
            raise ValueError(f"frames of one video have one shape, not {previous.shape} and {current.shape}")
        before, after = _thumbnail(previous), _thumbnail(current)
        structure = _structural_change(before, after)
        score = structure + 2 * _histogram_distance(before, after)
        usual = float(np.median(self._recent)) if self._recent else 0.0
        self._recent.append(score)
        return (
            _difference(before, after) > MIN_DIFFERENCE
            and structure > MIN_STRUCTURE
            and score > MIN_SCORE + 0.5 * usual
        )


def _thumbnail(rgb: NDArray[np.floating]) -> NDArray[np.floating]:
    """Luma as means over square blocks, about `THUMBNAIL_ROWS` on the shorter side."""
    bright = luma(rgb)
    height, width = bright.shape
    block = max(1, min(height, width) // THUMBNAIL_ROWS)
    rows, columns = height // block, width // block
    return bright[: rows * block, : columns * block].reshape(rows, block, columns, block).mean(axis=(1, 3))


def _difference(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Mean absolute difference after removing the means."""
    return float(np.abs((before - before.mean()) - (after - after.mean())).mean())


def _structural_change(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """1 - correlation: 0 for equal structure, 1 for none in common, 2 for a negative."""
    x, y = before - before.mean(), after - after.mean()
    return 1.0 - float((x * y).sum() / (np.sqrt((x * x).sum() * (y * y).sum()) + 1e-6))


def _histogram_distance(before: NDArray[np.floating], after: NDArray[np.floating]) -> float:
    """Share of the samples that would have to change their bin, 0 to 1."""
    first, second = (np.histogram(picture, HISTOGRAM_BINS, (0.0, 1.0))[0] for picture in (before, after))
    return float(np.abs(first - second).sum()) / (2 * before.size)

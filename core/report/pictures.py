"""Pictures for people: what went in, the baseline, ours and the truth, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.files import whole_file
from core.hooks import Array

PANEL_INCHES = 4.0


def comparison(panels: Sequence[tuple[str, Array]], attention: Array) -> NDArray[np.uint8]:
    """Labelled panels in a row, each with a detail below it, as RGB (H,W,3).

    ``panels`` are (label, picture 3,H,W in [0,1]) and may differ in size: each is shown at the same size without
    smoothing. The detail is the same quarter of each picture's height and width, where the mean of ``attention``
    (H,W) is largest.
    """
    row, column = detail(attention)
    aspect = panels[-1][1].shape[1] / panels[-1][1].shape[2]
    figure = Figure(figsize=(PANEL_INCHES * len(panels), 2 * PANEL_INCHES * aspect + 0.5), dpi=100)
    canvas = FigureCanvasAgg(figure)
    for index, (label, picture) in enumerate(panels):
        for line, part in enumerate((picture, crop(picture, row, column))):
            axes = figure.add_subplot(2, len(panels), line * len(panels) + index + 1)
            axes.imshow(np.clip(part.transpose(1, 2, 0), 0, 1), interpolation="nearest", aspect="auto")
            axes.set_axis_off()
            if line == 0:
                axes.set_title(label, fontsize=11)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.93, bottom=0.01, wspace=0.02, hspace=0.02)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_picture(picture: NDArray[np.uint8], path: Path) -> None:
    """Write an RGB picture (H,W,3) as PNG, whole or not at all."""
    from PIL import Image

    with whole_file(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG")


def detail(attention: Array) -> tuple[float, float]:
    """Top left of the quarter-size window with the largest mean, as fractions of height and width."""
    places = [(row, column) for row in np.arange(0, 0.76, 0.125) for column in np.arange(0, 0.76, 0.125)]
    return max(places, key=lambda place: float(crop(attention, *place).mean()))


def crop(picture: Array, row: float, column: float) -> Array:
    """The quarter of each side that begins at these fractions of height and width."""
    height, width = picture.shape[-2:]
    top, left = round(row * height), round(column * width)
    return picture[..., top : top + max(height // 4, 1), left : left + max(width // 4, 1)]

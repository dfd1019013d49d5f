"""Draws what the upscaler makes of scenes that it has never seen, for the README.

    python weights/crops.py FOLDER docs/images/cycmunet_small_x2.png [WEIGHTS]

FOLDER is what `weights/data.py` laid out. Of each scene two frames, made half as large, are given; shown is the large
frame in the middle, where most moves: as bicubic enlargement and blending make it, as the upscaler does,
and as it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import core  # noqa: E402
from core.data.downscale import Filter, downscale  # noqa: E402
from core.data.shots import VideoShot  # noqa: E402
from core.hooks import Array, Output, Upscaler  # noqa: E402
from core.media.index import FrameIndex  # noqa: E402
from core.report.pictures import crop, detail, save_picture  # noqa: E402
from core.selection import upscaler_of  # noqa: E402
from core.upscaling.baselines import Baseline  # noqa: E402

SCENES = {"cup_hand": (41, 3), "city_tower": (20, 3), "tree_wind": (14, 1)}
"""First frame, and how far the next ones are."""
COLUMNS = ("bicubic, blended", "cycmunet-small-x2", "as it was")


def row(clip: Path, start: int, apart: int, upscaler: Upscaler) -> list[Array]:
    """Crops (3,h,w) in [0,1], one a column."""
    frames = VideoShot(FrameIndex(clip)).read(start, apart, 3)
    low = downscale(frames, 2, Filter.bicubic, np.random.default_rng(0)).astype(np.float32) / 255
    true = frames[1].astype(np.float32) / 255
    pictures = [
        made(low[None, 0], low[None, 2], (Output.MIDDLE,))[Output.MIDDLE][0]
        for made in (Baseline(2), upscaler)
    ]
    place = detail(np.abs(frames[0].astype(np.float32) - frames[2]).mean(0))
    return [crop(picture, *place) for picture in (*pictures, true)]


def draw(rows: list[list[Array]]) -> np.ndarray:
    """All crops as one picture, (H,W,3)."""
    widths = 3.2 * len(COLUMNS)
    heights = [3.2 * cells[0].shape[1] / cells[0].shape[2] for cells in rows]
    figure = Figure(figsize=(widths, sum(heights) + 0.3), dpi=100)
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(rows), len(COLUMNS), height_ratios=heights)
    for line, cells in enumerate(rows):
        for column, picture in enumerate(cells):
            axes = figure.add_subplot(grid[line, column])
            axes.imshow(np.clip(picture.transpose(1, 2, 0), 0, 1), interpolation="nearest", aspect="auto")
            axes.set_axis_off()
            if line == 0:
                axes.set_title(COLUMNS[column], fontsize=11)
    figure.subplots_adjust(left=0.005, right=0.995, top=0.96, bottom=0.005, wspace=0.02, hspace=0.02)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


if __name__ == "__main__":
    folder, target, *given = sys.argv[1:]
    weights = given[0] if given else "cycmunet-small-x2"
    words = ["task=evaluate", f"task.checkpoint={weights}", "device.threads=1"]
    run = core.open_run(words)
    made = upscaler_of(run, run.settings.task.checkpoint).build()
    scenes = [row(Path(folder) / "held_out" / f"{name}.y4m", *at, made) for name, at in SCENES.items()]
    save_picture(draw(scenes), Path(target))

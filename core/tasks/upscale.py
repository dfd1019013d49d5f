"""``task=upscale``: makes a real video smoother and larger with a trained network."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.errors import ConfigError
from core.hooks import TaskEntry
from core.progress import Meter

if TYPE_CHECKING:
    from core.media.video import RawFormat
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class UpscaleConfig:
    """Make a video smoother and larger with a trained network."""

    input: str = MISSING
    """Video file, raw .yuv (state ``raw_size``), or folder of pictures."""
    output: str = MISSING
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files."""
    checkpoint: str | None = None
    """Trained network; by default the settings' ``weights``."""
    temporal: bool = True
    """Double the frame rate."""
    spatial: bool = True
    """Multiply the size by the model's factor."""
    scene_cuts: bool = True
    """Find cuts and repeat a frame there instead of blending across."""
    tile: int = 256
    """Largest side of the pieces that the network sees, in input pixels; 0 takes each frame whole."""
    overlap: int = 32
    """Input pixels that neighbouring pieces share."""
    crf: int = 16
    """Quality of H.264, 0 (lossless) to 51."""
    overwrite: bool = False
    """Replace an output that exists."""
    raw_size: str | None = None
    """Size of raw video, as 1920x1080."""
    raw_format: str = "yuv420p"
    """Pixel format of raw video."""
    frame_rate: float = 25.0
    """Frames per second of raw video and picture folders."""

    def __post_init__(self) -> None:
        if not (self.temporal or self.spatial):
            raise ValueError("task.temporal and task.spatial are both false: there is nothing to do.")
        if self.tile < 0 or self.overlap < 0 or (self.tile and self.overlap * 2 >= self.tile):
            raise ValueError(
                f"task.tile={self.tile} must be 0 or more than twice task.overlap={self.overlap}."
            )
        if not 0 <= self.crf <= 51:
            raise ValueError(f"task.crf={self.crf} is not between 0 and 51.")
        if self.frame_rate <= 0:
            raise ValueError(f"task.frame_rate={self.frame_rate} is not above 0.")


def _upscale(config: UpscaleConfig, run: Run) -> None:
    from core.media.reader import open_video
    from core.upscaling.video import UpscaleOptions, check_output, upscale_video

    weights = config.checkpoint or run.settings.weights
    if not weights:
        raise ConfigError(
            "no trained network is given: train one (python -m core), then task.checkpoint=FILE."
        )
    check_output(Path(config.input), Path(config.output), config.overwrite)
    rate = Fraction(config.frame_rate).limit_denominator(1001)
    with open_video(config.input, raw=_raw(config, rate), frame_rate=rate) as reader:
        upscaler = run.upscaler(run.model(weights))
        options = UpscaleOptions(
            config.temporal, config.spatial, config.scene_cuts, config.tile, config.overlap, config.crf
        )
        total = reader.info.frame_count
        with Meter(f"Upscaling {Path(config.input).name}", total) as meter:
            result = upscale_video(
                reader,
                Path(config.output),
                upscaler,
                options,
                source=Path(config.input),
                identity=hashlib.sha256(Path(weights).read_bytes()).hexdigest(),
                seen=meter,
            )
    log.info("%s: %s", config.output, result.description)


def _raw(config: UpscaleConfig, rate: Fraction) -> RawFormat | None:
    from core.media.video import RawFormat

    if config.raw_size is None:
        return None
    width, _, height = config.raw_size.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise ConfigError(f"task.raw_size={config.raw_size} is not a size such as 1920x1080.")
    return RawFormat(int(width), int(height), config.raw_format, rate)


UPSCALE = TaskEntry("upscale", UpscaleConfig, _upscale, needs=("model", "upscaler", "device"))

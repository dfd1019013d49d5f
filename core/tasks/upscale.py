"""``task=upscale``: makes a real video smoother and larger with a trained network."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.errors import ConfigError
from core.hooks import TaskEntry
from core.progress import Meter
from core.upscaling.options import UpscaleOptions

if TYPE_CHECKING:
    from core.media.video import RawFormat
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class UpscaleConfig(UpscaleOptions):
    """Make a video smoother and larger with a trained network."""

    input: str = MISSING
    """Video file, raw .yuv (state ``raw_size``), or folder of pictures."""
    output: str = MISSING
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files."""
    checkpoint: str | None = None
    """Trained network; by default the settings' ``weights``."""
    overwrite: bool = False
    """Replace an output that exists."""
    raw_size: str | None = None
    """Size of raw video, as 1920x1080."""
    raw_format: str = "yuv420p"
    """Pixel format of raw video."""
    frame_rate: float = 25.0
    """Frames per second of raw video and picture folders."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame_rate <= 0:
            raise ValueError(f"frame_rate={self.frame_rate} is not above 0.")

    @property
    def options(self) -> UpscaleOptions:
        """The part that is not about files."""
        return UpscaleOptions(**{field.name: getattr(self, field.name) for field in fields(UpscaleOptions)})


def _upscale(config: UpscaleConfig, run: Run) -> None:
    from core.media.reader import open_video
    from core.upscaling.video import check_output, upscale_video

    weights = config.checkpoint or run.settings.weights
    if not weights:
        raise ConfigError(
            "no trained network is given: train one (python -m core), then task.checkpoint=FILE."
        )
    check_output(Path(config.input), Path(config.output), config.overwrite)
    rate = Fraction(config.frame_rate).limit_denominator(1001)
    with open_video(config.input, raw=_raw(config, rate), frame_rate=rate) as reader:
        upscaler = run.upscaler(run.model(weights))
        total = reader.info.frame_count
        with Meter(f"Upscaling {Path(config.input).name}", total) as meter:
            result = upscale_video(
                reader,
                Path(config.output),
                upscaler,
                config.options,
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

"""``task=upscale``: makes a real video smoother and larger with a trained network."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.errors import ConfigError
from core.hooks import TaskEntry
from core.progress import Meter
from core.tasks.source import SourceConfig
from core.upscaling.options import UpscaleOptions

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class UpscaleConfig(UpscaleOptions, SourceConfig):
    """Make a video smoother and larger with a trained network."""

    output: str = MISSING
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files."""
    checkpoint: str | None = None
    """Trained network; by default the settings' ``weights``."""
    overwrite: bool = False
    """Replace an output that exists."""

    def __post_init__(self) -> None:
        UpscaleOptions.__post_init__(self)
        SourceConfig.__post_init__(self)

    @property
    def options(self) -> UpscaleOptions:
        """The part that is not about files."""
        return UpscaleOptions(**{field.name: getattr(self, field.name) for field in fields(UpscaleOptions)})


def _upscale(config: UpscaleConfig, run: Run) -> None:
    from core.media.output import check_output
    from core.upscaling.video import upscale_video

    weights = config.checkpoint or run.settings.weights
    if not weights:
        raise ConfigError(
            "no trained network is given: train one (python -m core), then task.checkpoint=FILE."
        )
    check_output(config.path, Path(config.output), config.overwrite)
    with config.open() as reader:
        upscaler = run.upscaler(run.model(weights))
        with Meter(f"Upscaling {config.path.name}", reader.info.frame_count) as meter:
            result = upscale_video(
                reader,
                Path(config.output),
                upscaler,
                config.options,
                source=config.path,
                identity=hashlib.sha256(Path(weights).read_bytes()).hexdigest(),
                seen=meter,
            )
    log.info("%s: %s", config.output, result.description)


UPSCALE = TaskEntry("upscale", UpscaleConfig, _upscale, needs=("model", "upscaler", "device"))

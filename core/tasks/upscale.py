"""``task=upscale``: makes a real video smoother and larger with a trained network."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.config import entry_section
from core.errors import CheckpointError, ConfigError
from core.hooks import FilePath, TaskEntry, UpscalerEntry
from core.progress import Meter
from core.tasks.source import SourceConfig
from core.upscaling.options import UpscaleOptions

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class UpscaleConfig(UpscaleOptions, SourceConfig):
    """Make a video smoother and larger with a trained network."""

    output: FilePath = MISSING
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files."""
    checkpoint: FilePath | None = None
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
    identity = _identity(run, weights)
    check_output(config.path, Path(config.output), config.overwrite)
    with config.open() as reader:
        upscaler = run.trained_upscaler(weights)
        with Meter(f"Upscaling {config.path.name}", reader.info.frame_count) as meter:
            result = upscale_video(
                reader,
                Path(config.output),
                upscaler,
                config.options,
                source=config.path,
                identity=identity,
                seen=meter,
            )
    log.info("%s: %s", config.output, result.description)


def _identity(run: Run, weights: str | None) -> str:
    """Names what makes the pictures; raises `ConfigError` where a network is needed and none is given."""
    entry = run.entry("upscaler", UpscalerEntry)
    if not entry.takes_model:
        return f"{entry.name} {entry_section(run.settings.upscaler)}"
    if not weights:
        raise ConfigError(
            "no trained network is given: train one (python -m core), then task.checkpoint=FILE."
        )
    checkpoint = Path(weights)
    if not checkpoint.is_file():
        raise CheckpointError(f"there is no checkpoint {checkpoint}.")
    return hashlib.sha256(checkpoint.read_bytes()).hexdigest()


UPSCALE = TaskEntry(
    "upscale",
    UpscaleConfig,
    _upscale,
    needs=("model", "upscaler", "device"),
    resumes="The same command goes on where it was.",
    has_output=True,
)

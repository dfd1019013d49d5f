"""``task=upscale``: makes a real video smoother and larger with a trained network."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core import identity
from core.errors import CheckpointError, ConfigError
from core.hooks import FilePath, TaskEntry, UpscalerEntry
from core.progress import Meter
from core.tasks.options import WritingOptions
from core.tasks.source import SourceConfig
from core.upscaling.options import UpscaleOptions

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class UpscaleConfig(UpscaleOptions, SourceConfig, WritingOptions):
    """Make a video smoother and larger with a trained network."""

    output: FilePath = MISSING
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files."""

    @property
    def options(self) -> UpscaleOptions:
        """The part that is not about files."""
        return UpscaleOptions(**{field.name: getattr(self, field.name) for field in fields(UpscaleOptions)})


def _upscale(config: UpscaleConfig, run: Run) -> None:
    from core.media.claim import claimed
    from core.upscaling.parts import require_ours
    from core.upscaling.video import upscale_video

    output = Path(config.output)
    weights = _weights(config, run)
    with claimed(config.path, output, config.overwrite), config.open(run.limits) as reader:
        require_ours(output)
        upscaler = run.trained_upscaler(weights)
        with Meter(f"Upscaling {config.path.name}", reader.info.frame_count) as meter:
            result = upscale_video(
                reader,
                output,
                upscaler,
                config.options,
                source=config.path,
                identity={**identity.upscaling(run, weights), **identity.task(run)},
                seen=meter,
                limits=run.limits,
            )
    log.info("%s: %s", output, result.description)


def _weights(config: UpscaleConfig, run: Run) -> str | None:
    """The trained network; raises `ConfigError` where one is needed and none is given."""
    if not run.entry("upscaler", UpscalerEntry).takes_model:
        return None
    weights = config.checkpoint or run.settings.weights
    if not weights:
        raise ConfigError(
            "no trained network is given: train one (python -m core), then task.checkpoint=FILE."
        )
    if not Path(weights).is_file():
        raise CheckpointError(f"there is no checkpoint {weights}.")
    return weights


UPSCALE = TaskEntry(
    "upscale",
    UpscaleConfig,
    _upscale,
    needs=("model", "upscaler", "device"),
    resumes="The same command goes on where it was.",
    has_output=True,
)

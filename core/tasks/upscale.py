"""``task=upscale``: makes a real video smoother and larger with a trained network."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import identity
from core.errors import CheckpointError
from core.hooks import FilePath, TaskEntry, Upscaler
from core.progress import Meter
from core.selection import upscaler_of
from core.tasks.compare import write as show
from core.tasks.options import PageOptions, WritingOptions, default_output
from core.tasks.shared import SharedOptions, crew_of
from core.tasks.source import SourceConfig
from core.upscaling.options import UpscaleOptions

if TYPE_CHECKING:
    from core.media.excerpt import Film
    from core.media.video import VideoReader
    from core.run import Run
    from core.upscaling.shared import Share, UpscalingWorker

log = logging.getLogger(__name__)


@dataclass
class UpscaleConfig(UpscaleOptions, PageOptions, SourceConfig, SharedOptions, WritingOptions):
    """Make a video smoother and larger with a trained network."""

    output: FilePath | None = None
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files; by default NAME-upscaled.mp4, or .mkv of an
    .mkv, beside the input, under a name that is free."""

    @property
    def options(self) -> UpscaleOptions:
        """The part that is not about files."""
        return UpscaleOptions(**{field.name: getattr(self, field.name) for field in fields(UpscaleOptions)})


def _upscale(config: UpscaleConfig, run: Run) -> None:
    from core.media.claim import claim_output
    from core.media.work_folder import require_ours
    from core.upscaling.video import upscale_video

    kept = config.path.suffix.lower() if config.path.suffix.lower() == ".mkv" else ".mp4"
    output = Path(config.output) if config.output else default_output(config.path, f"-upscaled{kept}")
    if missing := upscaler_of(run, config.checkpoint).missing():
        raise CheckpointError(missing)
    with claim_output(config.path, output, config.overwrite), config.open(run.limits) as reader:
        require_ours(output)
        with (
            _upscaler(config, run, reader) as (upscaler, known, share),
            Meter(f"Upscaling {config.path.name}", reader.info.frame_count) as meter,
        ):
            result = upscale_video(
                reader,
                output,
                upscaler,
                config.options,
                source=config.path,
                identity=known,
                seen=meter,
                limits=run.limits,
                share=share,
            )
    log.info("%s: %s", output, result.description)
    if config.page:
        from core.media.reader import open_video
        from core.report.compare import of_video

        made = of_video(output, lambda: open_video(output, limits=run.limits))
        show([of_video(config.path, lambda: config.open(run.limits)), made], default_output(output, ".html"))


@contextmanager
def _upscaler(
    config: UpscaleConfig, run: Run, reader: VideoReader
) -> Iterator[tuple[Upscaler, Mapping[str, Any], Share | None]]:
    """The upscaler, all that decides what it makes, and who shares the work; then it says no more than its scale."""
    if not config.is_shared:
        chosen = upscaler_of(run, config.checkpoint)
        yield chosen.build(), {**chosen.identity(), **identity.task(run)}, None
        return
    from core.upscaling.shared import Share

    film = config.film(reader, run.limits)
    with crew_of(run, config, config.path, partial(_worker, config, film)) as crew:
        yield crew.hello, crew.hello.identity, Share(crew, film)


def _worker(config: UpscaleConfig, film: Film, run: Run, source: Path) -> UpscalingWorker:
    from core.upscaling.shared import UpscalingWorker

    chosen = upscaler_of(run, config.checkpoint)
    known = {**chosen.identity(), **identity.task(run)}
    return UpscalingWorker(chosen.build(), config.options, film.at(source), known)


UPSCALE = TaskEntry(
    "upscale",
    UpscaleConfig,
    _upscale,
    needs=("upscaler", "device"),
    resumes="The same command goes on where it was.",
    has_output=True,
    positional=("task.input", "task.output"),
)

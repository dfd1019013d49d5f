"""``task=compare``: two videos, or streams, on one HTML page, in step under a divider."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.hooks import FilePath, TaskEntry
from core.implied import settings_of
from core.options import Options, option
from core.tasks.options import default_output
from core.words import word

if TYPE_CHECKING:
    from core.report.compare import ComparedVideo
    from core.run import Run

log = logging.getLogger(__name__)

SUFFIX = ".html"


@dataclass
class CompareConfig(Options):
    """Show two videos, or streams, on one HTML page: in step under a divider, with PSNR and bytes of each frame."""

    first: FilePath = MISSING
    """Video, folder of pictures or stream to show on the left; PSNR is to this one."""
    second: FilePath = MISSING
    """The same for the right."""
    output: FilePath | None = None
    """The page, .html; by default beside the second one, under a name that is free."""
    overwrite: bool = False
    """Replace an output that exists."""
    frames: int | None = option(None, at_least=1)
    """Number of frames to show; null shows all."""
    crf: float = option(12.0, at_least=0, at_most=51)
    """Quality of the page's own pictures, which are H.264: 0 (best) to 51."""


def _compare(config: CompareConfig, run: Run) -> None:
    first, second = Path(config.first), Path(config.second)
    page = Path(config.output) if config.output else default_output(second, f"-compared{SUFFIX}")
    write(
        [_video(first, run), _video(second, run)], page, config.overwrite, most=config.frames, crf=config.crf
    )


def write(
    videos: Sequence[ComparedVideo],
    page: Path,
    overwrite: bool = False,
    most: int | None = None,
    crf: float = 12.0,
) -> None:
    """Write the page of two videos, and say where; raises `MediaError` where that would cost an older file."""
    from core.media.claim import claim_output
    from core.report.compare import write_page

    first, second = videos
    with claim_output(second.path, page, overwrite, (SUFFIX,)):
        count = write_page(first, second, page, most, crf)
    log.info("%s: %d frames", page, count)


def _video(path: Path, run: Run) -> ComparedVideo:
    """A video; or a stream with the codec that it names."""
    from core.media.reader import open_video
    from core.report.compare import of_stream, of_video

    if path.suffix.lower() != ".mdv":
        return of_video(path, lambda: open_video(path, limits=run.limits))
    settings = settings_of(["task=decode", word("task.input", str(path))], run.registry)
    settings.device, settings.runtime, settings.limits = (
        run.settings.device,
        run.settings.runtime,
        run.settings.limits,
    )
    decoding = type(run)(settings, run.registry, run.output)
    return of_stream(path, decoding.codec(settings.task.checkpoint), run.limits)


COMPARE = TaskEntry(
    "compare",
    CompareConfig,
    _compare,
    needs=("device",),
    has_output=True,
    positional=("task.first", "task.second", "task.output"),
)

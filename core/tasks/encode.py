"""``task=encode``: codes a real video into a stream (.mdv) with a trained codec."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core import identity
from core.errors import ConfigError
from core.files import write_json
from core.hooks import FilePath, TaskEntry
from core.progress import Meter
from core.tasks.compare import write as show
from core.tasks.options import PageOptions, WritingOptions, beside
from core.tasks.source import SourceConfig

if TYPE_CHECKING:
    from core.coding.records import FrameRecord
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class EncodeConfig(PageOptions, SourceConfig, WritingOptions):
    """Code a video into a stream with a trained codec; typed again after an interruption, it goes on."""

    output: FilePath | None = None
    """The stream, .mdv; by default beside the video, under a name that is free."""
    report: FilePath | None = None
    """JSON file to write with type, time, bytes and PSNR of each frame."""
    estimated: bool = False
    """Say as well what the float priors estimate for the rate."""


def _encode(config: EncodeConfig, run: Run) -> None:
    from core.coding.encode import SUFFIX, encode_video
    from core.media.claim import claimed

    output = Path(config.output) if config.output else beside(config.path, SUFFIX)
    if config.report and not (folder := Path(config.report).parent).is_dir():
        raise ConfigError(f"{folder} is not a folder: create it before writing {config.report}.")
    records: list[FrameRecord] = []
    with claimed(config.path, output, config.overwrite, (SUFFIX,)), config.open(run.limits) as reader:
        loaded = run.codec(config.checkpoint)
        loaded = replace(loaded, identity={**loaded.identity, **identity.task(run)})
        with Meter(f"Encoding {config.path.name}", reader.info.frame_count) as meter:
            result = encode_video(
                reader,
                output,
                loaded,
                source=config.path,
                estimate=config.estimated,
                note=records.append if config.report else None,
                seen=meter,
            )
    log.info("%s: %s", output, result.description)
    if config.report:
        frames = [asdict(record) for record in records]
        write_json(Path(config.report), {**asdict(result), "per_frame": frames})
    if config.page:
        from core.report.compare import of_stream, of_video

        source = of_video(config.path, lambda: config.open(run.limits))
        show([source, of_stream(output, loaded, run.limits)], beside(output, ".html"))


ENCODE = TaskEntry(
    "encode",
    EncodeConfig,
    _encode,
    needs=("codec", "device"),
    resumes="The same command goes on where it was; x264 and its kind begin anew.",
    has_output=True,
    positional=("task.input", "task.output"),
)

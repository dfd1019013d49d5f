"""``task=decode``: turns a stream (.mdv) back into a video with the codec that made it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.hooks import FilePath, TaskEntry
from core.media.options import EncoderOptions
from core.options import option
from core.progress import Meter
from core.tasks.options import WritingOptions, beside

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class DecodeConfig(EncoderOptions, WritingOptions):
    """Turn a stream back into a video with the codec that made it."""

    input: FilePath = MISSING
    """The stream, .mdv."""
    output: FilePath | None = None
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files; by default an .mp4 beside the stream, under a
    name that is free."""
    start: int = option(0, at_least=0)
    """First frame to write."""
    frames: int | None = option(None, at_least=1)
    """How many to write; null takes all."""


def _decode(config: DecodeConfig, run: Run) -> None:
    from core.coding.decode import decode_video
    from core.media.claim import claimed

    source = Path(config.input)
    output = Path(config.output) if config.output else beside(source, ".mp4")
    with claimed(source, output, config.overwrite):
        total = config.frames or frames_of(source)
        loaded = run.codec(config.checkpoint)
        with Meter(f"Decoding {source.name}", total) as meter:
            result = decode_video(
                source,
                output,
                loaded,
                start=config.start,
                frames=config.frames,
                crf=config.crf,
                threads=config.threads,
                seen=meter,
                limits=run.limits,
            )
    if result.drift:
        log.warning("%s", result.drift)
    log.info("%s: %d frames, %.1f s", output, result.frames, result.seconds)


def frames_of(source: Path) -> int | None:
    """How many frames a stream says that it holds; `StreamError` where it is none."""
    from core.stream import StreamReader

    with StreamReader(source) as reader:
        return reader.header.frames


DECODE = TaskEntry(
    "decode",
    DecodeConfig,
    _decode,
    needs=("codec", "device"),
    has_output=True,
    positional=("task.input", "task.output"),
    decodes="input",
)

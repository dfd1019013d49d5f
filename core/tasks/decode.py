"""``task=decode``: turns a stream (.mdv) back into a video with the codec that made it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.hooks import FilePath, TaskEntry
from core.progress import Meter

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class DecodeConfig:
    """Turn a stream back into a video with the codec that made it."""

    input: FilePath = MISSING
    """The stream, .mdv."""
    output: FilePath = MISSING
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files."""
    checkpoint: FilePath | None = None
    """Trained codec; by default the settings' ``weights``."""
    overwrite: bool = False
    """Replace an output that exists."""
    start: int = 0
    """First frame to write."""
    frames: int | None = None
    """How many to write; null takes all."""
    crf: int = 16
    """Quality of H.264 and HEVC, 0 (best) to 51."""
    threads: int = 1
    """Of the video encoder: 1 gives the same file every time, 0 takes all cores, and may not."""

    def __post_init__(self) -> None:
        if self.start < 0:
            raise ValueError(f"start={self.start} is negative.")
        if self.frames is not None and self.frames < 1:
            raise ValueError(f"frames={self.frames} is not above 0.")
        if not 0 <= self.crf <= 51:
            raise ValueError(f"crf={self.crf} is not between 0 and 51.")
        if self.threads < 0:
            raise ValueError(f"threads={self.threads} is negative.")


def _decode(config: DecodeConfig, run: Run) -> None:
    from core.coding.decode import decode_video
    from core.media.claim import claimed

    source, output = Path(config.input), Path(config.output)
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


DECODE = TaskEntry("decode", DecodeConfig, _decode, needs=("codec", "device"), has_output=True)

"""``task=decode``: turns a stream (.mdv) back into a video with the codec that made it."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.errors import ConfigError
from core.files import temporary_folder
from core.hooks import FilePath, TaskEntry
from core.media.options import EncoderOptions
from core.options import option
from core.progress import Meter
from core.tasks.options import PartOptions, WritingOptions, default_output, require_output
from core.tasks.pipes import PIPE, VIDEOS, standard_output
from core.tasks.shared import SharedOptions, crew_of

if TYPE_CHECKING:
    from core.coding.codec import LoadedCodec
    from core.coding.decode import Shared
    from core.coding.shared import DecodingWorker
    from core.crew import Seen
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class DecodeConfig(EncoderOptions, PartOptions, SharedOptions, WritingOptions):
    """Turn a stream back into a video with the codec that made it."""

    input: FilePath = MISSING
    """The stream, .mdv; ``-`` is standard input."""
    output: FilePath | None = None
    """.mp4 or .mkv (H.264), .y4m (lossless), or a folder for PNG files; by default an .mp4 beside the stream, under a
    name that is free. ``-`` is y4m on standard output, and ``-.mkv`` Matroska there."""
    frames: int | None = option(None, at_least=1)
    """Number of frames to write; null takes all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames is not None and self.end is not None:
            raise ValueError("give task.end or task.frames, not both.")


def _decode(config: DecodeConfig, run: Run) -> None:
    from core.coding.decode import decode_video
    from core.coding.shown import frames_between
    from core.media.claim import claim_output

    if config.input == PIPE or config.output in VIDEOS:
        _decode_live(config, run)
        return
    source = Path(config.input)
    output = Path(config.output) if config.output else default_output(source, ".mp4")
    with claim_output(source, output, config.overwrite):
        start, frames = frames_between(source, *config.places)
        frames = config.frames if config.end is None else frames
        total = frames or frames_of(source)
        with (
            decoding(run, config, source, config.checkpoint, output) as (loaded, shared),
            Meter(f"Decoding {source.name}", total) as meter,
        ):
            result = decode_video(
                source,
                output,
                loaded,
                start=start,
                frames=frames,
                crf=config.crf,
                threads=config.threads,
                seen=meter,
                limits=run.limits,
                shared=shared and shared(lambda parts: meter.advance(parts=parts)),
            )
    if result.drift:
        log.warning("%s", result.drift)
    log.info("%s: %d frames, %.1f s", output, result.frames, result.seconds)


def _decode_live(config: DecodeConfig, run: Run) -> None:
    """Decode from a pipe or into one: pictures leave as they come."""
    from core.coding.frames import StreamDecoder
    from core.coding.live import decode_live
    from core.coding.shown import frames_between
    from core.media.claim import claim_output

    start, frames = 0, config.frames
    if config.input != PIPE:
        start, frames = frames_between(Path(config.input), *config.places)
        frames = config.frames if config.end is None else frames
    elif config.places != (0, None):
        raise ConfigError("task.start and task.end need a stream in a file, which - is not.")
    if config.is_shared:
        raise ConfigError(
            "task.parallel needs files: give task.input and task.output as such, or leave it out."
        )
    name = require_output(config.output, config.input)
    output = VIDEOS.get(name, Path(name))
    with ExitStack() as stack:
        pipe = None
        if name in VIDEOS:
            pipe = stack.enter_context(standard_output())
        else:
            stack.enter_context(claim_output(Path(config.input), output, config.overwrite))
        loaded = run.codec(config.checkpoint, streams=True)
        stdin = sys.stdin.buffer if config.input == PIPE else None
        stream = stack.enter_context(StreamDecoder(Path(config.input), loaded, run.limits, stdin))
        meter = stack.enter_context(Meter(f"Decoding {config.input}", frames or stream.header.frames))
        result = decode_live(
            stream,
            output,
            pipe=pipe,
            start=start,
            frames=frames,
            crf=config.crf,
            threads=config.threads,
            seen=lambda parts: meter.advance(parts=parts),
        )
    if result.drift:
        log.warning("%s", result.drift)


@contextmanager
def decoding(
    run: Run, options: SharedOptions, source: Path, checkpoint: str | None, output: Path | None = None
) -> Iterator[tuple[LoadedCodec, Callable[[Seen], Shared] | None]]:
    """The codec of a stream and, where other processes share the work, what has them decode.

    Their pictures wait beside the ``output``, if there is one.
    """
    if not options.is_shared:
        yield run.codec(checkpoint, streams=True), None
        return
    from core.coding.shared import decode_frames

    folder = temporary_folder(output) if output else None
    try:
        with crew_of(run, options, source, partial(_worker, checkpoint, folder)) as crew:
            yield crew.hello, partial(partial, decode_frames, crew)
    finally:
        if folder:
            shutil.rmtree(folder)


def _worker(checkpoint: str | None, folder: Path | None, run: Run, source: Path) -> DecodingWorker:
    from core.coding.shared import DecodingWorker

    return DecodingWorker(run.codec(checkpoint, streams=True), source, run.limits, folder)


def frames_of(source: Path) -> int | None:
    """Number of frames that a stream says it holds; `StreamError` where it is none."""
    from core.stream import StreamReader

    with StreamReader(source) as reader:
        return reader.header.frames


DECODE = TaskEntry(
    "decode",
    DecodeConfig,
    _decode,
    needs=("codec", "device"),
    resumes="The same command goes on where it was; .y4m and a folder begin anew.",
    has_output=True,
    positional=("task.input", "task.output"),
    decodes="input",
)

"""``task=encode``: codes a real video into a stream (.mdv) with a trained codec."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core import identity
from core.errors import ConfigError, MediaError
from core.files import whole_file, write_json
from core.hooks import FilePath, TaskEntry
from core.progress import Meter
from core.tasks.compare import write as show
from core.tasks.options import PageOptions, WritingOptions, default_output, require_free, require_output
from core.tasks.pipes import PIPE, standard_output
from core.tasks.shared import SharedOptions, crew_of
from core.tasks.source import SourceConfig, is_live

if TYPE_CHECKING:
    from core.coding.codec import LoadedCodec
    from core.coding.encode import Coder
    from core.coding.records import FrameRecord
    from core.coding.shared import EncodingWorker
    from core.crew import Seen
    from core.media.excerpt import Film
    from core.media.video import VideoReader
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class EncodeConfig(PageOptions, SourceConfig, SharedOptions, WritingOptions):
    """Code a video into a stream with a trained codec; typed again after an interruption, it goes on."""

    output: FilePath | None = None
    """The stream, .mdv; by default beside the video, under a name that is free. ``-`` is standard output."""
    report: FilePath | None = None
    """JSON file to write with type, time, bytes and PSNR of each frame."""
    estimated: bool = False
    """Say as well what the float priors estimate for the rate."""


def _encode(config: EncodeConfig, run: Run) -> None:
    from core.coding.encode import SUFFIX, encode_video
    from core.media.claim import claim_output

    if is_live(config.input) or config.output == PIPE:
        _encode_live(config, run)
        return
    output = Path(config.output) if config.output else default_output(config.path, SUFFIX)
    if config.report:
        require_free(Path(config.report), config.overwrite, "task.report", config.path, output)
    records: list[FrameRecord] = []
    with (
        claim_output(config.path, output, config.overwrite, (SUFFIX,)),
        config.open(run.limits) as reader,
        _coding(config, run, reader) as (loaded, coder),
    ):
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
                coder=coder and coder(lambda parts: meter.advance(parts=parts)),
            )
    log.info("%s: %s", output, result.description)
    if config.report:
        frames = [asdict(record) for record in records]
        write_json(Path(config.report), {**asdict(result), "per_frame": frames})
    if config.page:
        from core.report.compare import of_stream, of_video

        source = of_video(config.path, lambda: config.open(run.limits))
        whole = run.codec(config.checkpoint, streams=True) if config.is_shared else loaded
        show([source, of_stream(output, whole, run.limits)], default_output(output, ".html"))


def _encode_live(config: EncodeConfig, run: Run) -> None:
    """Encode from a pipe or a camera, or into a pipe: nothing is kept of what was coded before."""
    from core.coding.encode import SUFFIX
    from core.coding.live import encode_live
    from core.media.claim import claim_output

    if config.is_shared or config.report or config.page or any(run.settings.codec.goal):
        raise ConfigError(
            "task.parallel, task.report, task.page, codec.bitrate and codec.size need files: give task.input and "
            "task.output as such, or leave them out."
        )
    output = Path(require_output(config.output, config.input))
    with ExitStack() as stack:
        if config.output == PIPE:
            file: BinaryIO = stack.enter_context(standard_output())
        else:
            stack.enter_context(claim_output(config.path, output, config.overwrite, (SUFFIX,)))
            file = stack.enter_context(stack.enter_context(whole_file(output)).open("wb"))
        reader = stack.enter_context(config.open_live(run.limits))
        loaded = run.codec(config.checkpoint, streams=True)
        meter = stack.enter_context(Meter(f"Encoding {config.input}", reader.info.frame_count))
        ended = encode_live(
            reader, file, loaded, estimate=config.estimated, note=lambda record: meter.advance()
        )
    if isinstance(ended, MediaError):
        raise MediaError(f"{ended}; what came before is in {output}.") from ended
    if ended:
        log.info("Stopped; what came before is in %s", output)


@contextmanager
def _coding(
    config: EncodeConfig, run: Run, reader: VideoReader
) -> Iterator[tuple[LoadedCodec, Callable[[Seen], Coder] | None]]:
    """The codec and, where the rate is controlled or other processes share the work, what codes by it."""
    goal = run.settings.codec.goal
    if not config.is_shared:
        loaded = run.codec(config.checkpoint, streams=True)
        yield loaded, partial(_encode_controlled, config, run, loaded) if any(goal) else None
        return
    if any(goal):
        raise ConfigError(
            "codec.bitrate and codec.size are kept from group to group, by one process: leave task.parallel out."
        )
    from core.coding.shared import encoding

    film = config.film(reader, run.limits)
    make = partial(_worker, config.checkpoint, film, config.estimated)
    with crew_of(run, config, config.path, make) as crew:
        yield crew.hello, partial(encoding, crew, film)


def _encode_controlled(config: EncodeConfig, run: Run, loaded: LoadedCodec, seen: Seen) -> Coder:
    """Codes to a bitrate or a size."""
    from core.coding.rate import Goal, RateControl

    opened = partial(config.open, run.limits)
    return RateControl(loaded, Goal(*run.settings.codec.goal), opened, config.estimated, seen)


def _worker(checkpoint: str | None, film: Film, estimate: bool, run: Run, source: Path) -> EncodingWorker:
    from core.coding.shared import EncodingWorker

    return EncodingWorker(run.codec(checkpoint, streams=True), film.at(source), estimate)


ENCODE = TaskEntry(
    "encode",
    EncodeConfig,
    _encode,
    needs=("codec", "device"),
    resumes="The same command goes on where it was; x264 and its kind begin anew, unless codec.closed=true.",
    has_output=True,
    positional=("task.input", "task.output"),
)

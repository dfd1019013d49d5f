"""Decodes a stream into a video, and keeps what lies before a damage."""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.coding.groups import to_unit_range
from core.coding.segments import SEGMENT_FRAMES, SegmentsWriter
from core.coding.shown import Shown, times_of
from core.errors import StreamError
from core.facts import Facts
from core.files import publish, temporary_folder
from core.hooks import DecodedFrame
from core.media.claim import claim_output, require_space
from core.media.colour import Subsampling
from core.media.encoders import colour_of, pixel_format_for, uncoded_bytes
from core.media.limits import STANDARD, Limits
from core.media.pacing import Slots, repeats_note, require_few_repeats, steady_rate
from core.media.presentation import Presentation
from core.media.target import left_out
from core.media.writer import VideoWriter, open_writer
from core.progress import Meter
from core.stream import StreamHeader, StreamReader

log = logging.getLogger(__name__)

Shared = Callable[[StreamDecoder, int, int | None], Iterator[DecodedFrame]]
"""Gives the frames of a stream from a number on, up to another (None: all), as other processes decode them."""


@dataclass(frozen=True)
class Decoded:
    """Result of a decode."""

    frames: int
    seconds: float
    drift: str
    """A sentence on frames that differ from the encoder's by its arithmetic; empty where none does."""


def decode(input: str | Path, output: str | Path, codec: LoadedCodec) -> Decoded:
    """Decode a stream (.mdv) into a video file or a folder of pictures: the form for notebooks.

    Raises `MediaError` when the output exists or cannot be written, `StreamError` when the stream is not of this
    codec, or is damaged; the frames before the damage are then in the output.
    """
    source, target = Path(input), Path(output)
    with claim_output(source, target, overwrite=False):
        return decode_video(source, target, codec)


def decode_video(
    source: Path,
    output: Path,
    loaded: LoadedCodec,
    *,
    start: int = 0,
    frames: int | None = None,
    crf: float = 16,
    threads: int = 1,
    seen: Meter | None = None,
    limits: Limits = STANDARD,
    shared: Shared | None = None,
) -> Decoded:
    """Decode ``frames`` frames (None: all) from number ``start`` on; ``crf`` is the quality of an mp4 or mkv file.

    ``threads`` are those of the video encoder: 1 gives the same bytes every time, 0 takes all cores. Times begin at
    the first frame that is written. With ``shared``, other processes decode. The caller has checked and `claimed` the
    output. An mp4 or mkv file of many frames is made in parts: a decode that was stopped goes on after those that are
    whole. Errors as for `decode`; `MediaError` also where the stream, or an output that is not coded, would go beyond
    the ``limits``.
    """
    began = time.perf_counter()
    fault: StreamError | None = None
    with StreamDecoder(source, loaded, limits) as stream, _replacing(output) as target:
        header = stream.header
        count = _count(source, start, frames)
        _tell_size(source, output, header, count, limits)
        require_space(output, 2 * header.width * header.height * max(count, 1))
        shown = Shown(source, header, start)
        slots = _slots(source, output, header, shown)
        if told := left_out(header.presentation, output, pictures_alone=True):
            log.warning("%s", told)
        opened = partial(writer_for, output.suffix, header, crf, threads, slots)
        writer: VideoWriter | SegmentsWriter
        if count > SEGMENT_FRAMES and output.suffix.lower() in (".mp4", ".mkv"):
            job = _facts(source, loaded, start, frames, crf, threads)
            writer = SegmentsWriter(output, job, header.presentation, header.frame_rate, opened)
        else:
            writer = opened(target, header.presentation)
        written = 0
        with writer:
            if isinstance(writer, SegmentsWriter) and writer.kept:
                written = writer.kept
                for number in sorted(times_of(source))[start : start + written]:
                    writer.skip(*shown(number))
                if seen:
                    seen.skip(written)
            try:
                first, stop = start + written, None if frames is None else start + frames
                decoded = shared(stream, first, stop) if shared else stream.frames(first)
                for frame in islice(decoded, None if frames is None else frames - written):
                    begin, end = shown(frame.time)
                    for _ in range(slots.take(end) if slots else 1):
                        writer.write(to_unit_range(frame.picture, header.depth), begin, end - begin)
                    written += 1
                    if seen and not shared:
                        seen.advance()
            except StreamError as error:
                if written == 0:
                    raise
                fault = error
        drift = stream.drift
    if fault:
        told = f"{fault} The {written} frames before are in {output}. {drift}"
        raise StreamError(told.rstrip()) from fault
    return Decoded(written, time.perf_counter() - began, drift)


def _tell_size(source: Path, output: Path, header: StreamHeader, count: int, limits: Limits) -> None:
    """Say how much is to be decoded, and ask whether it may be: a few bytes can stand for days of work."""
    limits.require_frames(source, count)
    pixels = count * header.width * header.height
    size = uncoded_bytes(output, pixels, _pixel_format(output.suffix, header))
    limits.require_output(output, size)
    takes = f", {size / 1e9:.3g} GB uncoded" if size is not None else ""
    each = f"{header.width}x{header.height}"
    log.info("%d frames of %s to decode: %.3g megapixels%s", count, each, pixels / 1e6, takes)


def _count(source: Path, start: int, frames: int | None) -> int:
    """Number of frames to decode, by the packets that can be read."""
    count = 0
    with StreamReader(source) as reader, suppress(StreamError):  # what is damaged is told when it is decoded
        for _ in reader.scan():
            count += 1
    count = max(count - start, 0)
    return count if frames is None else min(count, frames)


def _facts(
    source: Path, loaded: LoadedCodec, start: int, frames: int | None, crf: float, threads: int
) -> Facts:
    """The facts that must agree for parts of a stopped decode to be used."""
    status = source.stat()
    return {
        **loaded.identity,
        "stream": str(source.resolve()),
        "stream.size": status.st_size,
        "stream.time": status.st_mtime_ns,
        "stream.fingerprint": loaded.fingerprint.hex(),
        "stream.arithmetic": loaded.arithmetic,
        "task.start": start,
        "task.frames": frames,
        "task.crf": crf,
        "task.threads": threads,
    }


def _slots(source: Path, output: Path, header: StreamHeader, shown: Shown) -> Slots | None:
    """How often frames are repeated in an output that has no times; None where it has some, or needs none."""
    if shown.steady or output.suffix.lower() in (".mp4", ".mkv"):
        return None
    shortest, longest = shown.intervals()
    rate = steady_rate(header.frame_rate, shortest)
    require_few_repeats(output, longest, rate)
    log.warning("%s", repeats_note(source, output))
    return Slots(rate)


def writer_for(
    suffix: str,
    header: StreamHeader,
    crf: float,
    threads: int,
    slots: Slots | None,
    path: Path,
    presentation: Presentation,
    pipe: BinaryIO | None = None,
) -> VideoWriter:
    """A writer into ``path`` of the source's colour, sample depth and chroma, as far as a format goes."""
    suffix = suffix.lower()
    matrix, range = colour_of(header.pixel_format, header.matrix, header.range, suffix, header.height)
    return open_writer(
        path,
        width=header.width,
        height=header.height,
        frame_rate=slots.rate if slots else header.frame_rate,
        presentation=presentation,
        matrix=matrix,
        range=range,
        crf=crf,
        pixel_format=_pixel_format(suffix, header),
        threads=threads,
        pipe=pipe,
    )


def _pixel_format(suffix: str, header: StreamHeader) -> str:
    """The pixel format of the source's chroma and depth, as far as the output's format allows."""
    planar = re.match(r"yuvj?(420|422|444)p", header.pixel_format)
    subsampling = Subsampling(planar[1]) if planar else None
    return pixel_format_for(suffix.lower(), header.width, header.height, subsampling, header.depth)


@contextmanager
def _replacing(output: Path) -> Iterator[Path]:
    """Where to write ``output``: itself, or beside a folder that takes its place when all is done."""
    if not output.is_dir():
        yield output
        return
    beside = temporary_folder(output)
    try:
        yield beside / output.name
        publish(beside / output.name, output)
    finally:
        shutil.rmtree(beside, ignore_errors=True)

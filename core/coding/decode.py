"""Decodes a stream into a video, and keeps what lies before a damage."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.coding.groups import unit
from core.entropy.stream import StreamHeader
from core.errors import StreamError
from core.files import publish, temporary_folder
from core.media.claim import claimed, require_space
from core.media.colour import Subsampling
from core.media.planes import planar_format
from core.media.writer import VideoWriter, open_writer
from core.progress import Meter


@dataclass(frozen=True)
class Decoded:
    """What came out of a decode."""

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
    with claimed(source, target, overwrite=False):
        return decode_video(source, target, codec)


def decode_video(
    source: Path,
    output: Path,
    loaded: LoadedCodec,
    *,
    start: int = 0,
    frames: int | None = None,
    crf: float = 16,
    seen: Meter | None = None,
) -> Decoded:
    """Decode ``frames`` frames (None: all) from number ``start`` on; ``crf`` is the quality of an mp4 or mkv file.

    Times begin at the first frame that is written. The caller has checked and `claimed` the output. Errors as for
    `decode`.
    """
    began = time.perf_counter()
    fault: StreamError | None = None
    with StreamDecoder(source, loaded) as stream, _replacing(output) as target:
        header = stream.header
        require_space(output, header.width * header.height * (frames or header.frames or 1))
        with _writer(target, stream.header, crf) as writer:
            first: int | None = None
            try:
                for frame in islice(stream.frames(start), frames):
                    first = frame.time if first is None else first
                    pts = (frame.time - first) * stream.header.time_base
                    writer.write(unit(frame.picture, stream.header.depth), pts)
                    if seen:
                        seen.advance()
            except StreamError as error:
                if writer.count == 0:
                    raise
                fault = error
        drift = stream.drift
    if fault:
        told = f"{fault} The {writer.count} frames before are in {output}. {drift}"
        raise StreamError(told.rstrip()) from fault
    return Decoded(writer.count, time.perf_counter() - began, drift)


def _writer(output: Path, header: StreamHeader, crf: float) -> VideoWriter:
    """A writer of the source's colour, sample depth and chroma, as far as the output's format goes."""
    y4m = output.suffix.lower() == ".y4m"
    return open_writer(
        output,
        width=header.width,
        height=header.height,
        frame_rate=header.frame_rate,
        matrix=None if y4m else header.matrix,  # y4m cannot say it: the writer takes what readers assume
        range=header.range,
        crf=crf,
        pixel_format=_pixel_format(header, y4m),
    )


def _pixel_format(header: StreamHeader, y4m: bool) -> str:
    """The source's, where it is planar YUV; else 4:4:4 for y4m and 4:2:0 for x264, which has no odd sizes of it."""
    planar = re.match(r"yuvj?(420|422|444)p", header.pixel_format)
    odd = header.width % 2 or header.height % 2
    if odd and not y4m:
        subsampling = Subsampling.YUV444
    elif planar:
        subsampling = Subsampling(planar[1])
    else:
        subsampling = Subsampling.YUV444 if y4m else Subsampling.YUV420
    return planar_format(subsampling, header.depth)


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

"""Coding of what comes as it is made, and for those who watch at once: packet by packet, and nothing is kept.

What is coded leaves with the frame that completes it: at once from codecs that code frame after frame, with the last
one of a chunk from those that code chunks. What is decoded leaves at once as y4m, and with the frame after it as
Matroska, which says how long each is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from core.coding.codec import LoadedCodec
from core.coding.decode import Decoded, writer_for
from core.coding.encode import header_of, recorded
from core.coding.frames import StreamDecoder
from core.coding.groups import planned, timed, unit
from core.coding.records import FrameRecord
from core.errors import StreamError
from core.media.pacing import Slots
from core.media.video import VideoReader
from core.stream import StreamWriter

Note = Callable[[FrameRecord], None]


def encode_live(
    reader: VideoReader, output: BinaryIO, loaded: LoadedCodec, *, estimate: bool = False, note: Note
) -> None:
    """Write the stream of a reader's frames into a file or a pipe; ``note`` gets the record of each frame.

    Raises `MediaError` where the input is damaged: the stream then lacks its end.
    """
    header = header_of(reader, loaded)
    writer = StreamWriter.into(output, header)
    frames = planned(timed(reader, header.time_base), loaded.group, loaded.scene_cut)
    for packet, record in recorded(frames, loaded, header.format, estimate):
        writer.write(packet)
        note(record)
    writer.finish()


def decode_live(
    stream: StreamDecoder,
    output: Path,
    *,
    pipe: BinaryIO | None,
    start: int = 0,
    frames: int | None = None,
    crf: float = 16,
    threads: int = 1,
    seen: Callable[[int], None],
) -> Decoded:
    """Write the pictures of a stream as they come, into a file, or into a ``pipe`` of which ``output`` is the name.

    Frames last as long as the stream's rate says, until the next one. Errors as for `core.coding.decode.decode`.
    """
    began, header = time.perf_counter(), stream.header
    slots = None if output.suffix in (".mp4", ".mkv") else Slots(header.frame_rate)
    zero: int | None = None
    count = 0
    fault: StreamError | None = None
    with writer_for(output, header, crf, threads, slots, pipe) as writer:
        try:
            for frame in islice(stream.frames(start), frames):
                zero = frame.time if zero is None else zero
                begin = (frame.time - zero) * header.time_base
                end = begin + 1 / header.frame_rate
                for _ in range(slots.take(end) if slots else 1):
                    writer.write(unit(frame.picture, header.depth), begin, end - begin)
                seen(1)
                count += 1
        except StreamError as error:
            if count == 0:
                raise
            fault = error
    if fault:
        raise StreamError(
            f"{fault} The {count} frames before are in {output}. {stream.drift}".rstrip()
        ) from fault
    return Decoded(count, time.perf_counter() - began, stream.drift)

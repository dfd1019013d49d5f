"""Coding of what comes as it is made, and for those who watch at once: packet by packet, and nothing is kept.

What is coded leaves with the frame that completes it: at once from codecs that code frame after frame, with the last
one of a chunk from those that code chunks. What is decoded leaves at once as y4m, and with the frame after it as
Matroska, which says how long each is shown.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from core.coding.codec import LoadedCodec
from core.coding.decode import Decoded, writer_for
from core.coding.encode import header_of, record_packets
from core.coding.frames import StreamDecoder
from core.coding.groups import assign_times, plan_intra, to_unit_range
from core.coding.records import FrameRecord
from core.errors import MediaError, StreamError
from core.media.pacing import Slots
from core.media.video import VideoReader
from core.stream import StreamWriter

log = logging.getLogger(__name__)

Note = Callable[[FrameRecord], None]


STOPS = KeyboardInterrupt, SystemExit
"""Signals that end what never ends by itself."""


def encode_live(
    reader: VideoReader, output: BinaryIO, loaded: LoadedCodec, *, estimate: bool = False, note: Note
) -> BaseException | None:
    """Write the stream of a reader's frames into a file or a pipe; ``note`` gets the record of each frame.

    Where the input fails, or the work is stopped, the stream ends with the frames before; returns what ended it so.
    """
    header = header_of(reader, loaded)
    writer = StreamWriter.into(output, header)
    frames = plan_intra(assign_times(reader, header.time_base), loaded.group, loaded.scene_cut)
    ended: BaseException | None = None
    try:
        for packet, record in record_packets(frames, loaded, header.format, estimate):
            writer.write(packet)
            note(record)
    except (MediaError, *STOPS) as error:
        if writer.packets == 0:
            raise
        ended = error
    writer.finish()
    return ended


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

    Frames last as long as the stream's rate says, until the next one. A file is completed where the work is stopped.
    Errors as for `core.coding.decode.decode`.
    """
    began, header = time.perf_counter(), stream.header
    slots = None if output.suffix in (".mp4", ".mkv") else Slots(header.frame_rate)
    zero: int | None = None
    count = 0
    fault: StreamError | None = None
    suffix, presentation = output.suffix, header.presentation
    with writer_for(suffix, header, crf, threads, slots, output, presentation, pipe) as writer:
        try:
            for frame in islice(stream.frames(start), frames):
                zero = frame.time if zero is None else zero
                begin = (frame.time - zero) * header.time_base
                end = begin + 1 / header.frame_rate
                for _ in range(slots.take(end) if slots else 1):
                    writer.write(to_unit_range(frame.picture, header.depth), begin, end - begin)
                seen(1)
                count += 1
        except StreamError as error:
            if count == 0:
                raise
            fault = error
        except STOPS:
            if count == 0 or pipe:
                raise
            log.info("Stopped after %d frames, which are in %s", count, output)
    if fault:
        raise StreamError(
            f"{fault} The {count} frames before are in {output}. {stream.drift}".rstrip()
        ) from fault
    return Decoded(count, time.perf_counter() - began, stream.drift)

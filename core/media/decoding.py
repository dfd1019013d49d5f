"""Decodes the packets of a file to pictures, and raises the error where they end too early."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.media.timing import in_coding_order, tagged_end
from core.media.wholeness import is_cut_short

log = logging.getLogger(__name__)

_TAG_IS_STALE = 1
"""Seconds that Matroska's DURATION tag may be beyond the last picture."""


def decode(
    container: InputContainer, stream: VideoStream, path: Path
) -> Generator[av.VideoFrame, None, None]:
    """The whole frames in order of display; then `MediaError` if the file is damaged or cut short.

    Where packets have the time of their decoding only, the frames get these, in order.
    """
    count = read = shown = 0
    stamps: deque[int] | None = deque() if in_coding_order(stream) else None
    try:
        for packet in container.demux(stream):
            if packet.size == 0 and packet.dts is not None:
                continue  # the frame before it is shown on
            if stamps is not None and packet.dts is not None:
                stamps.append(packet.dts)
            whole = not packet.is_corrupt
            for frame in stream.codec_context.decode(packet if whole and packet.size else None):
                if frame.is_corrupt:
                    raise damage(path, count)
                if stamps is not None:
                    frame.pts = stamps.popleft() if stamps else None
                shown = max(shown, (frame.pts or 0) + (frame.duration or 0))
                yield frame
                count += 1
            if not whole:
                raise damage(path, count)
            read = max(read, (packet.pos or 0) + packet.size)
    except (av.FFmpegError, OSError) as error:
        raise damage(path, count) from error
    if is_cut_short(path, stream, read):
        raise damage(path, count)
    _compare_tag(path, stream, shown * Fraction(stream.time_base or 0))


def damage(path: Path | str, count: int) -> MediaError:
    """The error of a file whose ``count`` frames before the place can be read."""
    whole = "; the frames before it are whole" if count else ""
    return MediaError(f"{path} is damaged or cut short at frame {count}{whole}")


def _compare_tag(path: Path, stream: VideoStream, end: Fraction) -> None:
    """A tag that promises more pictures: left from before an edit, or the only sign of a missing end."""
    stated = tagged_end(stream)
    if stated is not None and stated - end > _TAG_IS_STALE:
        log.warning(
            "%s: a tag says that its pictures last %.6g s, but they end at %.6g s; the tag is taken to be old.",
            path, stated, end,
        )  # fmt: skip

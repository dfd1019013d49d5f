"""Video that comes as it is made: from a pipe, a camera or an address that libav opens."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer

from core.errors import MediaError
from core.media.container import FORMATS, video_stream
from core.media.decoding import damage
from core.media.limits import STANDARD, Limits
from core.media.orientation import frame_orientation
from core.media.planes import frame_to_rgb, tagged_matrix, tagged_range
from core.media.reader import describe
from core.media.timing import Clock
from core.media.video import Frame, VideoReader

_PROTOCOLS = "rtp,rtsp,rtmp,srt,udp,tcp,tls,http,https,crypto"
_CAMERA = "video4linux2"


class LiveReader(VideoReader):
    """Frames as they come, each as soon as it is decoded; they cannot be looked through before, or read again.

    ``source`` is a pipe, an address or a camera's name. Raises `MediaError` where that is no video of a kind that is
    read, or is beyond the ``limits``.
    """

    def __init__(self, source: BinaryIO | str, limits: Limits = STANDARD) -> None:
        self._name = Path(source if isinstance(source, str) else "-")
        self._limits = limits
        self._container = _open(source)
        try:
            stream = video_stream(self._container, self._name)
            stream.thread_type = "SLICE"  # threads that each decode a frame hold as many back
            limits.require_pixels(self._name, stream.codec_context.width * stream.codec_context.height)
            self._decoded = self._pictures()
            first = next(self._decoded, None)
            if first is None:
                raise MediaError(f"{self._name} holds no frame")
            self._first = first
            self._matrix, self._range = tagged_matrix(first), tagged_range(first)
            self._orientation = frame_orientation(first, self._name)
            rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
            sideways = self._orientation.sideways
            self.info = describe(self._container, stream, first, self._matrix, self._range, rate, sideways)
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        clock = Clock(self.info.time_base, self.info.frame_rate)
        yield self._frame(self._first, clock, 0)
        for number, picture in enumerate(self._decoded, 1):
            yield self._frame(picture, clock, number)

    def has_constant_rate(self) -> bool:
        """Of y4m; what else comes tells each frame's time."""
        return self._container.format.name == "yuv4mpegpipe"

    def intervals(self) -> tuple[Fraction, Fraction]:
        """What is usual: those to come are not known."""
        return 1 / self.info.frame_rate, 1 / self.info.frame_rate

    def close(self) -> None:
        """Let go of the source."""
        self._decoded.close()
        self._container.close()

    def _pictures(self) -> Generator[av.VideoFrame, None, None]:
        count = 0
        try:
            for packet in self._container.demux(video_stream(self._container, self._name)):
                for frame in packet.decode():
                    self._limits.require_frames(self._name, count + 1)
                    yield frame
                    count += 1
        except (av.FFmpegError, OSError) as error:
            raise damage(self._name, count) from error

    def _frame(self, picture: av.VideoFrame, clock: Clock, number: int) -> Frame:
        if (picture.width, picture.height) != (self._first.width, self._first.height):
            raise MediaError(f"{self._name}: frame {number} has another size than those before it")
        rgb = frame_to_rgb(picture, self._matrix, self._range)
        return Frame(self._orientation.apply(rgb), clock(picture.pts))


def _open(source: BinaryIO | str) -> InputContainer:
    options = {"format_whitelist": ",".join((*FORMATS, "rtsp", "sdp", "rtp", _CAMERA))}
    try:
        if not isinstance(source, str):
            return av.open(source, "r", options=options)
        camera = source.startswith("/dev/")
        kind = _CAMERA if camera else None
        protocols = "file" if camera else _PROTOCOLS
        return av.open(source, "r", format=kind, options=options | {"protocol_whitelist": protocols})
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        name = source if isinstance(source, str) else "standard input"
        raise MediaError(f"{name} gives no video of a kind that is read ({reason})") from error

"""Video that comes as it is made: from a pipe, a camera or an address that libav opens."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.media.container import FORMATS, video_stream
from core.media.decoding import damage
from core.media.limits import STANDARD, Limits
from core.media.orientation import frame_orientation
from core.media.planes import frame_to_rgb, tagged_matrix, tagged_range
from core.media.reader import describe
from core.media.timing import Clock
from core.media.video import Frame, VideoReader
from core.media.wholeness import is_cut_short

_PROTOCOLS = "rtp,rtsp,rtmp,srt,udp,tcp,tls,http,https,crypto"
_CAMERA = "video4linux2"
SILENCE = 30.0
"""Seconds that an address or a camera may send nothing."""


class LiveReader(VideoReader):
    """Frames as they come, each as soon as it is decoded; they cannot be looked through before, or read again.

    ``source`` is a pipe, an address or a camera's name. Raises `MediaError` where that is no video of a kind that is
    read, or is beyond the ``limits``.
    """

    def __init__(self, source: BinaryIO | str, limits: Limits = STANDARD) -> None:
        self._name = source if isinstance(source, str) else "-"
        self._limits = limits
        self._pipe = None if isinstance(source, str) else _Counted(source)
        self._container = _open(self._pipe or self._name)
        try:
            stream = video_stream(self._container, self._name)
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
        """True for y4m; everything else tells each frame's time."""
        return self._container.format.name == "yuv4mpegpipe"

    def intervals(self) -> tuple[Fraction, Fraction]:
        """The usual intervals: those to come are not known."""
        return 1 / self.info.frame_rate, 1 / self.info.frame_rate

    def close(self) -> None:
        """Let go of the source."""
        self._decoded.close()
        self._container.close()

    def _pictures(self) -> Generator[av.VideoFrame, None, None]:
        stream = video_stream(self._container, self._name)
        count = read = 0
        try:
            for packet in self._container.demux(stream):
                if (
                    self._pipe and packet.is_corrupt
                ):  # where packets get lost on the way, the others are shown
                    raise damage(self._name, count)
                read = max(read, (packet.pos or 0) + packet.size)
                for frame in packet.decode():
                    self._limits.require_frames(self._name, count + 1)
                    yield frame
                    count += 1
        except (av.error.ExitError, TimeoutError) as error:
            raise MediaError(f"{self._name} sent nothing for {SILENCE:g} s after {count} frames") from error
        except (av.FFmpegError, OSError) as error:
            raise damage(self._name, count) from error
        if self._pipe and self._pipe.ends_early(stream, read):
            raise damage(self._name, count)

    def _frame(self, picture: av.VideoFrame, clock: Clock, number: int) -> Frame:
        if (picture.width, picture.height) != (self._first.width, self._first.height):
            raise MediaError(f"{self._name}: frame {number} has another size than those before it")
        rgb = frame_to_rgb(picture, self._matrix, self._range)
        return Frame(self._orientation.apply(rgb), clock(picture.pts))


class _Counted:
    """A pipe that knows how much came out of it; seekable where it is a file."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._total = 0
        self.seek, self.tell, self.seekable = pipe.seek, pipe.tell, pipe.seekable

    def read(self, size: int) -> bytes:
        """The next bytes, ``size`` at most."""
        got = self._pipe.read(size)
        self._total += len(got)
        return got

    def ends_early(self, stream: VideoStream, read: int) -> bool:
        """Whether the end is missing, as `is_cut_short` tells it; of what cannot be read again, whether of y4m."""
        if self.seekable():
            try:
                return is_cut_short(Path(f"/dev/fd/{self._pipe.fileno()}"), stream, read)
            except OSError:  # it is no file of the system's
                return False
        return stream.container.format.name == "yuv4mpegpipe" and 0 < read < self._total


def _open(source: _Counted | str) -> InputContainer:
    options = {"format_whitelist": ",".join((*FORMATS, "rtsp", "sdp", "rtp", _CAMERA))}
    try:
        if not isinstance(source, str):
            return av.open(source, "r", options=options)
        camera = source.startswith("/dev/")
        kind = _CAMERA if camera else None
        protocols = "file" if camera else _PROTOCOLS
        options |= {"protocol_whitelist": protocols}
        return av.open(source, "r", format=kind, options=options, timeout=SILENCE)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        name = source if isinstance(source, str) else "standard input"
        raise MediaError(f"{name} gives no video of a kind that is read ({reason})") from error

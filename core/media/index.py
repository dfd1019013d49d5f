"""Random access to the frames of a video: the same pictures as reading from the start, found by seeking."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import islice, pairwise
from os import PathLike
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range
from core.media.container import open_container, video_stream
from core.media.decoding import damage, decode
from core.media.pictures import PictureReader
from core.media.reader import FileReader, open_video, warn_interlaced
from core.media.timing import REORDERED, in_coding_order
from core.media.video import Frame, RawFormat, VideoInfo
from core.media.wholeness import is_cut_short

# Where every packet holds one picture to show: in these codecs, as these containers divide them into packets.
_EVEN_CODECS = (
    *("h264", "hevc", "vvc", "av1", "vp9", "mpeg1video", "mpeg2video", "mjpeg", "ffv1", "prores", "dnxhd"),
    *("rawvideo", "huffyuv", "ffvhuff", "utvideo", "v210", "dvvideo", "png", "jpeg2000"),
)
_EVEN_FORMATS = ("mov", "matroska", "avi", "mxf", "ivf", "yuv4mpegpipe", "rawvideo")

# A seek may land behind the key frame asked for, by the depth of reordering; earlier ones are tried then.
_SEEKS = 5


class FrameIndex:
    """Where the frames of a video are; ``len()`` counts them.

    Made by reading the file once, and decoding it where its packets do not tell its frames. The file is opened anew
    for each `read`, so an index holds no open file and can go to other processes. Arguments and errors are those of
    `core.media.reader.open_video`; a file that is damaged or cut short is refused.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        raw: RawFormat | None = None,
        matrix: Matrix | None = None,
        range: Range | None = None,
        chroma: Chroma = Chroma.BILINEAR,
        frame_rate: Fraction = Fraction(25),
    ) -> None:
        self.path = Path(path)
        self._open = partial(
            open_video, self.path, raw=raw, matrix=matrix, range=range, chroma=chroma, frame_rate=frame_rate
        )
        with self._open() as reader:
            self.info: VideoInfo = reader.info
            interlaced = isinstance(reader, FileReader) and reader.interlaced
        self._times: list[int] = []
        self._keys: list[int] = []
        if interlaced:
            warn_interlaced(self.path)
        if self.path.is_dir():
            self._count = self.info.frame_count or 0
        else:
            self._count = self._scan(raw, interlaced)

    def __len__(self) -> int:
        return self._count

    def read(self, start: int, count: int) -> list[Frame]:
        """Frames ``start`` to ``start + count - 1``, or `MediaError` when the video has no such frames."""
        if start < 0 or count < 1 or start + count > len(self):
            raise MediaError(f"{self.path} has {len(self)} frames, not {count} from number {start} on")
        frames = self._seek(start, count) or self._read_on(start, count)
        if len(frames) != count:
            raise MediaError(f"{self.path} ends before frame {start + count - 1}: it has changed")
        return frames

    def _seek(self, start: int, count: int) -> list[Frame] | None:
        """The frames, decoded from a key frame ahead of them; None when seeking does not lead there."""
        times = self._times[start : start + count]
        if start == 0 or not times:
            return None
        nearest = bisect_right(self._keys, times[0])
        with self._open() as reader:
            assert isinstance(reader, FileReader)
            for key in reversed(self._keys[max(nearest - _SEEKS, 0) : nearest]):
                frames = reader.frames_at(key, times)
                if frames is not None:
                    return self._with_durations(start, frames)
        return None

    def _read_on(self, start: int, count: int) -> list[Frame]:
        """The frames, passing over those ahead of them."""
        with self._open() as reader:
            if isinstance(reader, PictureReader):
                return list(reader.frames(start, count))
            assert isinstance(reader, FileReader)
            reader.say_nothing_of_interlacing()
            return list(islice(reader, start, start + count))

    def _with_durations(self, start: int, frames: list[Frame]) -> list[Frame]:
        """The frames found by seeking from number ``start`` on: each is shown until the next."""
        following = self._times[start + 1 : start + len(frames) + 1]
        times = self._times[start : start + len(following)]
        unit = self.info.time_base
        known = [
            replace(frame, duration=(after - time) * unit)
            for frame, time, after in zip(frames, times, following, strict=False)
        ]
        return known + frames[len(known) :]

    def _scan(self, raw: RawFormat | None, interlaced: bool) -> int:
        """Count the frames; note their time stamps and the key frames, if seeking can lead to them."""
        with open_container(self.path, raw) as container:
            stream = video_stream(container, self.path)
            packets = list(self._packets(container, stream))
            keys = [packet.pts for packet in packets if packet.key and packet.pts is not None]
            shown = sorted((packet.pts for packet in packets), key=lambda time: time or 0)
            if interlaced or not _tell_frames(container, stream, packets):
                shown = self._decoded(raw)
            elif is_cut_short(self.path, stream, packets[-1].end):
                raise damage(self.path, len(packets))
            exact = not in_coding_order(stream) or all(packet.pts == packet.dts for packet in packets)
        known = [time for time in shown if time is not None]
        rising = len(known) == len(shown) and all(one < other for one, other in pairwise(known))
        if exact and rising:
            self._times, self._keys = known, sorted(keys)
        return len(shown)

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[_Packet]:
        count = 0
        try:
            for packet in container.demux(stream):
                if packet.size and not packet.is_discard:
                    end = (packet.pos or 0) + packet.size
                    yield _Packet(packet.pts, packet.dts, packet.is_keyframe, packet.is_corrupt, end)
                    count += 1
        except (av.FFmpegError, OSError) as error:
            raise damage(self.path, count) from error

    def _decoded(self, raw: RawFormat | None) -> list[int | None]:
        """The time stamps of all frames, which are decoded to find them."""
        with open_container(self.path, raw) as container:
            stream = video_stream(container, self.path)
            return [frame.pts for frame in decode(container, stream, self.path)]


@dataclass(frozen=True)
class _Packet:
    """What is kept of a packet: its times, in units of the file, and where it ends in the file."""

    pts: int | None
    dts: int | None
    key: bool
    corrupt: bool
    end: int


def _tell_frames(container: InputContainer, stream: VideoStream, packets: Sequence[_Packet]) -> bool:
    """Whether each packet holds one frame that is delivered: so they do in an ordinary file from its first key on."""
    if not packets or not packets[0].key or any(packet.corrupt for packet in packets):
        return False
    if stream.codec_context.name not in _EVEN_CODECS:
        return False
    if container.format.name.partition(",")[0] not in _EVEN_FORMATS:
        return False
    if in_coding_order(stream):
        return True
    times = [packet.pts for packet in packets if packet.pts is not None]
    order = sorted(range(len(times)), key=times.__getitem__)
    reordered = all(abs(place - shown) <= REORDERED for shown, place in enumerate(order))
    return len(times) == len(packets) and order[0] == 0 and reordered


def read_frames(
    path: str | PathLike[str], start: int, count: int, *, raw: RawFormat | None = None
) -> list[Frame]:
    """``count`` frames from number ``start`` on; keep a `FrameIndex` when reading a file more than once."""
    return FrameIndex(path, raw=raw).read(start, count)


def count_frames(path: str | PathLike[str], *, raw: RawFormat | None = None) -> int:
    """The number of frames, counted in the file (not as its header claims)."""
    return len(FrameIndex(path, raw=raw))

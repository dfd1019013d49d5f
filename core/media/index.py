"""Random access to the frames of a video: the same pictures as reading from the start, found by seeking."""

from __future__ import annotations

import builtins
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
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
from core.media.limits import STANDARD, Limits
from core.media.pictures import PictureReader
from core.media.reader import FileReader, open_video, warn_interlaced
from core.media.timing import REORDERED, Clock, in_coding_order
from core.media.video import Frame, RawFormat, VideoInfo, VideoReader
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
    """The positions of the frames of a video; ``len()`` counts them.

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
        deinterlace: bool = False,
        limits: Limits = STANDARD,
    ) -> None:
        self.path = Path(path)
        self._open = partial(
            open_video,
            self.path,
            raw=raw,
            matrix=matrix,
            range=range,
            chroma=chroma,
            frame_rate=frame_rate,
            deinterlace=deinterlace,
            limits=limits,
        )
        with self.open() as reader:
            self.info: VideoInfo = reader.info
            interlaced = isinstance(reader, FileReader) and reader.interlaced
        self._stamps: list[int] = []
        self._keys: list[int] = []
        if interlaced and not deinterlace:
            warn_interlaced(self.path)
        if self.path.is_dir():
            self.times: Sequence[Fraction] = [
                number / self.info.frame_rate for number in builtins.range(self.info.frame_count or 0)
            ]
        else:
            self.times = self._scan(raw, interlaced, deinterlace)
        """When each frame is shown, in seconds after the first."""

    def __len__(self) -> int:
        return len(self.times)

    def open(self) -> VideoReader:
        """A reader of the whole video, which says nothing of interlacing."""
        reader = self._open()
        if isinstance(reader, FileReader):
            reader.say_nothing_of_interlacing()
        return reader

    def at(self, path: Path) -> FrameIndex:
        """The same of a copy of the file."""
        index = copy(self)
        index.path = path
        index._open = partial(open_video, path, **self._open.keywords)
        return index

    def read(self, start: int, count: int) -> list[Frame]:
        """Frames ``start`` to ``start + count - 1``, or `MediaError` when the video has no such frames."""
        if start < 0 or count < 1 or start + count > len(self):
            raise MediaError(f"{self.path} has {len(self)} frames, not {count} from number {start} on")
        return list(self.frames(start, start + count))

    def frames(self, start: int, stop: int) -> Iterator[Frame]:
        """Frames ``start`` to ``stop - 1`` one by one: those that `read` gives, whose numbers must be there."""
        for frame in self._seek(start, stop):
            yield frame
            start += 1
        for frame in self._read_on(start, stop) if start < stop else ():
            yield frame
            start += 1
        if start < stop:
            raise MediaError(f"{self.path} ends before frame {stop - 1}: it has changed")

    def _seek(self, start: int, stop: int) -> Iterator[Frame]:
        """The frames, decoded from a key frame ahead of them, as far as seeking leads to them."""
        if start == 0 or not self._stamps:
            return
        nearest = bisect_right(self._keys, self._stamps[start])
        with self.open() as reader:
            assert isinstance(reader, FileReader)
            for key in reversed(self._keys[max(nearest - _SEEKS, 0) : nearest]):
                for frame in reader.frames_at(key, self._stamps[start:stop]):
                    yield self._frame_at(frame, start)
                    start += 1
                if start == stop:
                    return

    def _read_on(self, start: int, stop: int) -> Iterator[Frame]:
        """The frames, passing over those ahead of them."""
        with self.open() as reader:
            if isinstance(reader, PictureReader):
                yield from reader.frames(start, stop - start)
            else:
                yield from islice(reader, start, stop)

    def _frame_at(self, frame: Frame, number: int) -> Frame:
        """A frame that was found by seeking: it is shown until the next."""
        begin, after = self.times[number], number + 1
        duration = self.times[after] - begin if after < len(self) else frame.duration
        return Frame(frame.rgb, begin, duration)

    def _scan(self, raw: RawFormat | None, interlaced: bool, deinterlace: bool) -> list[Fraction]:
        """The times of the frames; their time stamps and the key frames are noted, if seeking can lead to them."""
        with open_container(self.path, raw) as container:
            stream = video_stream(container, self.path)
            packets = list(self._packets(container, stream))
            keys = [packet.pts for packet in packets if packet.key and packet.pts is not None]
            stamps = [packet.dts if in_coding_order(stream) else packet.pts for packet in packets]
            shown = sorted(stamps, key=lambda time: time or 0)
            if interlaced or not _tell_frames(container, stream, packets):
                shown = self._decode_times(raw)
            elif is_cut_short(self.path, stream, packets[-1].end):
                raise damage(self.path, len(packets))
            exact = not in_coding_order(stream) or all(packet.pts == packet.dts for packet in packets)
        known = [time for time in shown if time is not None]
        rising = len(known) == len(shown) and all(one < other for one, other in pairwise(known))
        if exact and rising and not deinterlace:  # which makes a frame of its neighbours too
            self._stamps, self._keys = known, sorted(keys)
        return list(map(Clock(self.info.time_base, self.info.frame_rate), shown))

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

    def _decode_times(self, raw: RawFormat | None) -> list[int | None]:
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

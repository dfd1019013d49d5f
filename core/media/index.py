"""Random access to the frames of a video: the same pictures as reading from the start, found by seeking."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction
from functools import partial
from itertools import islice
from os import PathLike
from pathlib import Path

import av

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range
from core.media.pictures import PictureReader
from core.media.reader import FileReader, decode, open_container, open_video, video_stream
from core.media.video import Frame, RawFormat, VideoInfo

# A packet of these may hold no picture to show, or two: packets do not count their frames.
_UNEVEN_CODECS = ("vp8", "mpeg4")

# A seek may land behind the key frame asked for, by the depth of reordering; earlier ones are tried then.
_SEEKS = 5


class FrameIndex:
    """Where the frames of a video are; ``len()`` counts them.

    Made by reading the file once, without decoding it. The file is opened anew for each `read`, so an index
    holds no open file and can go to other processes. Arguments and errors are those of
    `core.media.reader.open_video`.
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
        self._times: list[int] = []
        self._keys: list[int] = []
        if self.path.is_dir():
            self._count = self.info.frame_count or 0
        else:
            self._count = self._scan(raw)

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
                    return frames
        return None

    def _read_on(self, start: int, count: int) -> list[Frame]:
        """The frames, passing over those ahead of them."""
        with self._open() as reader:
            if isinstance(reader, PictureReader):
                return list(reader.frames(start, count))
            return list(islice(reader, start, start + count))

    def _scan(self, raw: RawFormat | None) -> int:
        """Count the frames; note their time stamps and the key frames, if the packets tell them."""
        times: list[int | None] = []
        keys: list[int] = []
        with open_container(self.path, raw) as container:
            stream = video_stream(container, self.path)
            if stream.codec_context.name in _UNEVEN_CODECS:
                return sum(1 for _ in decode(container, stream, self.path))
            try:
                for packet in container.demux(stream):
                    if packet.size and not packet.is_discard:
                        times.append(packet.pts)
                        if packet.is_keyframe and packet.pts is not None:
                            keys.append(packet.pts)
            except (av.FFmpegError, OSError) as error:
                raise MediaError(f"{self.path} is damaged after {len(times)} frames") from error
        known = [time for time in times if time is not None]
        if len(set(known)) == len(times):
            self._times, self._keys = sorted(known), sorted(keys)
        return len(times)


def read_frames(
    path: str | PathLike[str], start: int, count: int, *, raw: RawFormat | None = None
) -> list[Frame]:
    """``count`` frames from number ``start`` on; keep a `FrameIndex` when reading a file more than once."""
    return FrameIndex(path, raw=raw).read(start, count)


def count_frames(path: str | PathLike[str], *, raw: RawFormat | None = None) -> int:
    """The number of frames, counted in the file (not as its header claims)."""
    return len(FrameIndex(path, raw=raw))

"""Reading video: files that libav knows, raw planes, and folders of pictures.

Rules that hold for every source:

- Colour: matrix and range are those that the caller states, else the file's tags, else BT.601 below 720 rows
  and BT.709 from there on, limited range (`core.media.planes`). Transfer curve and primaries are not touched.
- Rotation by multiples of 90 degrees that the file states is applied; mirroring, non-square pixels and
  interlacing are not.
- Time stamps are seconds after the first frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from os import PathLike
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range, Rgb
from core.media.pictures import PictureReader
from core.media.planes import depth_of, frame_to_rgb, tagged_matrix, tagged_range
from core.media.timing import has_constant_rate
from core.media.video import Frame, RawFormat, VideoInfo, VideoReader

__all__ = ["Frame", "RawFormat", "VideoInfo", "VideoReader", "open_video"]

RAW_SUFFIXES = (".yuv", ".raw", ".rgb")


def open_video(
    path: str | PathLike[str],
    *,
    raw: RawFormat | None = None,
    matrix: Matrix | None = None,
    range: Range | None = None,
    chroma: Chroma = Chroma.BILINEAR,
    frame_rate: Fraction = Fraction(25),
) -> VideoReader:
    """Open a video file (mp4, mkv, webm, avi, y4m, …), a raw .yuv file, or a folder of PNG or JPEG pictures.

    ``raw`` describes a headerless file; ``frame_rate`` is that of a picture folder. ``matrix`` and ``range``
    overrule what the file says of itself. Raises `MediaError` when the path is missing, empty, not a video,
    without a picture stream, or without a frame that can be decoded.
    """
    path = Path(path)
    if path.is_dir():
        return PictureReader(path, frame_rate, matrix, range, chroma)
    return FileReader(path, raw, matrix, range, chroma)


class FileReader(VideoReader):
    """A video in one file, decoded by libav."""

    def __init__(
        self, path: Path, raw: RawFormat | None, matrix: Matrix | None, range: Range | None, chroma: Chroma
    ) -> None:
        self._path, self._raw = path, raw
        self._container = open_container(path, raw)
        try:
            self._stream = video_stream(self._container, path)
            self._decoded = decode(self._container, self._stream, path)
            first = next(self._decoded, None)
            if first is None:
                raise MediaError(f"{path} holds no frame")
            self._matrix = matrix or _matrix_of(first, path)
            self._range = range or tagged_range(first)
            self._chroma = chroma
            self._size = (first.width, first.height)
            self._start = first.pts or 0
            info = _describe(self._container, self._stream, first, self._matrix, self._range)
            self.info = replace(info, chroma=chroma)
        except BaseException:
            self._container.close()
            raise
        self._frames = self._convert(chain([first], self._decoded))

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def has_constant_rate(self) -> bool:
        with open_container(self._path, self._raw) as container:
            stream = video_stream(container, self._path)
            return has_constant_rate(container, stream, self.info.frame_rate)

    def close(self) -> None:
        self._container.close()

    def _convert(self, decoded: Iterator[av.VideoFrame]) -> Iterator[Frame]:
        for number, frame in enumerate(decoded):
            if (frame.width, frame.height) != self._size:
                raise MediaError(
                    f"{self._path}: frame {number} is {frame.width}x{frame.height} after frames of "
                    f"{self._size[0]}x{self._size[1]}; split the file where the size changes"
                )
            pts = number / self.info.frame_rate
            if frame.pts is not None:
                pts = (frame.pts - self._start) * self.info.time_base
            yield Frame(self._to_rgb(frame, number), pts)

    def frames_at(self, key: int, times: Sequence[int]) -> list[Frame] | None:
        """The frames with these time stamps (in units of the file), decoded from the key frame at ``key`` on.

        None if seeking there does not bring exactly these frames, whole and in this order. Moves the reader.
        """
        frames: list[Frame] = []
        for frame in self._decode_from(key, times[0]):
            if frame.pts is not None and frame.pts < times[0]:
                continue
            if frame.is_corrupt or frame.pts != times[len(frames)]:
                return None
            pts = (frame.pts - self._start) * self.info.time_base
            frames.append(Frame(self._to_rgb(frame, len(frames)), pts))
            if len(frames) == len(times):
                return frames
        return None

    def _decode_from(self, key: int, first: int) -> Iterator[av.VideoFrame]:
        """Frames from the key frame at ``key`` on; none if libav lands elsewhere or finds damage."""
        try:
            self._container.seek(key, stream=self._stream)
            packets = self._container.demux(self._stream)
            landed = next(packets)
            if landed.is_keyframe and landed.pts is not None and landed.pts <= first:
                for packet in chain([landed], packets):
                    yield from packet.decode()
        except (av.FFmpegError, OSError):
            return

    def _to_rgb(self, frame: av.VideoFrame, number: int) -> Rgb:
        """RGB of a decoded frame, turned as the file asks."""
        try:
            rgb = frame_to_rgb(frame, self._matrix, self._range, self._chroma)
        except MediaError as error:
            raise MediaError(f"{self._path}, frame {number}: {error}") from None
        turns = _quarter_turns(frame)
        return np.ascontiguousarray(np.rot90(rgb, turns, axes=(1, 2))) if turns else rgb


def open_container(path: Path, raw: RawFormat | None = None) -> InputContainer:
    """Open a local media file with libav, or raise `MediaError`."""
    if not path.is_file():
        raise MediaError(f"{path} does not exist: give a video file or a folder of pictures")
    size = path.stat().st_size
    if size == 0:
        raise MediaError(f"{path} is empty")
    if raw is None and path.suffix.lower() in RAW_SUFFIXES:
        raise MediaError(f"{path} is raw video: state its size, pixel format and frame rate")
    # Only local files: a playlist must not make us fetch from the network.
    options = {"protocol_whitelist": "file"}
    if raw is not None:
        options |= {
            "video_size": f"{raw.width}x{raw.height}",
            "pixel_format": raw.pixel_format,
            "framerate": str(raw.frame_rate),
        }
    try:
        return av.open(f"file:{path}", format="rawvideo" if raw else None, options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MediaError(f"{path} is not a video, or is cut short or damaged ({reason})") from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first moving-picture stream (cover art of a sound file is none), set to decode on all cores."""
    streams = [stream for stream in container.streams.video if not stream.disposition & _ATTACHED_PICTURE]
    if not streams:
        raise MediaError(f"{path} has no video stream" + (", only sound" if container.streams.audio else ""))
    streams[0].thread_type = "AUTO"
    return streams[0]


_ATTACHED_PICTURE = av.stream.Disposition.attached_pic


def decode(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[av.VideoFrame]:
    """The whole frames in order of display; then `MediaError` if the file is damaged or cut short."""
    count = 0
    shown = 0
    read = 0
    try:
        for packet in container.demux(stream):
            whole = not packet.is_corrupt
            for frame in stream.codec_context.decode(packet if whole and packet.size else None):
                if frame.is_corrupt:
                    raise _damage(path, count)
                shown = max(shown, (frame.pts or 0) + (frame.duration or 0))
                yield frame
                count += 1
            if not whole:
                raise _damage(path, count)
            read = max(read, (packet.pos or 0) + packet.size)
    except (av.FFmpegError, OSError) as error:
        raise _damage(path, count) from error
    if _is_cut_short(stream, path.stat().st_size, read, shown):
        raise _damage(path, count)


def _damage(path: Path, count: int) -> MediaError:
    whole = "; the frames before it are whole" if count else ""
    return MediaError(f"{path} is damaged or cut short at frame {count}{whole}")


def _is_cut_short(stream: VideoStream, size: int, read: int, shown: int) -> bool:
    """Whether a file of ``size`` bytes ends before the pictures that it announces, as far as its format tells.

    libav reports a missing end as an ordinary one. Uncompressed video must have been ``read`` to its last
    byte; an index (mp4, avi) must not point behind it; Matroska's stated duration must have been ``shown``.
    """
    if stream.container.format.name in ("yuv4mpegpipe", "rawvideo"):
        return 0 < read < size
    if any(entry.pos + entry.size > size for entry in stream.index_entries):
        return True
    stated = stream.metadata.get("DURATION")
    if stated is None:
        return False
    return _seconds(stated) - shown * Fraction(stream.time_base or 0) > Fraction(3, 2) / frame_rate_of(stream)


def _describe(
    container: InputContainer, stream: VideoStream, first: av.VideoFrame, matrix: Matrix, range: Range
) -> VideoInfo:
    rate = frame_rate_of(stream)
    time_base = Fraction(stream.time_base or 1 / rate)
    duration = _duration(container, stream, time_base)
    count: int | None = stream.frames or None
    if count is None and stream.codec_context.name == "rawvideo" and duration is not None:
        count = round(duration * rate)
    sideways = _quarter_turns(first) % 2
    return VideoInfo(
        width=first.height if sideways else first.width,
        height=first.width if sideways else first.height,
        frame_rate=rate,
        frame_count=count,
        duration=duration,
        pixel_format=first.format.name,
        depth=depth_of(first),
        matrix=matrix,
        range=range,
        codec=stream.codec_context.name,
        has_audio=bool(container.streams.audio),
        time_base=time_base,
    )


def frame_rate_of(stream: VideoStream) -> Fraction:
    """The average, unless it is implausible (Matroska without a stated one); then libav's guess, or 25."""
    average = Fraction(stream.average_rate or 0)
    return average if 0 < average <= 1000 else Fraction(stream.guessed_rate or 25)


def _duration(container: InputContainer, stream: VideoStream, time_base: Fraction) -> Fraction | None:
    """Seconds: of the video stream if stated, else of the file."""
    if stream.duration:
        return stream.duration * time_base
    if "DURATION" in stream.metadata:
        return _seconds(stream.metadata["DURATION"]) - (stream.start_time or 0) * time_base
    return Fraction(container.duration, av.time_base) if container.duration else None


def _seconds(text: str) -> Fraction:
    """Matroska's HH:MM:SS.fraction in seconds."""
    hours, minutes, seconds = text.strip("\0 ").split(":")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Counter-clockwise quarter turns that the file asks for."""
    return round(frame.rotation / 90) % 4


def _matrix_of(frame: av.VideoFrame, path: Path) -> Matrix:
    try:
        return tagged_matrix(frame)
    except MediaError as error:
        raise MediaError(f"{path}: {error}") from None

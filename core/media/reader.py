"""Reading video: files that libav knows, raw planes, and folders of pictures.

Rules that hold for every source:

- Colour: matrix and range are those that the caller states, else the file's tags, else BT.601 below 720 rows
  and BT.709 from there on, limited range (`core.media.planes`). Transfer curve and primaries are not touched.
- Rotation by multiples of 90 degrees and mirroring that the file states are applied; non-square pixels are not.
- Interlaced frames are named in a warning, and made whole where the caller asks for it.
- Time stamps are seconds after the first frame, and rise (`core.media.timing.Clock`).
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import chain
from os import PathLike
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range, Rgb
from core.media.container import PICTURE_FORMATS, open_container, video_stream
from core.media.decoding import decode
from core.media.deinterlace import deinterlace_frames
from core.media.describing import presentation_of
from core.media.limits import STANDARD, Limits
from core.media.orientation import exif_orientation, frame_orientation
from core.media.pictures import PictureReader, require_picture_size
from core.media.planes import depth_of, frame_to_rgb, require_opaque, tagged_matrix, tagged_range
from core.media.timing import (
    Clock,
    frame_rate_of,
    has_constant_rate,
    in_coding_order,
    intervals,
    last_duration,
    stated_duration,
)
from core.media.video import Frame, RawFormat, VideoInfo, VideoReader

__all__ = ["Frame", "RawFormat", "VideoInfo", "VideoReader", "open_video"]

log = logging.getLogger(__name__)

_ANIMATIONS = ("gif", "apng")
"""Formats in which each picture states its time."""


def open_video(
    path: str | PathLike[str],
    *,
    raw: RawFormat | None = None,
    matrix: Matrix | None = None,
    range: Range | None = None,
    chroma: Chroma = Chroma.BILINEAR,
    frame_rate: Fraction = Fraction(25),
    deinterlace: bool = False,
    limits: Limits = STANDARD,
) -> VideoReader:
    """Open a video file (mp4, mkv, webm, avi, y4m, …), a raw .yuv file, or a folder of PNG or JPEG pictures.

    ``raw`` describes a headerless file; ``frame_rate`` is that of a picture folder. ``matrix`` and ``range``
    overrule what the file says of itself. ``deinterlace`` makes whole frames of a file's interlaced ones. Raises
    `MediaError` when the path is missing, empty, not a video, without a picture stream, without a frame that can be
    decoded, or beyond the ``limits``, which are asked before a picture is decoded.
    """
    path = Path(path)
    if path.is_dir():
        return PictureReader(path, frame_rate, matrix, range, chroma, limits)
    return FileReader(path, raw, matrix, range, chroma, deinterlace, limits)


class FileReader(VideoReader):
    """A video in one file, decoded by libav."""

    def __init__(
        self,
        path: Path,
        raw: RawFormat | None,
        matrix: Matrix | None,
        range: Range | None,
        chroma: Chroma,
        deinterlace: bool = False,
        limits: Limits = STANDARD,
    ) -> None:
        self._path, self._raw, self._silent = path, raw, deinterlace
        self._limits = limits
        self._container = open_container(path, raw)
        try:
            self._stream = video_stream(self._container, path)
            if self._container.format.name in PICTURE_FORMATS:
                require_picture_size(path, limits)
            limits.require_pixels(path, self._stream.codec_context.width * self._stream.codec_context.height)
            limits.require_frames(path, self._stream.frames)
            self._decoded = decode(self._container, self._stream, path)
            first = next(self._decoded, None)
            if first is None:
                raise MediaError(f"{path} holds no frame")
            require_opaque(first, f"{path}, frame 0")
            self._matrix = matrix or _matrix_of(first, path)
            self._range = range or tagged_range(first)
            self._chroma = chroma
            self._size = (first.width, first.height)
            self._start = first.pts
            picture = self._container.format.name in PICTURE_FORMATS
            self._orientation = exif_orientation(path) if picture else frame_orientation(first, path)
            self.interlaced = first.interlaced_frame
            self.info = replace(self._describe(first), chroma=chroma)
        except BaseException:
            self._container.close()
            raise
        frames = self._check(chain([first], self._decoded))
        self._frames = self._convert(
            deinterlace_frames(frames, self._stream, path) if deinterlace else frames
        )

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def has_constant_rate(self) -> bool:
        with open_container(self._path, self._raw) as container:
            stream = video_stream(container, self._path)
            return has_constant_rate(container, stream, self.info.frame_rate, self._start)

    def intervals(self) -> tuple[Fraction, Fraction]:
        with open_container(self._path, self._raw) as container:
            found = intervals(container, video_stream(container, self._path))
        usual = 1 / self.info.frame_rate
        shortest, longest = found or (usual, usual)
        return shortest, max(longest, self.info.presentation.last_duration or usual)

    def close(self) -> None:
        """Let go of the file, and of the decoder with its threads."""
        self._frames.close()
        self._decoded.close()
        self._container.close()
        self.__dict__.pop("_stream", None)

    def say_nothing_of_interlacing(self) -> None:
        """Do not warn of interlaced frames: the caller has."""
        self._silent = True

    def _describe(self, first: av.VideoFrame) -> VideoInfo:
        """The facts of the video; what only packets tell is asked of a container of its own."""
        with open_container(self._path, self._raw) as container:
            stream = video_stream(container, self._path)
            rate = frame_rate_of(container, stream)
            last = last_duration(container, stream)
        sideways = self._orientation.sideways
        info = describe(self._container, self._stream, first, self._matrix, self._range, rate, sideways)
        presentation = info.presentation
        if self._silent:
            presentation = replace(presentation, field_order=0)
        start = (self._start or 0) * info.time_base
        return replace(info, start=start, presentation=replace(presentation, last_duration=last))

    def _check(self, decoded: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """The frames, of one size; a warning at the first interlaced one."""
        for number, frame in enumerate(decoded):
            self._limits.require_frames(self._path, number + 1)
            if (frame.width, frame.height) != self._size:
                raise MediaError(
                    f"{self._path}: frame {number} is {frame.width}x{frame.height} after frames of "
                    f"{self._size[0]}x{self._size[1]}; split the file where the size changes"
                )
            if frame.interlaced_frame and not self._silent:
                warn_interlaced(self._path)
                self._silent = True
            yield frame

    def _convert(self, decoded: Iterator[av.VideoFrame]) -> Generator[Frame, None, None]:
        for number, (frame, pts, duration) in enumerate(self._assign_times(decoded)):
            yield Frame(self._to_rgb(frame, number), pts, duration)

    def _assign_times(
        self, decoded: Iterator[av.VideoFrame]
    ) -> Iterator[tuple[av.VideoFrame, Fraction, Fraction | None]]:
        """The frames with their times and durations, each when the next one is known."""
        clock = Clock(self.info.time_base, self.info.frame_rate)
        before: tuple[av.VideoFrame, Fraction] | None = None
        damage: MediaError | None = None
        try:
            for frame in decoded:
                pts = clock(frame.pts)
                if before is not None:
                    yield *before, pts - before[1]
                before = frame, pts
        except MediaError as error:
            damage = error
        if before is not None:
            yield *before, self._last_duration(before[0])
        if damage is not None:
            raise damage

    def _last_duration(self, frame: av.VideoFrame) -> Fraction | None:
        stated = self.info.presentation.last_duration
        if stated is None and self._container.format.name in _ANIMATIONS:
            return frame.duration * self.info.time_base or None
        return stated

    def frames_at(self, key: int, times: Sequence[int]) -> Iterator[Frame]:
        """The frames with these time stamps (in units of the file), decoded from the key frame at ``key`` on.

        Ends before the first that seeking there does not bring whole and in this order. They have the duration of a
        last frame. Moves the reader.
        """
        wanted = iter(times)
        awaited = next(wanted, None)
        for number, frame in enumerate(self._decode_from(key, times[0])):
            if frame.pts is not None and frame.pts < times[0]:
                continue
            if frame.is_corrupt or frame.pts is None or frame.pts != awaited or self._start is None:
                return
            pts = (frame.pts - self._start) * self.info.time_base
            yield Frame(self._to_rgb(frame, number), pts, self._last_duration(frame))
            if (awaited := next(wanted, None)) is None:
                return

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
        return self._orientation.apply(rgb)


def describe(
    container: InputContainer,
    stream: VideoStream,
    first: av.VideoFrame,
    matrix: Matrix,
    range: Range,
    rate: Fraction,
    sideways: bool,
) -> VideoInfo:
    """The facts of a video, by its first frame; ``sideways`` where its frames are turned by a quarter."""
    time_base = Fraction(stream.time_base or 1 / rate)
    duration = stated_duration(container, stream)
    count: int | None = stream.frames or None
    if in_coding_order(stream):
        count = sum(entry.size > 0 for entry in stream.index_entries) or None
    if count is None and stream.codec_context.name == "rawvideo" and duration is not None:
        count = round(duration * rate)
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
        presentation=presentation_of(container, stream, first, sideways=sideways),
    )


def warn_interlaced(path: Path) -> None:
    """Say that a file is interlaced, and what to do."""
    log.warning(
        "%s is interlaced: the rows of its frames show two moments in turn. task.deinterlace=true makes whole frames "
        "of them where a video is upscaled or encoded; deinterlace it first to train or measure.",
        path,
    )


def _matrix_of(frame: av.VideoFrame, path: Path) -> Matrix:
    try:
        return tagged_matrix(frame)
    except MediaError as error:
        raise MediaError(f"{path}: {error}") from None

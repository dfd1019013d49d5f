"""Writing video: mp4 and mkv by x264 and x265, y4m without loss, or a folder of PNG pictures.

Everything is written under a temporary name beside the target, which takes its place only when all is done;
after an error nothing is left behind and an older file stays as it was.
"""

from __future__ import annotations

import math
import shutil
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from core.errors import MediaError
from core.files import publish, temporary_folder
from core.media.colour import Matrix, Range, rgb_to_yuv
from core.media.concatenate import concatenate
from core.media.encoders import Encoding, check_encoding, pixel_format_for
from core.media.muxing import PictureMuxer
from core.media.output import WriteError, cannot_write, discard_output, open_output, open_pipe, state_aspect
from core.media.pacing import require_times
from core.media.planes import frame_from_planes, parse_planar_format, tag_colour, untagged_matrix
from core.media.presentation import Presentation
from core.media.samples import samples
from core.media.stating import state
from core.media.tracks import TrackCopy, TrackSource

__all__ = ["VideoWriter", "concatenate", "open_writer"]

_SECOND = 90_000
_FINEST_SECOND = 10_000_000


def open_writer(
    path: str | PathLike[str],
    *,
    width: int,
    height: int,
    frame_rate: Fraction,
    tracks: TrackSource | None = None,
    presentation: Presentation | None = None,
    matrix: Matrix | None = None,
    range: Range = Range.LIMITED,
    crf: float = 16,
    preset: str = "medium",
    pixel_format: str | None = None,
    threads: int = 1,
    pipe: BinaryIO | None = None,
) -> VideoWriter:
    """Open a video for writing; what it is follows from the suffix of ``path``.

    - ``.mp4``, ``.mkv``: H.264 by x264, of 10 bits HEVC by x265, with constant rate factor ``crf`` (0 is best) and
      ``preset``, as yuv420p, or as yuv444p when width or height is odd, which they do not code in 4:2:0. Tagged with
      ``matrix`` (default BT.709) and ``range``. The other tracks of ``tracks`` are copied as they are.
    - ``.y4m``: the planes without loss, yuv444p by default. It cannot say its matrix, whose default is therefore
      what readers assume (BT.601 below 720 rows), nor carry time stamps: those given are passed over.
    - no suffix: a folder of pictures ``00000.png``, …, RGB of 8 bits, or of 16 where ``pixel_format`` has more than 8;
      the folder must be new or empty.

    ``presentation`` is what the file is to say beside the samples. ``pixel_format`` is planar YUV of 8 or 10 bits by
    libav's name. Into a ``pipe`` go y4m and mkv, of which ``path`` is then a name alone. With one of the encoder's
    ``threads`` the same pictures give the same bytes; 0 takes all cores.
    Raises `MediaError` when the target cannot be written, or cannot hold what is asked.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if width < 1 or height < 1 or frame_rate <= 0:
        raise MediaError(f"cannot write a video of {width}x{height} at {frame_rate} frames per second")
    if not path.parent.is_dir():
        raise MediaError(f"{path.parent} is not a folder: create it before writing {path.name}")
    if tracks is not None and suffix not in (".mp4", ".mkv"):
        raise MediaError(f"{path} cannot carry sound: write an .mp4 or .mkv file, or leave the sound out")
    if suffix == "":
        deep = pixel_format is not None and parse_planar_format(pixel_format)[1] > 8
        return PictureWriter(path, width, height, deep)
    lossless = suffix == ".y4m"
    coding = Encoding(
        pixel_format or pixel_format_for(suffix, width, height, None, 8),
        matrix or (untagged_matrix(height) if lossless else Matrix.BT709),
        range,
        lossless,
        crf,
        preset,
        threads,
    )
    check_encoding(path, coding, width, height)
    require_times(path, frame_rate)
    if pipe is not None:
        return PipeWriter(pipe, path, width, height, Fraction(frame_rate), coding, presentation)
    return FileWriter(path, width, height, Fraction(frame_rate), coding, presentation, tracks)


class VideoWriter(ABC):
    """A video in the making; use it as a context manager. Left by an exception, it leaves no file."""

    _temporary: Path

    def __init__(self, path: Path, width: int, height: int) -> None:
        self.path = path
        self.count = 0
        self._size = (height, width)

    def write(
        self,
        rgb: NDArray[np.floating],
        pts: Fraction | None = None,
        duration: Fraction | None = None,
    ) -> None:
        """Append a picture (3,H,W) in [0,1] (clamped) at ``pts`` seconds, or at the frame rate's next time.

        Time stamps must rise, and be given for all pictures or for none. It is shown until the next one, the last one
        for ``duration`` seconds, or as long as the frame rate says.
        """
        if rgb.shape != (3, *self._size):
            raise MediaError(
                f"{self.path}: picture {self.count} has shape {rgb.shape}, not {(3, *self._size)}"
            )
        if not np.isfinite(rgb).all():
            raise MediaError(f"{self.path}: picture {self.count} holds values that are not numbers")
        self._append(rgb, pts, duration)
        self.count += 1

    @abstractmethod
    def _append(self, rgb: NDArray[np.floating], pts: Fraction | None, duration: Fraction | None) -> None: ...

    @abstractmethod
    def _finish(self) -> None:
        """Write what is pending and close the temporary file."""

    @abstractmethod
    def _discard(self) -> None:
        """Remove the temporary file."""

    def close(self) -> None:
        """Complete the video and give it its name. Raises `MediaError` if it has no picture."""
        try:
            if self.count == 0:
                raise MediaError(f"{self.path}: no picture was written")
            self._finish()
            publish(self._temporary, self.path)
        except (av.FFmpegError, OSError) as error:
            raise cannot_write(self.path, error) from error
        finally:
            self._discard()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._discard()


class FileWriter(VideoWriter):
    """A video in one file, by libav."""

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        frame_rate: Fraction,
        coding: Encoding,
        presentation: Presentation | None,
        tracks: TrackSource | None,
    ) -> None:
        super().__init__(path, width, height)
        self._coding, self._rate, self._presentation = coding, frame_rate, presentation
        self._subsampling, self._depth = parse_planar_format(coding.pixel_format)
        self._timed: bool | None = None
        self._last = -1
        self._unit = 1 / frame_rate if coding.lossless else time_unit(frame_rate)
        self._container = self._open()
        self._tracks: TrackCopy | None = None
        try:
            stream = self._container.add_stream(coding.encoder, rate=frame_rate)
            assert isinstance(stream, VideoStream)
            self._stream = stream
            coding.apply(self._stream.codec_context, self._size, self._unit, presentation)
            if tracks is not None:
                self._tracks = TrackCopy(tracks, self._container, path)
            self._lead = round(self._tracks.lead / self._unit) if self._tracks else 0
            if presentation is not None:
                state(self._container, self._stream, presentation, self._lead * self._unit)
            self._muxer = PictureMuxer(self._container, self._tracks, self._unit)
            self._container.start_encoding()
        except BaseException as error:
            self._discard()
            if isinstance(error, (av.FFmpegError, ValueError, OverflowError)):
                raise cannot_write(path, error) from error
            raise

    def _open(self) -> OutputContainer:
        container, self._temporary = open_output(self.path, self._unit)
        return container

    def _append(self, rgb: NDArray[np.floating], pts: Fraction | None, duration: Fraction | None) -> None:
        coding = self._coding
        planes = rgb_to_yuv(
            rgb, matrix=coding.matrix, range=coding.range, depth=self._depth, subsampling=self._subsampling
        )
        frame = frame_from_planes(planes, coding.pixel_format)
        tag_colour(frame, coding.matrix, coding.range, self._presentation)
        before = self._last
        frame.time_base = self._unit
        frame.pts = self._ticks(pts)
        if self.count:
            self._muxer.shown_for(before, frame.pts - before)
        self._end = frame.pts + max(1, round((1 / self._rate if duration is None else duration) / self._unit))
        self._mux(frame)

    def _ticks(self, pts: Fraction | None) -> int:
        """The time stamp in units of the stream; y4m has none, so there it is the number of the picture."""
        if self._timed is not None and self._timed != (pts is not None):
            raise MediaError(f"{self.path}: give time stamps to all pictures or to none")
        self._timed = pts is not None
        seconds = self.count / self._rate if pts is None or self._coding.lossless else pts
        ticks = round(seconds / self._unit) + self._lead
        if ticks <= self._last:
            raise MediaError(f"{self.path}: the time stamp of picture {self.count} ({pts} s) does not rise")
        self._last = ticks
        return ticks

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                self._muxer.write(packet)
        except (av.FFmpegError, OSError) as error:
            raise cannot_write(self.path, error) from error

    def _finish(self) -> None:
        self._muxer.shown_for(self._last, self._end - self._last)
        self._mux(None)
        self._muxer.finish(self._end)
        self._container.close()
        if self._coding.lossless and self._presentation is not None and not self._coding.live:
            state_aspect(self._temporary, self._presentation.sample_aspect_ratio)

    def _discard(self) -> None:
        if self._tracks is not None:
            self._tracks.close()
        discard_output(self._container, self._temporary)


class PipeWriter(FileWriter):
    """A video into a pipe, y4m or Matroska by the suffix of its name. Every picture leaves at once."""

    def __init__(
        self,
        pipe: BinaryIO,
        name: Path,
        width: int,
        height: int,
        frame_rate: Fraction,
        coding: Encoding,
        presentation: Presentation | None,
    ) -> None:
        self._pipe = pipe
        super().__init__(name, width, height, frame_rate, replace(coding, live=True), presentation, None)

    def close(self) -> None:
        """Complete the video."""
        self._finish()

    def _open(self) -> OutputContainer:
        return open_pipe(self._pipe, self.path.suffix)

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            super()._mux(frame)
        except WriteError as error:
            if isinstance(error.__cause__, BrokenPipeError):
                raise error.__cause__ from None  # whoever read it has seen enough
            raise

    def _discard(self) -> None:
        with suppress(av.FFmpegError, OSError, ValueError):  # whoever read it is gone
            self._container.close()


class PictureWriter(VideoWriter):
    """A folder of PNG pictures named by their number, of 8 bits or (``deep``) of 16."""

    def __init__(self, path: Path, width: int, height: int, deep: bool = False) -> None:
        super().__init__(path, width, height)
        self._deep = deep
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise MediaError(f"{path} exists and is not an empty folder: remove it or choose another name")
        try:
            self._temporary = temporary_folder(path)
        except OSError as error:
            raise cannot_write(path, error) from error

    def _append(self, rgb: NDArray[np.floating], pts: Fraction | None, duration: Fraction | None) -> None:
        codes: NDArray[Any] = np.ascontiguousarray(samples(rgb, 16 if self._deep else 8).transpose(1, 2, 0))
        path = self._temporary / f"{self.count:05d}.png"
        try:
            if self._deep:
                path.write_bytes(_deep_png(codes))
            else:
                Image.fromarray(codes).save(path)
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _finish(self) -> None:
        """All pictures are on disk already."""

    def _discard(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)


def _deep_png(codes: NDArray[np.uint16]) -> bytes:
    """A PNG file of RGB (H,W,3) of 16 bits, which Pillow does not write."""
    encoder = av.CodecContext.create("png", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.height, encoder.width, _ = codes.shape
    encoder.pix_fmt, encoder.time_base, encoder.thread_count = "rgb48be", Fraction(1), 1
    frame = av.VideoFrame.from_ndarray(codes, format="rgb48be")
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def time_unit(frame_rate: Fraction) -> Fraction:
    """A unit for time stamps, in seconds: about 10 microseconds or finer, and exact for a constant frame rate."""
    steps = frame_rate.numerator
    finer = math.lcm(_SECOND, steps)
    return Fraction(1, finer if finer <= _FINEST_SECOND else steps * max(1, _SECOND // steps))

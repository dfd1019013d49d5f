"""Writing video: mp4 and mkv by x264, y4m without loss, or a folder of PNG pictures.

Everything is written under a temporary name beside the target, which takes its place only when all is done;
after an error nothing is left behind and an older file stays as it was.
"""

from __future__ import annotations

import math
import shutil
from abc import ABC, abstractmethod
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from core.errors import MediaError
from core.files import publish, temporary_folder
from core.media.audio import AudioCopy, decoding_time
from core.media.colour import Matrix, Range, Subsampling, rgb_to_yuv
from core.media.concatenate import concatenate
from core.media.output import cannot_write, discard_output, open_output
from core.media.planes import frame_from_planes, parse_planar_format, tag_colour, untagged_matrix

__all__ = ["VideoWriter", "concatenate", "open_writer"]

_SECOND = 90_000
_FINEST_SECOND = 10_000_000


def open_writer(
    path: str | PathLike[str],
    *,
    width: int,
    height: int,
    frame_rate: Fraction,
    audio_from: Path | None = None,
    matrix: Matrix | None = None,
    range: Range = Range.LIMITED,
    crf: float = 16,
    preset: str = "medium",
    pixel_format: str | None = None,
) -> VideoWriter:
    """Open a video for writing; what it is follows from the suffix of ``path``.

    - ``.mp4``, ``.mkv``: x264 with constant rate factor ``crf`` (0 is best) and ``preset``, as yuv420p, or as
      yuv444p (profile High 4:4:4) when width or height is odd, which x264 does not code in 4:2:0. Tagged with
      ``matrix`` (default BT.709) and ``range``. All sound streams of ``audio_from`` are copied as they are.
    - ``.y4m``: the planes without loss, yuv444p by default. It cannot say its matrix, whose default is therefore
      what readers assume (BT.601 below 720 rows), nor carry time stamps: those given are passed over.
    - no suffix: a folder of pictures ``00000.png``, …, 8-bit RGB; the folder must be new or empty.

    ``pixel_format`` is planar YUV of 8 or 10 bits by libav's name. Raises `MediaError` when the target cannot be
    written, or cannot hold what is asked.
    """
    path = Path(path)
    if width < 1 or height < 1 or frame_rate <= 0:
        raise MediaError(f"cannot write a video of {width}x{height} at {frame_rate} frames per second")
    if not path.parent.is_dir():
        raise MediaError(f"{path.parent} is not a folder: create it before writing {path.name}")
    if audio_from is not None and path.suffix.lower() not in (".mp4", ".mkv"):
        raise MediaError(f"{path} cannot carry sound: write an .mp4 or .mkv file, or leave the sound out")
    if path.suffix == "":
        return PictureWriter(path, width, height)
    matrix = matrix or (untagged_matrix(height) if path.suffix.lower() == ".y4m" else Matrix.BT709)
    return FileWriter(
        path, width, height, Fraction(frame_rate), audio_from, matrix, range, crf, preset, pixel_format
    )


class VideoWriter(ABC):
    """A video in the making; use it as a context manager. Left by an exception, it leaves no file."""

    _temporary: Path

    def __init__(self, path: Path, width: int, height: int) -> None:
        self.path = path
        self.count = 0
        self._size = (height, width)

    def write(self, rgb: NDArray[np.floating], pts: Fraction | None = None) -> None:
        """Append a picture (3,H,W) in [0,1] (clamped) at ``pts`` seconds, or at the frame rate's next time.

        Time stamps must rise, and be given for all pictures or for none.
        """
        if rgb.shape != (3, *self._size):
            raise MediaError(
                f"{self.path}: picture {self.count} has shape {rgb.shape}, not {(3, *self._size)}"
            )
        if not np.isfinite(rgb).all():
            raise MediaError(f"{self.path}: picture {self.count} holds values that are not numbers")
        self._append(rgb, pts)
        self.count += 1

    @abstractmethod
    def _append(self, rgb: NDArray[np.floating], pts: Fraction | None) -> None: ...

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
        audio_from: Path | None,
        matrix: Matrix,
        range: Range,
        crf: float,
        preset: str,
        pixel_format: str | None,
    ) -> None:
        super().__init__(path, width, height)
        self._lossless = path.suffix.lower() == ".y4m"
        even = width % 2 == 0 and height % 2 == 0
        self._format = pixel_format or ("yuv420p" if even and not self._lossless else "yuv444p")
        self._subsampling, self._depth = parse_planar_format(self._format)
        if not even and not self._lossless and self._subsampling is not Subsampling.YUV444:
            raise MediaError(
                f"{path}: x264 codes no {self._format} of odd size {width}x{height}: use yuv444p"
            )
        self._matrix, self._range, self._rate = matrix, range, frame_rate
        self._timed: bool | None = None
        self._last = -1
        self._unit = 1 / frame_rate if self._lossless else time_unit(frame_rate)
        self._container, self._temporary = open_output(path, self._unit)
        self._audio: AudioCopy | None = None
        try:
            self._stream = self._add_stream(crf, preset)
            if audio_from is not None:
                self._audio = AudioCopy(audio_from, self._container, path)
            self._container.start_encoding()
        except BaseException as error:
            self._discard()
            if isinstance(error, (av.FFmpegError, ValueError)):
                raise cannot_write(path, error) from error
            raise

    def _add_stream(self, crf: float, preset: str) -> VideoStream:
        codec = "rawvideo" if self._lossless else "libx264"
        stream = self._container.add_stream(codec, rate=self._rate)
        assert isinstance(stream, VideoStream)
        context = stream.codec_context
        context.height, context.width = self._size
        context.pix_fmt = self._format
        context.time_base = self._unit
        if not self._lossless:
            context.options = {"crf": str(crf), "preset": preset}
        tag_colour(context, self._matrix, self._range)
        return stream

    def _append(self, rgb: NDArray[np.floating], pts: Fraction | None) -> None:
        planes = rgb_to_yuv(
            rgb, matrix=self._matrix, range=self._range, depth=self._depth, subsampling=self._subsampling
        )
        frame = frame_from_planes(planes, self._format)
        tag_colour(frame, self._matrix, self._range)
        frame.time_base = self._unit
        frame.pts = self._ticks(pts)
        frame.duration = round(1 / self._rate / self._unit)
        self._mux(frame)

    def _ticks(self, pts: Fraction | None) -> int:
        """The time stamp in units of the stream; y4m has none, so there it is the number of the picture."""
        if self._timed is not None and self._timed != (pts is not None):
            raise MediaError(f"{self.path}: give time stamps to all pictures or to none")
        self._timed = pts is not None
        seconds = self.count / self._rate if pts is None or self._lossless else pts
        ticks = round(seconds / self._unit)
        if ticks <= self._last:
            raise MediaError(f"{self.path}: the time stamp of picture {self.count} ({pts} s) does not rise")
        self._last = ticks
        return ticks

    def _mux(self, frame: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(frame):
                if self._audio is not None and packet.dts is not None:
                    self._audio.advance(decoding_time(packet))
                self._container.mux(packet)
        except (av.FFmpegError, OSError) as error:
            raise cannot_write(self.path, error) from error

    def _finish(self) -> None:
        self._mux(None)
        if self._audio is not None:
            self._audio.advance(None)
        self._container.close()

    def _discard(self) -> None:
        if self._audio is not None:
            self._audio.close()
        discard_output(self._container, self._temporary)


class PictureWriter(VideoWriter):
    """A folder of 8-bit PNG pictures named by their number."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        super().__init__(path, width, height)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise MediaError(f"{path} exists and is not an empty folder: remove it or choose another name")
        try:
            self._temporary = temporary_folder(path)
        except OSError as error:
            raise cannot_write(path, error) from error

    def _append(self, rgb: NDArray[np.floating], pts: Fraction | None) -> None:
        codes = np.rint(np.clip(rgb, 0.0, 1.0) * 255).astype(np.uint8)
        picture = Image.fromarray(np.ascontiguousarray(codes.transpose(1, 2, 0)))
        try:
            picture.save(self._temporary / f"{self.count:05d}.png")
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _finish(self) -> None:
        """All pictures are on disk already."""

    def _discard(self) -> None:
        shutil.rmtree(self._temporary, ignore_errors=True)


def time_unit(frame_rate: Fraction) -> Fraction:
    """A unit for time stamps, in seconds: about 10 microseconds or finer, and exact for a constant frame rate."""
    steps = frame_rate.numerator
    finer = math.lcm(_SECOND, steps)
    return Fraction(1, finer if finer <= _FINEST_SECOND else steps * max(1, _SECOND // steps))

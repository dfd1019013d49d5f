"""A folder of pictures as video: PNG or JPEG files in natural order (2 before 10)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from PIL import Image

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Range, Rgb
from core.media.container import PICTURE_FORMATS, is_animated_webp
from core.media.limits import STANDARD, Limits
from core.media.orientation import exif_orientation
from core.media.planes import depth_of, frame_to_rgb, require_opaque, tagged_range
from core.media.video import Frame, VideoInfo, VideoReader

SUFFIXES = (".png", ".jpg", ".jpeg")

_OPTIONS = {"format_whitelist": ",".join(PICTURE_FORMATS), "pattern_type": "none"}
"""A % in a name is no pattern."""


class PictureReader(VideoReader):
    """The pictures of a folder as frames.

    8- and 16-bit pictures, grey or coloured, turned upright as their EXIF data ask; JPEG is BT.601 full range unless
    stated otherwise. Raises `MediaError` for a folder without pictures, a picture that cannot be read, is an
    animation or in CMYK, has transparent parts, or differs in size from the first.
    """

    def __init__(
        self,
        folder: Path,
        frame_rate: Fraction,
        matrix: Matrix | None,
        range: Range | None,
        chroma: Chroma,
        limits: Limits = STANDARD,
    ) -> None:
        if frame_rate <= 0:
            raise MediaError(f"the frame rate of a picture folder must be positive, not {frame_rate}")
        self.paths = picture_paths(folder)
        self._limits = limits
        limits.require_frames(folder, len(self.paths))
        self._matrix, self._range, self._chroma = matrix or Matrix.BT601, range, chroma
        first = _load(self.paths[0], limits)
        require_opaque(first, self.paths[0])
        sideways = exif_orientation(self.paths[0]).sideways
        self.info = VideoInfo(
            width=first.height if sideways else first.width,
            height=first.width if sideways else first.height,
            frame_rate=Fraction(frame_rate),
            frame_count=len(self.paths),
            duration=len(self.paths) / Fraction(frame_rate),
            pixel_format=first.format.name,
            depth=depth_of(first),
            matrix=self._matrix,
            range=range or tagged_range(first, untagged=Range.FULL),
            codec=self.paths[0].suffix.lower().lstrip("."),
            has_audio=False,
            time_base=1 / Fraction(frame_rate),
            chroma=chroma,
        )
        self._frames = self.frames(0, len(self.paths))

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def has_constant_rate(self) -> bool:
        """Pictures have no times of their own."""
        return True

    def intervals(self) -> tuple[Fraction, Fraction]:
        return self.info.time_base, self.info.time_base

    def close(self) -> None:
        """Nothing is open between pictures."""

    def frames(self, start: int, count: int) -> Iterator[Frame]:
        """``count`` pictures from number ``start`` on."""
        for number in range(start, start + count):
            interval = 1 / self.info.frame_rate
            yield Frame(self._rgb(self.paths[number]), number * interval, interval)

    def _rgb(self, path: Path) -> Rgb:
        picture = _load(path, self._limits)
        try:
            chosen = self._range or tagged_range(picture, untagged=Range.FULL)
            stored = frame_to_rgb(picture, self._matrix, chosen, self._chroma)
        except MediaError as error:
            raise MediaError(f"{path}: {error}") from None
        rgb = exif_orientation(path).apply(stored)
        _, height, width = rgb.shape
        if (width, height) != (self.info.width, self.info.height):
            raise MediaError(
                f"{path} is {width}x{height}, unlike the first picture's {self.info.width}x{self.info.height}; "
                "all pictures of a folder must have one size"
            )
        return rgb


def picture_paths(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order, or `MediaError` if there is none."""
    visible = (path for path in folder.iterdir() if not path.name.startswith("."))
    paths = [path for path in visible if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise MediaError(f"{folder} is a folder without PNG or JPEG pictures")
    return sorted(paths, key=_natural)


def require_picture_size(path: Path, limits: Limits) -> None:
    """Ask the limits for the size that stands in a picture's header: libav would decode it at opening."""
    with suppress(OSError, SyntaxError, ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        limits.require_pixels(path, _pixels(path))


def _pixels(path: Path) -> int:
    """Pixels of a picture, from its header."""
    try:
        with Image.open(path) as picture:
            return picture.width * picture.height
    except Image.DecompressionBombError as error:  # Pillow's own limit, in whose words the number stands
        return int(re.findall(r"\d+", str(error))[0])


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key: runs of digits count as numbers."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", path.name)]


def _load(path: Path, limits: Limits) -> av.VideoFrame:
    """The decoded picture."""
    require_picture_size(path, limits)
    if is_animated_webp(path):
        raise MediaError(
            f"{path} is an animation: give single pictures, or the animation itself as the input"
        )
    try:
        with av.open(f"file:{path}", options=_OPTIONS) as container:
            jpeg = container.streams.video[0].codec_context.name == "mjpeg"
            frames = list(islice(container.decode(video=0), 2))
    except (av.FFmpegError, OSError, IndexError, ValueError) as error:
        raise MediaError(f"{path} cannot be read as a picture") from error
    if len(frames) > 1:
        raise MediaError(
            f"{path} is an animation: give single pictures, or the animation itself as the input"
        )
    if not frames or frames[0].is_corrupt:
        raise MediaError(f"{path} is damaged")
    if jpeg:
        _require_whole_jpeg(path)
    if jpeg and any(component.is_alpha for component in frames[0].format.components):
        raise MediaError(f"{path} is in CMYK: convert it to RGB first")
    return frames[0]


def _require_whole_jpeg(path: Path) -> None:
    """Raise `MediaError` where the end of a JPEG file is missing, which libav fills with grey without a word."""
    with warnings.catch_warnings(), suppress(Image.DecompressionBombError):
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(path) as picture:
                picture.load()
        except (OSError, SyntaxError) as error:
            raise MediaError(f"{path} is damaged or cut short") from error

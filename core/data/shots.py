"""Shots: runs of consecutive frames that clips are cut from, as pictures, video files or in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image, ImageFile, ImageOps

from core.data.downscale import Frames, shrink
from core.errors import DataError
from core.media.samples import eight_bits

if TYPE_CHECKING:
    from core.media.index import FrameIndex

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".webp"})
"""Suffixes that count as pictures."""


class Shot(Protocol):
    """A run of consecutive frames of one size."""

    @property
    def name(self) -> str:
        """Its name in messages."""
        ...

    @property
    def count(self) -> int:
        """Number of frames."""
        ...

    def read(self, start: int, step: int, frames: int) -> Frames:
        """``frames`` pictures from ``start``, ``step`` apart: (frames,3,H,W) uint8 RGB."""
        ...


@dataclass(frozen=True)
class MemoryShot:
    """Frames held in memory, (count,3,H,W) uint8."""

    name: str
    frames: Frames

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.frames)

    def read(self, start: int, step: int, frames: int) -> Frames:
        """A view of the frames."""
        return self.frames[start : start + (frames - 1) * step + 1 : step]


@dataclass(frozen=True)
class PictureShot:
    """A folder of pictures, one a frame."""

    folder: Path
    files: tuple[str, ...]
    downsize: float = 1.0

    @property
    def name(self) -> str:
        """The path."""
        return str(self.folder)

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.files)

    def read(self, start: int, step: int, frames: int) -> Frames:
        """Raises `DataError` when a picture is missing, unreadable or of another size than the first."""
        names = self.files[start : start + (frames - 1) * step + 1 : step]
        return shrink(read_pictures([self.folder / name for name in names]), self.downsize)


@dataclass(frozen=True)
class VideoShot:
    """A video file, decoded where a clip needs it."""

    index: FrameIndex
    downsize: float = 1.0

    @property
    def name(self) -> str:
        """The path."""
        return str(self.index.path)

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.index)

    def read(self, start: int, step: int, frames: int) -> Frames:
        """Raises `core.errors.MediaError` when the file cannot be decoded."""
        decoded = self.index.read(start, (frames - 1) * step + 1)
        return shrink(np.stack([eight_bits(frame.rgb) for frame in decoded[::step]]), self.downsize)


def read_pictures(paths: Sequence[Path]) -> Frames:
    """Pictures of one size: (len(paths),3,H,W) uint8 RGB.

    Raises:
        DataError: a picture is missing, unreadable, deeper than 8 bits, an animation, in CMYK, transparent in parts,
            or of another size than the first.
    """
    pictures = [read_picture(path) for path in paths]
    for path, picture in zip(paths, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise DataError(
                f"The frame {path} is {_size(picture)} but {paths[0].name} is {_size(pictures[0])}; "
                "give each size a folder of its own."
            )
    return np.stack(pictures)


def read_picture(path: Path) -> Frames:
    """One picture, upright, (3,H,W) uint8 RGB. Raises `DataError` like `read_pictures`."""
    try:
        with Image.open(path) as image:
            if fault := _fault(image):
                raise DataError(f"The frame {path} {fault}")
            upright = ImageOps.exif_transpose(image)
            return np.ascontiguousarray(np.asarray(upright.convert("RGB")).transpose(2, 0, 1))
    except FileNotFoundError:
        raise DataError(f"The frame {path} is missing; the data set is not complete.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"The frame {path} cannot be read as a picture ({error}); replace it.") from error


def _fault(image: ImageFile.ImageFile) -> str:
    """Why a picture cannot be used as a frame as it is, and what to do; empty where it can."""
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":  # MPO: previews follow the picture
        return "holds several pictures; give each a file of its own."
    if image.mode.startswith(("I", "F")) or any("16" in str(tile[3]) for tile in image.tile):
        return "has more than 8 bits a channel; convert it to 8 bits."
    if image.mode in ("CMYK", "LAB"):
        return f"is in {image.mode}; convert it to RGB."
    if image.has_transparency_data and np.asarray(image.convert("RGBA"))[..., 3].min() < 255:
        return "has transparent parts; flatten it onto a background first."
    return ""


def natural_order(name: str) -> tuple[tuple[str, int], ...]:
    """Sort key that counts: im2 comes before im10."""
    return tuple((text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name))


def _size(picture: Frames) -> str:
    return f"{picture.shape[2]}x{picture.shape[1]}"

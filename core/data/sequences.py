"""The sequences that video codecs are compared on, as raw 4:2:0 files of 8 bits in a folder of the user's.

None of them may be passed on with a program. A sequence is found by its name at the beginning of a file's, at any
depth, and by its size where a file's name states one: ``Beauty_1920x1080_120fps_420_8bit_YUV.yuv``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import numpy as np
from omegaconf import MISSING

from core.data.downscale import Frames
from core.data.splits import existing_root
from core.errors import DataError
from core.hooks import Array, FilePath, Split
from core.media.colour import Chroma, Matrix, Range, yuv_to_rgb
from core.media.samples import eight_bits
from core.options import Options, option


class Collection(Enum):
    """Test sets of the literature."""

    uvg = "uvg"
    """Mercat, Viitanen, Vanne 2020: seven sequences, 1920x1080, 120 Hz; https://ultravideo.fi."""
    hevc_b = "hevc_b"
    """HEVC's common test conditions, class B: five sequences, 1920x1080."""
    hevc_c = "hevc_c"
    """Class C: four sequences, 832x480."""
    hevc_d = "hevc_d"
    """Class D: four sequences, 416x240."""
    hevc_e = "hevc_e"
    """Class E: three sequences, 1280x720."""
    mcl_jcv = "mcl_jcv"
    """Wang et al. 2016: thirty sequences, 1920x1080."""


class Fit(Enum):
    """The part of a frame that is coded."""

    whole = "whole"
    """All of it, as newer papers do: codecs pad, and the rate is over the pixels that there are."""
    multiples_of_64 = "multiples_of_64"
    """Its upper left part whose height and width are multiples of 64, as older papers do: 1920x1024 of 1920x1080."""


@dataclass(frozen=True)
class _Content:
    """The sequences of a collection; the first of several names is the usual one."""

    width: int
    height: int
    names: tuple[tuple[str, ...], ...]


_COLLECTIONS = {
    Collection.uvg: _Content(
        1920,
        1080,
        (
            ("Beauty",),
            ("Bosphorus",),
            ("HoneyBee",),
            ("Jockey",),
            ("ReadySteadyGo", "ReadySetGo"),
            ("ShakeNDry",),
            ("YachtRide",),
        ),
    ),
    Collection.hevc_b: _Content(
        1920,
        1080,
        (("BasketballDrive",), ("BQTerrace",), ("Cactus",), ("Kimono", "Kimono1"), ("ParkScene",)),
    ),
    Collection.hevc_c: _Content(
        832, 480, (("BasketballDrill",), ("BQMall",), ("PartyScene",), ("RaceHorses", "RaceHorsesC"))
    ),
    Collection.hevc_d: _Content(
        416, 240, (("BasketballPass",), ("BlowingBubbles",), ("BQSquare",), ("RaceHorses", "RaceHorsesD"))
    ),
    Collection.hevc_e: _Content(1280, 720, (("FourPeople",), ("Johnny",), ("KristenAndSara",))),
    Collection.mcl_jcv: _Content(1920, 1080, tuple((f"videoSRC{number:02}",) for number in range(1, 31))),
}


@dataclass
class RawSequencesConfig(Options):
    """Test sequences of the literature (UVG, HEVC's classes, MCL-JCV) in a folder of raw files."""

    collection: Collection = MISSING
    """The test set."""
    root: FilePath = MISSING
    """The folder that holds its files, at any depth."""
    frames: int = option(96, at_least=1)
    """Frames of each sequence, from its beginning: one clip."""
    fit: Fit = Fit.whole
    """The part of a frame that is coded."""
    sequences: list[str] = field(default_factory=list)
    """Names of those to take; all by default."""
    matrix: Matrix = Matrix.BT709
    """The matrix that turns the planes into RGB, in which codecs are measured. Files made with a plain ``ffmpeg``
    took BT.601."""
    range: Range = Range.LIMITED
    """The codes that the planes use."""
    chroma: Chroma = Chroma.BILINEAR
    """How chroma is brought to the size of luma."""


@dataclass(frozen=True)
class RawSequence:
    """A file of raw planes."""

    name: str
    path: Path
    width: int
    height: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of a picture with its chroma."""
        return self.width * self.height * 3 // 2

    @property
    def count(self) -> int:
        """Pictures in the file; raises `DataError` where its bytes are not a whole number of them."""
        size = self.path.stat().st_size
        if size == 0 or size % self.frame_bytes:
            raise DataError(
                f"{self.path} has {size} bytes, which is no whole number of {self.width}x{self.height} pictures of "
                "8-bit 4:2:0; convert it to that."
            )
        return size // self.frame_bytes

    def planes(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Y, U and V of a picture, uint8."""
        samples = np.fromfile(self.path, np.uint8, self.frame_bytes, offset=number * self.frame_bytes)
        luma = self.width * self.height
        chroma = samples[luma:].reshape(2, self.height // 2, self.width // 2)
        return samples[:luma].reshape(self.height, self.width), chroma[0], chroma[1]


class SequenceSource:
    """One clip for each sequence: its first frames."""

    columns: tuple[str, ...] = ("frames",)

    def __init__(self, sequences: Sequence[RawSequence], config: RawSequencesConfig) -> None:
        self._sequences, self._config = sequences, config

    def __len__(self) -> int:
        return len(self._sequences)

    def label(self, index: int) -> str:
        """Name of the sequence."""
        return self._sequences[index].name

    def clip(self, index: int, rng: np.random.Generator) -> tuple[Array, ...]:
        """The frames of sequence ``index``, (T,3,H,W) in [0,1], rounded to 8 bits; nothing is random."""
        sequence = self._sequences[index]
        frames = np.stack([self._frame(sequence, number) for number in range(self._config.frames)])
        return (np.divide(frames, 255, dtype=np.float32),)

    def _frame(self, sequence: RawSequence, number: int) -> Frames:
        config = self._config
        rgb = yuv_to_rgb(
            *sequence.planes(number), matrix=config.matrix, range=config.range, chroma=config.chroma
        )
        if config.fit is Fit.multiples_of_64:
            rgb = rgb[:, : sequence.height // 64 * 64, : sequence.width // 64 * 64]
        return eight_bits(rgb)


def raw_sequences(config: RawSequencesConfig, split: Split) -> SequenceSource:
    """The sequences of a collection; they are for testing alone.

    Raises:
        DataError: the folder, a sequence or some of its frames are missing, or a file is of another size.
    """
    name = f"The test set {config.collection.value}"
    if split is not Split.TEST:
        raise DataError(f"{name} has no {split.value} split: it is for testing alone.")
    content = _COLLECTIONS[config.collection]
    wanted = _wanted(content, config.sequences, name)
    size = f"{content.width}x{content.height}"
    example = f"{wanted[0][0]}_{size}….yuv"
    root = existing_root(config.root, name, f"raw 8-bit 4:2:0 files such as {example}")
    files = sorted(path for path in root.rglob("*") if path.suffix.lower() == ".yuv")
    found = {names[0]: _file_of(names, files, size) for names in wanted}
    missing = [first for first, path in found.items() if path is None]
    if missing:
        raise DataError(
            f"{name} is not complete: {root} has no {', '.join(missing)} ({size}, names such as {example}); "
            "add them, or name those to take in dataset.sequences."
        )
    sequences = [
        RawSequence(first, path, content.width, content.height) for first, path in found.items() if path
    ]
    for sequence in sequences:
        if sequence.count < config.frames:
            raise DataError(
                f"{sequence.path} has {sequence.count} frames of the {config.frames} that are asked for; "
                "lower dataset.frames, or give the whole file."
            )
    return SequenceSource(sequences, config)


def _wanted(content: _Content, chosen: Sequence[str], name: str) -> list[tuple[str, ...]]:
    known = [names[0] for names in content.names]
    unknown = [one for one in chosen if one not in known]
    if unknown:
        raise DataError(f"{name} has no sequence {', '.join(unknown)} (known: {', '.join(known)}).")
    return [names for names in content.names if not chosen or names[0] in chosen]


def _file_of(names: Sequence[str], files: Sequence[Path], size: str) -> Path | None:
    """The file that begins with one of the names; another size in its name rules it out."""
    begins = re.compile(rf"({'|'.join(map(re.escape, names))})(?![a-z0-9])", re.IGNORECASE)
    fitting = [path for path in files if begins.match(path.name)]
    sized = [path for path in fitting if re.search(r"\d{3,4}x\d{3,4}", path.name)]
    right = [path for path in sized if size in path.name]
    plain = [path for path in fitting if path not in sized]
    return next(iter([*right, *plain]), None)

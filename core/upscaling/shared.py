"""Upscaling that is shared out among processes, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from core.carried import Files, pack
from core.crew import Crew, Seen
from core.hooks import Upscaler
from core.media.excerpt import Film
from core.media.scenes import RECENT_PAIRS
from core.media.work_folder import clear
from core.upscaling.frames import FrameMaker, Pair, cut_pairs
from core.upscaling.options import UpscaleOptions
from core.upscaling.target import Moment, Target


@dataclass(frozen=True)
class Told:
    """Facts of an upscaler, for processes that do not compute with it."""

    scale: int
    alignment: int
    identity: Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """Who makes the parts of which film."""

    crew: Crew
    film: Film


@dataclass(frozen=True)
class Piece:
    """A part that another process makes, or only counts the cuts of where it is there already."""

    first: int
    """Number of its first input frame."""
    path: Path
    is_held: bool
    moments: list[list[Moment]]
    """How the pictures of each of its pairs are shown."""
    target: Target
    mark: Path
    """A file in the part's folder by which a machine knows that it sees that folder."""

    def __str__(self) -> str:
        return f"frames {self.first} to {self.first + len(self.moments) - 1}"


@dataclass(frozen=True)
class Made:
    """Result of a part."""

    cuts: int
    files: Files | None = None
    """The part, where whoever made it does not see its folder."""


class UpscalingWorker:
    """`core.crew.Worker` that makes parts in the work folder of their output."""

    def __init__(
        self, upscaler: Upscaler, options: UpscaleOptions, film: Film, identity: Mapping[str, Any]
    ) -> None:
        info = film.index.info
        self._film, self._options = film, options
        self._maker = FrameMaker(upscaler, options, info.height, info.width)
        self.hello = Told(upscaler.scale, upscaler.alignment, identity)

    def do(self, piece: Piece, seen: Seen) -> Made:
        """Make a part."""
        if piece.is_held or piece.mark.exists():
            return Made(self._make(piece, piece.path, seen))
        with TemporaryDirectory() as folder:
            path = Path(folder) / piece.path.name
            return Made(self._make(piece, path, seen), pack(path))

    def _make(self, piece: Piece, path: Path, seen: Seen) -> int:
        """The number of cuts in a part that is written to ``path``."""
        cuts = 0

        def counted() -> Iterator[tuple[Pair, list[Moment]]]:
            nonlocal cuts
            for pair, moments in zip(self._pairs(piece), piece.moments, strict=True):
                cuts += pair.cut
                yield pair, moments

        if piece.is_held:
            seen(sum(1 for _ in counted()))
            return cuts
        clear(path)
        for parts in write_part(counted(), path, self._maker, piece.target):
            seen(parts)
        return cuts

    def _pairs(self, piece: Piece) -> Iterator[Pair]:
        """The pairs of a part; some before it are read so that cuts are found as in the whole film."""
        begin = max(piece.first - RECENT_PAIRS, 0)
        stop = piece.first + len(piece.moments)
        frames = self._film.frames(begin, min(stop + 1, len(self._film)))
        pairs = cut_pairs(frames, self._options.scene_cuts, Fraction(1))
        return islice(pairs, piece.first - begin, stop - begin)


def write_part(
    pairs: Iterable[tuple[Pair, list[Moment]]], path: Path, maker: FrameMaker, target: Target
) -> Iterator[int]:
    """Write the pictures of a part; yields 1 for each pair."""
    start: Fraction | None = None
    with target.writer(path) as writer:
        for pair, moments in pairs:
            start = moments[0].begin if start is None else start
            for picture, moment in zip(maker.make(pair), moments, strict=True):
                for _ in range(moment.times):
                    writer.write(picture, moment.begin - start, moment.end - moment.begin)
            yield 1

"""Upscales a video: twice the frames, a multiple of the size, sound and duration kept, resumable part by part.

Every input frame gives one output frame, and in between comes the frame that the network makes from it and the
next. Where there is no next one to move towards, at a scene cut and at the end, the frame itself is repeated, so
that n frames become 2n and the video lasts as long as before.

The output is made in parts of `SEGMENT_FRAMES` input frames in a work folder (`core.media.work_folder`); a job that
was killed goes on after its last whole part.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

from core.carried import unpack
from core.errors import MediaError
from core.facts import facts
from core.files import publish, temporary_file
from core.hooks import Upscaler
from core.media.claim import claim_output, require_space
from core.media.encoders import uncoded_bytes
from core.media.excerpt import Film
from core.media.fingerprint import source_facts
from core.media.limits import STANDARD, Limits
from core.media.reader import open_video
from core.media.video import Frame, VideoReader
from core.media.work_folder import WorkFolder, clear, keeping
from core.progress import Meter
from core.upscaling.frames import FrameMaker, Pair, cut_pairs, shown_until
from core.upscaling.options import UpscaleOptions
from core.upscaling.shared import Piece, Share, write_part
from core.upscaling.target import Moment, Target

SEGMENT_FRAMES = 32
"""Input frames in a part: what a killed job loses at most."""


@dataclass(frozen=True)
class Upscaled:
    """Result of an upscaling."""

    frames: int
    width: int
    height: int
    frame_rate: Fraction
    cuts: int

    @property
    def description(self) -> str:
        """One line for the user."""
        rate = f"{float(self.frame_rate):.6g}"
        return (
            f"{self.frames} frames of {self.width}x{self.height} at {rate} per second, {self.cuts} scene cuts"
        )


def upscale(
    input: str | Path,
    output: str | Path,
    upscaler: Upscaler,
    options: UpscaleOptions | None = None,
    *,
    identity: str | Mapping[str, Any] = "",
) -> Upscaled:
    """Upscale a video file, or folder of pictures, into another: the form for notebooks.

    ``identity`` names the upscaler's weights; with it, a job that was interrupted goes on where it was.
    Raises `MediaError` when the input cannot be read, or the output exists or cannot be written, `BusyError` when
    another process makes it, `ForeignError` when its work folder's name is taken.
    """
    source, target = Path(input), Path(output)
    with claim_output(source, target, overwrite=False), open_video(source) as reader:
        return upscale_video(
            reader, target, upscaler, options or UpscaleOptions(), source=source, identity=identity
        )


def upscale_video(
    reader: VideoReader,
    output: Path,
    upscaler: Upscaler,
    options: UpscaleOptions,
    *,
    source: Path,
    identity: str | Mapping[str, Any] = "",
    seen: Meter | None = None,
    limits: Limits = STANDARD,
    share: Share | None = None,
) -> Upscaled:
    """Upscale the video of an open reader into a file or a folder of pictures; with ``share``, by other processes.

    ``source`` is the reader's file, whose sound is copied; ``identity`` names the weights, or is the
    `core.facts` of all that makes the pictures: parts made with others, or with unnamed ones, are not taken up. The
    caller has `claimed` the output. Raises `MediaError` when the output cannot be written or the input is damaged; the
    parts made so far then stay, and the next call goes on from them.
    """
    job = _Job(reader, output, upscaler, options, source, identity, limits)
    for frames in job.shared_parts(share) if share else job.parts():
        if seen:
            seen.advance(parts=frames)
    return job.finish()


class _Job:
    """One upscaling: the frames in, the parts out."""

    def __init__(
        self,
        reader: VideoReader,
        output: Path,
        upscaler: Upscaler,
        options: UpscaleOptions,
        source: Path,
        identity: str | Mapping[str, Any],
        limits: Limits,
    ) -> None:
        self._info = reader.info
        self._options = options
        self._source, self._output = source, output
        self._maker = FrameMaker(upscaler, options, self._info.height, self._info.width)
        self._target = Target(reader, source, output, options, self._maker.height, self._maker.width)
        self._frames = self._target.frames(reader)
        self._paths: list[Path] = []
        self._starts: list[Fraction] = []
        self._end = Fraction(0)
        self._count = self._cuts = 0
        limits.require_output(output, uncoded_bytes(output, self._pixels // 2, self._target.pixel_format))
        require_space(output, self._pixels)
        named = identity if isinstance(identity, Mapping) else {"upscaler": identity}
        job = {**facts({"task": asdict(options)}), **named, **source_facts(source, reader)}
        with keeping(self._output):
            self._folder = WorkFolder(output, job if identity else None)

    def parts(self) -> Iterator[int]:
        """Make the parts that are not there yet; yields how many input frames are done, as it goes."""
        pairs = cut_pairs(self._frames, self._options.scene_cuts, 1 / self._info.frame_rate)
        while first := next(pairs, None):
            path = self._begin_part(first.frame.pts)
            part = self._counted(chain([first], islice(pairs, SEGMENT_FRAMES - 1)))
            if self._folder.holds(path):
                yield sum(1 for _ in part)
            else:
                with keeping(self._output):
                    clear(path)
                    yield from write_part(part, path, self._maker, self._target)
                    self._folder.add(path)

    def shared_parts(self, share: Share) -> Iterator[int]:
        """The same by the processes of a crew."""
        done: list[int] = []
        with keeping(self._output):
            mark = temporary_file(self._folder.path / "here")
            for piece, made in share.crew.run(self._pieces(share.film, mark), done.append):
                if made.files is not None:
                    clear(piece.path)
                    unpack(piece.path, made.files)
                if not piece.is_held:
                    self._folder.add(piece.path)
                self._cuts += made.cuts
                yield sum(done)
                done.clear()

    def _pieces(self, film: Film, mark: Path) -> Iterator[Piece]:
        """The parts of a film, as others make them."""
        last = next(film.frames(len(film) - 1, len(film)))
        times = film.times
        timed = self._target.frames([*(Frame(last.rgb, time) for time in times[:-1]), last])
        interval = 1 / self._info.frame_rate
        spans = [
            (frame.pts, shown_until(frame, following, interval))
            for frame, following in pairwise([*timed, None])
            if frame
        ]
        for first in range(0, len(spans), SEGMENT_FRAMES):
            part = spans[first : first + SEGMENT_FRAMES]
            path = self._begin_part(part[0][0])
            moments = [self._moments(*span) for span in part]
            yield Piece(first, path, self._folder.holds(path), moments, self._target, mark)

    def _begin_part(self, start: Fraction) -> Path:
        path = self._folder.path / f"{len(self._paths):06d}{self._target.part_suffix}"
        self._paths.append(path)
        self._starts.append(start)
        return path

    def _moments(self, begin: Fraction, end: Fraction) -> list[Moment]:
        """How the pictures of a pair are shown; to be asked for each in turn."""
        moments = [self._target.moment(*times) for times in self._maker.moments(begin, end)]
        self._count += sum(moment.times for moment in moments)
        self._end = end
        return moments

    def _counted(self, part: Iterator[Pair]) -> Iterator[tuple[Pair, list[Moment]]]:
        """The pairs of a part one by one, so that only two frames are held, and when their pictures are shown."""
        for pair in part:
            self._cuts += pair.cut
            yield pair, self._moments(pair.frame.pts, pair.until)

    def finish(self) -> Upscaled:
        """Join the parts, remove them, and say what was made."""
        if not self._paths:
            raise MediaError(f"{self._source} holds no frame.")
        with keeping(self._output):
            if self._output.suffix == "":
                self._join_pictures()
            else:
                self._target.join(self._paths, self._starts, self._end)
            self._folder.remove()
        maker = self._maker
        return Upscaled(self._count, maker.width, maker.height, self._target.rate, self._cuts)

    @property
    def _pixels(self) -> int:
        """Pixels of all frames, which stand in the parts and, when those are joined, in the output as well."""
        frames = (self._info.frame_count or 1) * (2 if self._options.temporal else 1)
        return 2 * frames * self._maker.width * self._maker.height

    def _join_pictures(self) -> None:
        """Bring the parts' pictures into one folder, numbered through."""
        temporary = self._folder.path / "joined"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        pictures = (p for folder in self._paths for p in sorted(folder.glob("*.png")))
        for number, picture in enumerate(pictures):
            _put(picture, temporary / f"{number:06d}.png")
        publish(temporary, self._output)


def _put(file: Path, place: Path) -> None:
    """The same file under another name, or a copy where the file system knows no second names."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)

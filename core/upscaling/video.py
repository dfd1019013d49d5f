"""Upscales a video: twice the frames, a multiple of the size, sound and duration kept, resumable part by part.

Every input frame gives one output frame, and in between comes the frame that the network makes from it and the
next. Where there is no next one to move towards, at a scene cut and at the end, the frame itself is repeated, so
that n frames become 2n and the video lasts as long as before.

The output is made in parts of `PART_FRAMES` input frames in a work folder (`core.upscaling.parts`); a job that was
killed goes on after its last whole part.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

from core.errors import MediaError
from core.facts import facts
from core.files import publish
from core.hooks import Array, Output, Upscaler
from core.media.claim import claimed, require_space
from core.media.fingerprint import source_facts
from core.media.output import WriteError, cannot_write
from core.media.reader import open_video
from core.media.scenes import SceneCutDetector
from core.media.tiles import plan_tiles
from core.media.video import Frame, VideoReader
from core.media.writer import concatenate, open_writer
from core.progress import Meter
from core.upscaling.options import UpscaleOptions
from core.upscaling.parts import WorkFolder

PART_FRAMES = 32
"""Input frames in a part: what a killed job loses at most."""


@dataclass(frozen=True)
class Upscaled:
    """What came out."""

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
    with claimed(source, target, overwrite=False), open_video(source) as reader:
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
) -> Upscaled:
    """Upscale the video of an open reader into a file or a folder of pictures.

    ``source`` is the reader's file, whose sound is copied; ``identity`` names the weights, or is the
    `core.facts` of all that makes the pictures: parts made with others, or with unnamed ones, are not taken up. The
    caller has `claimed` the output. Raises `MediaError` when the output cannot be written or the input is damaged; the
    parts made so far then stay, and the next call goes on from them.
    """
    job = _Job(reader, output, upscaler, options, source, identity)
    for frames in job.parts():
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
    ) -> None:
        self._info = reader.info
        self._frames = iter(reader)
        self._output = output
        self._suffix = output.suffix.lower()
        self._options = options
        self._source = source
        self._frame_maker = _FrameMaker(upscaler, options, self._info.height, self._info.width)
        self._rate = self._info.frame_rate * (2 if options.temporal else 1)
        self._paths: list[Path] = []
        self._starts: list[Fraction] = []
        self._count = self._cuts = 0
        require_space(output, self._pixels)
        named = identity if isinstance(identity, Mapping) else {"upscaler": identity}
        job = {**facts({"task": asdict(options)}), **named, **source_facts(source, reader)}
        with self._writing():
            self._folder = WorkFolder(output, job if identity else None)

    def parts(self) -> Iterator[int]:
        """Make the parts that are not there yet; yields how many input frames are done, as it goes."""
        pairs = _cut_pairs(self._frames, self._options.scene_cuts, 1 / self._info.frame_rate)
        for number in range(10**9):
            first = next(pairs, None)
            if first is None:
                return
            path = self._folder.path / f"{number:06d}{self._part_suffix}"
            self._paths.append(path)
            self._starts.append(first.frame.pts)
            part = self._counted(chain([first], islice(pairs, PART_FRAMES - 1)))
            if self._folder.holds(path):
                yield sum(1 for _ in part)
            else:
                with self._writing():
                    self._folder.prepare(path)
                    yield from self._write(part, path)
                    self._folder.add(path)

    def _counted(self, part: Iterator[_Pair]) -> Iterator[_Pair]:
        """The pairs of a part one by one, so that only two frames are held; counts them and their cuts."""
        for pair in part:
            self._count += 1
            self._cuts += pair.cut
            yield pair

    def finish(self) -> Upscaled:
        """Join the parts, remove them, and say what was made."""
        if not self._paths:
            raise MediaError(f"{self._source} holds no frame.")
        with self._writing():
            self._join()
            self._folder.remove()
        frames = self._count * (2 if self._options.temporal else 1)
        maker = self._frame_maker
        return Upscaled(frames, maker.width, maker.height, self._rate, self._cuts)

    @property
    def _pixels(self) -> int:
        """Of all frames, which stand in the parts and, when those are joined, in the output as well."""
        frames = (self._info.frame_count or 1) * (2 if self._options.temporal else 1)
        return 2 * frames * self._frame_maker.width * self._frame_maker.height

    @property
    def _part_suffix(self) -> str:
        return ".mp4" if self._suffix == ".mkv" else self._suffix  # only mp4 keeps exact time stamps

    def _write(self, part: Iterator[_Pair], path: Path) -> Iterator[int]:
        maker = self._frame_maker
        with open_writer(
            path, width=maker.width, height=maker.height, frame_rate=self._rate, crf=self._options.crf
        ) as writer:
            for pair in part:
                for picture, pts in maker.make(pair):
                    writer.write(picture, pts - self._starts[-1])
                yield 1

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Says, where the disk is full or gone, what stays."""
        try:
            yield
        except (OSError, WriteError) as error:
            told = cannot_write(self._output, error)
            kept = "the parts made so far stay, and the same command goes on from there"
            raise MediaError(f"{told}; {kept}.") from error

    def _join(self) -> None:
        if self._suffix == "":
            self._join_pictures()
        elif self._suffix == ".y4m":
            concatenate(self._paths, self._output)
        else:
            sound = self._source if self._info.has_audio else None
            concatenate(self._paths, self._output, audio_from=sound, starts=self._starts)

    def _join_pictures(self) -> None:
        """Bring the parts' pictures into one folder, numbered through."""
        temporary = self._folder.path / "joined"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        pictures = (p for folder in self._paths for p in sorted(folder.glob("*.png")))
        for number, picture in enumerate(pictures):
            _put(picture, temporary / f"{number:06d}.png")
        publish(temporary, self._output)


@dataclass(frozen=True)
class _Pair:
    """A frame and its successor, unless it is the last or a cut lies between them."""

    frame: Frame
    following: Frame | None
    cut: bool
    until: Fraction
    """When the next frame is due, in seconds."""


def _cut_pairs(frames: Iterator[Frame], find_cuts: bool, interval: Fraction) -> Iterator[_Pair]:
    detector = SceneCutDetector()
    for frame, following in pairwise(chain(frames, [None])):
        assert frame is not None
        cut = following is not None and find_cuts and detector.is_cut(frame.rgb, following.rgb)
        until = following.pts if following else frame.pts + interval
        yield _Pair(frame, None if cut else following, cut, until)


class _FrameMaker:
    """Turns pairs of frames into output pictures, tile by tile."""

    def __init__(self, upscaler: Upscaler, options: UpscaleOptions, height: int, width: int) -> None:
        self._upscaler = upscaler
        self._options = options
        scale = upscaler.scale if options.spatial else 1
        self.height, self.width = height * scale, width * scale
        self._scale = scale
        self._plan = plan_tiles(
            height,
            width,
            tile=options.tile or max(height, width),
            overlap=options.overlap,
            alignment=upscaler.alignment,
        )

    def make(self, pair: _Pair) -> Iterator[tuple[Array, Fraction]]:
        """The output pictures of a pair with their times: the frame's own, and the one after it."""
        first, following = pair.frame, pair.following
        between = Output.MIDDLE if self._options.spatial else Output.LOW_MIDDLE
        wanted = [Output.FIRST] if self._options.spatial else []
        if self._options.temporal and following is not None:
            wanted.append(between)
        made = self._run(first.rgb, (following or first).rgb, wanted)
        own = made.get(Output.FIRST, first.rgb)
        yield own, first.pts
        if self._options.temporal:
            yield made.get(between, own), (first.pts + pair.until) / 2

    def _run(self, first: Array, last: Array, wanted: list[Output]) -> dict[Output, Array]:
        if not wanted:
            return {}

        def made(tile_first: Array, tile_last: Array) -> dict[Output, Array]:
            tiles = self._upscaler(tile_first[None], tile_last[None], wanted)
            return {output: tiles[output][0] for output in wanted}

        return self._plan.run_named(made, first, last, scales=dict.fromkeys(wanted, self._scale))


def _put(file: Path, place: Path) -> None:
    """The same file under another name, or a copy where the file system knows no second names."""
    try:
        os.link(file, place)
    except OSError:
        shutil.copyfile(file, place)

"""The file of an upscaled video: coding, rate and all that the source says of itself, checked at the start."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from core.media.encoders import Encoding, check_encoding, colour_of, pixel_format_for
from core.media.pacing import Slots, regular, repeats_note, require_few_repeats, require_times, steady_rate
from core.media.target import left_out, range_note
from core.media.tracks import Sound, TrackSource, check_tracks
from core.media.video import Frame, VideoReader
from core.media.writer import VideoWriter, concatenate, open_writer
from core.upscaling.options import UpscaleOptions

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moment:
    """When a picture is shown, in seconds, and how often it is written: once, or repeated where there are no times."""

    begin: Fraction
    end: Fraction
    times: int = 1


class Target:
    """The output of one upscaling, pictures of ``width`` x ``height``.

    Raises `MediaError` at once where it cannot hold the video or its sound; says what it will be without.
    """

    def __init__(
        self,
        reader: VideoReader,
        source: Path,
        output: Path,
        options: UpscaleOptions,
        height: int,
        width: int,
    ) -> None:
        info = reader.info
        self._output, self._info = output, info
        self._suffix = output.suffix.lower()
        self._height, self._width = height, width
        self._presentation = replace(info.presentation, field_order=0)  # made frames have no fields
        matrix, colours = colour_of(info.pixel_format, info.matrix, info.range, self._suffix, height)
        self._coding = Encoding(
            pixel_format_for(self._suffix, width, height, None, info.depth),
            matrix,
            colours,
            lossless=self._suffix in (".y4m", ""),
            crf=options.crf,
            threads=options.threads,
        )
        self.pixel_format = self._coding.pixel_format
        """libav's name of the pixel format that is written."""
        check_encoding(output, self._coding, width, height)
        sound = Sound(options.sound)
        self._tracks = self._tracks_of(source, sound)
        self._constant = reader.has_constant_rate()
        self._slots: Slots | None = None
        factor = 2 if options.temporal else 1
        self.rate = info.frame_rate * factor
        require_times(output, self.rate)
        if not self._assign_times:
            if not self._constant:
                self.rate = self._steady(reader, source) * factor
            require_few_repeats(output, reader.intervals()[1], self.rate)
            self._slots = Slots(self.rate)
        for sentence in (left_out(info.presentation, output, sound), range_note(source, info)):
            if sentence:
                log.warning("%s", sentence)

    @property
    def _assign_times(self) -> bool:
        return self._suffix in (".mp4", ".mkv")

    @property
    def part_suffix(self) -> str:
        """Ending of a part: of the files that are joined, mp4 alone keeps exact time stamps."""
        return ".mp4" if self._suffix == ".mkv" else self._suffix

    def frames(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames of the source, at the times at which they are to be shown."""
        return (
            regular(frames, self._info.frame_rate, self._info.time_base) if self._constant else iter(frames)
        )

    def moment(self, begin: Fraction, end: Fraction) -> Moment:
        """How the next picture is shown; to be asked for each in turn."""
        return Moment(begin, end, 1 if self._slots is None else self._slots.take(end))

    def writer(self, part: Path) -> VideoWriter:
        """A writer of one part."""
        coding = self._coding
        return open_writer(
            part,
            width=self._width,
            height=self._height,
            frame_rate=self.rate,
            presentation=replace(self._presentation, metadata={}, chapters=()),
            matrix=coding.matrix,
            range=coding.range,
            crf=coding.crf,
            pixel_format=coding.pixel_format,
            threads=coding.threads,
        )

    def join(self, parts: Sequence[Path], starts: Sequence[Fraction], end: Fraction) -> None:
        """Make the output of its parts; the last picture is shown until ``end`` seconds."""
        concatenate(
            parts,
            self._output,
            tracks=self._tracks,
            presentation=self._presentation,
            frame_rate=self.rate,
            starts=starts if self._assign_times else None,
            end=end if self._assign_times else None,
        )

    def _tracks_of(self, source: Path, sound: Sound) -> TrackSource | None:
        if not (self._assign_times and self._info.presentation.tracks):
            return None
        tracks = TrackSource(source, self._info.start, sound, self._info.end)
        check_tracks(tracks, self._output)
        return tracks

    def _steady(self, reader: VideoReader, source: Path) -> Fraction:
        """A rate for frames that come at varying intervals, where they cannot have times."""
        log.warning("%s", repeats_note(source, self._output))
        return steady_rate(self._info.frame_rate, reader.intervals()[0])

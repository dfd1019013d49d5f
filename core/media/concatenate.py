"""Joining parts of a video without coding anew, so that a long job can be done, and resumed, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from os import PathLike
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.files import publish
from core.media.container import open_container, video_stream
from core.media.muxing import PictureMuxer
from core.media.output import cannot_write, discard_output, open_output, state_aspect
from core.media.presentation import Presentation
from core.media.stating import state
from core.media.tracks import TrackCopy, TrackSource

PART_SUFFIXES = (".mp4", ".y4m")


def concatenate(
    parts: Sequence[Path],
    path: str | PathLike[str],
    *,
    tracks: TrackSource | None = None,
    presentation: Presentation | None = None,
    frame_rate: Fraction | None = None,
    starts: Sequence[Fraction] | None = None,
    end: Fraction | None = None,
) -> None:
    """Join video files of identical coding by copying their packets.

    Part k begins at ``starts[k]`` seconds, or where the part before it ended; the last picture is shown until ``end``,
    or as long as its part says. Parts are mp4 or y4m, whose time stamps are exact (Matroska rounds them to
    milliseconds); mp4 parts make an mp4 or mkv file. The other tracks of ``tracks`` are copied as they are;
    ``presentation`` and ``frame_rate`` are what the file is to say of itself. Raises `MediaError` when there is no
    part, one cannot be read, is damaged or coded differently, or parts overlap.
    """
    path = Path(path)
    if not parts or (starts is not None and len(starts) != len(parts)):
        raise MediaError(f"{path}: {len(parts)} parts to join, with {len(starts or ())} starting times")
    for part in parts:
        if Path(part).suffix.lower() not in PART_SUFFIXES:
            raise MediaError(f"{part} cannot be joined: write parts as {' or '.join(PART_SUFFIXES)}")
    with open_container(Path(parts[0])) as source:
        template = video_stream(source, Path(parts[0]))
        output, temporary = open_output(path, Fraction(template.time_base or 1))
        copy: TrackCopy | None = None
        try:
            joiner = _Joiner(
                output, template, Path(parts[0]), frame_rate or Fraction(template.average_rate or 25)
            )
            copy = TrackCopy(tracks, output, path) if tracks else None
            joiner.join(parts, starts, end, copy, presentation)
            output.close()
            if path.suffix.lower() == ".y4m" and presentation is not None:
                state_aspect(temporary, presentation.sample_aspect_ratio)
            publish(temporary, path)
        except (av.FFmpegError, OSError) as error:
            raise cannot_write(path, error) from error
        finally:
            if copy is not None:
                copy.close()
            discard_output(output, temporary)


class _Joiner:
    """Copies parts into an output whose stream is made after the first part."""

    def __init__(
        self, output: OutputContainer, template: VideoStream, first: Path, frame_rate: Fraction
    ) -> None:
        self._output, self._first = output, first
        self._coding = _coding(template)
        self._unit = Fraction(template.time_base or 1)
        self._stream = output.add_stream_from_template(template)
        self._stream.time_base = template.time_base
        self._stream.codec_context.framerate = frame_rate
        if template.codec_context.name == "hevc":
            self._stream.codec_context.codec_tag = "hvc1"
        self._last_dts: int | None = None
        self._delay = 0

    def join(
        self,
        parts: Sequence[Path],
        starts: Sequence[Fraction] | None,
        end: Fraction | None,
        tracks: TrackCopy | None,
        presentation: Presentation | None,
    ) -> None:
        """Copy all parts, and the other tracks as far as each picture has come."""
        lead = tracks.lead if tracks else Fraction(0)
        if presentation is not None:
            state(self._output, self._stream, presentation, lead)
        muxer = PictureMuxer(self._output, tracks, self._unit)
        last, until = -1, 0
        for number, part in enumerate(parts):
            start = until if starts is None else self._ticks(starts[number] + lead)
            if start <= last:
                raise MediaError(
                    f"{part} would begin at {float(start * self._unit):g} s, before the one ahead of it ends"
                )
            if last >= 0:
                muxer.shown_for(last, start - last)
            times, length = self._times(Path(part))
            shift = start - times[0]
            for time, following in pairwise(times):
                muxer.shown_for(time + shift, following - time)
            last, until = times[-1] + shift, start + length
            if number == len(parts) - 1 and end is not None:
                until = self._ticks(end + lead)
            until = max(until, last + 1)
            muxer.shown_for(last, until - last)
            for packet in self._packets(Path(part), shift):
                muxer.write(packet)
        muxer.finish(until)

    def _ticks(self, time: Fraction) -> int:
        return round(time / self._unit)

    def _times(self, part: Path) -> tuple[list[int], int]:
        """The times of a part's pictures in order of display, and its length, in units of the stream."""
        with open_container(part) as source:
            stream = video_stream(source, part)
            if _coding(stream) != self._coding:
                raise MediaError(f"{part} is coded differently from {self._first}: write all parts alike")
            packets = [
                (packet.pts, packet.duration or 0)
                for packet in source.demux(stream)
                if packet.pts is not None
            ]
            times = sorted(pts for pts, _ in packets if pts is not None)
            if not times:
                raise MediaError(f"{part} holds no picture: write it again")
            return times, stream.duration or times[-1] - times[0] + packets[-1][1]

    def _packets(self, part: Path, shift: int) -> Iterator[av.Packet]:
        """The packets of a part, ``shift`` units later."""
        with open_container(part) as source:
            lag: int | None = None
            for packet in source.demux(video_stream(source, part)):
                if packet.dts is None or packet.pts is None:
                    continue
                if lag is None:
                    # A short part needs less time for reordering; it is decoded as early as the others.
                    delay = packet.pts - packet.dts
                    self._delay = delay if self._last_dts is None else self._delay
                    lag = max(self._delay - delay, 0)
                self._move(packet, shift, lag)
                yield packet

    def _move(self, packet: av.Packet, shift: int, lag: int) -> None:
        """Shift a packet in time; decoding times of neighbouring parts may meet, but must rise."""
        assert packet.pts is not None and packet.dts is not None
        packet.pts, dts = packet.pts + shift, packet.dts + shift - lag
        packet.dts = dts if self._last_dts is None else max(dts, self._last_dts + 1)
        self._last_dts = packet.dts
        packet.stream = self._stream


def _coding(stream: VideoStream) -> tuple[object, ...]:
    """All that must agree for packets of two files to form one stream."""
    context = stream.codec_context
    return context.name, context.width, context.height, context.pix_fmt, context.extradata, stream.time_base

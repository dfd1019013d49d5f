"""Joining parts of a video without coding anew, so that a long job can be done, and resumed, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from os import PathLike
from pathlib import Path

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from core.errors import MediaError
from core.files import publish
from core.media.audio import AudioCopy, decoding_time
from core.media.output import cannot_write, discard_output, open_output
from core.media.reader import open_container, video_stream

PART_SUFFIXES = (".mp4", ".y4m")


def concatenate(
    parts: Sequence[Path],
    path: str | PathLike[str],
    *,
    audio_from: Path | None = None,
    starts: Sequence[Fraction] | None = None,
) -> None:
    """Join video files of identical coding by copying their packets.

    Part k begins at ``starts[k]`` seconds, or where the part before it ended. Parts are mp4 or y4m, whose
    time stamps are exact (Matroska rounds them to milliseconds); mp4 parts make an mp4 or mkv file. The sound
    of ``audio_from`` is copied as it is. Raises `MediaError` when there is no part, one cannot be read, is
    damaged or coded differently, or parts overlap.
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
        try:
            joiner = _Joiner(output, template, Path(parts[0]))
            joiner.join(parts, starts, AudioCopy(audio_from, output, path) if audio_from else None)
            output.close()
            publish(temporary, path)
        except (av.FFmpegError, OSError) as error:
            raise cannot_write(path, error) from error
        finally:
            discard_output(output, temporary)


class _Joiner:
    """Copies parts into an output whose stream is made after the first part."""

    def __init__(self, output: OutputContainer, template: VideoStream, first: Path) -> None:
        self._output, self._first = output, first
        self._coding = _coding(template)
        self._stream = output.add_stream_from_template(template)
        self._stream.time_base = template.time_base
        self._last_dts: int | None = None

    def join(self, parts: Sequence[Path], starts: Sequence[Fraction] | None, audio: AudioCopy | None) -> None:
        """Copy all parts, and the sound as far as each picture has come."""
        end = Fraction(0)
        for number, part in enumerate(parts):
            start = end if starts is None else starts[number]
            if start < end:
                raise MediaError(f"{part} would begin at {float(start):g} s, before the one ahead of it ends")
            for packet in self._packets(Path(part), start):
                end = max(end, ((packet.pts or 0) + (packet.duration or 0)) * Fraction(packet.time_base))
                if audio is not None:
                    audio.advance(decoding_time(packet))
                self._output.mux(packet)
        if audio is not None:
            audio.advance(None)
            audio.close()

    def _packets(self, part: Path, start: Fraction) -> Iterator[av.Packet]:
        """The packets of a part, moved so that its first picture is shown at ``start``."""
        with open_container(part) as source:
            stream = video_stream(source, part)
            if _coding(stream) != self._coding:
                raise MediaError(f"{part} is coded differently from {self._first}: write all parts alike")
            shift: int | None = None
            for packet in source.demux(stream):
                if packet.dts is None or packet.pts is None:
                    continue
                if shift is None:
                    # A part begins with a key frame, which is the first to be shown.
                    shift = round(start / Fraction(packet.time_base)) - packet.pts
                self._move(packet, shift)
                yield packet

    def _move(self, packet: av.Packet, shift: int) -> None:
        """Shift a packet in time; decoding times of neighbouring parts may meet, but must rise."""
        assert packet.pts is not None and packet.dts is not None
        packet.pts, dts = packet.pts + shift, packet.dts + shift
        packet.dts = dts if self._last_dts is None else max(dts, self._last_dts + 1)
        self._last_dts = packet.dts
        packet.stream = self._stream


def _coding(stream: VideoStream) -> tuple[object, ...]:
    """All that must agree for packets of two files to form one stream."""
    context = stream.codec_context
    return context.name, context.width, context.height, context.pix_fmt, context.extradata, stream.time_base

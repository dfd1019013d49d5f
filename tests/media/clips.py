"""Films with all that a source may say of itself, made by PyAV, and what a finished file says, read by PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT = 64, 48
MILLISECOND = Fraction(1, 1000)
DISPLAY = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
HDR = {"colorspace": 9, "color_primaries": 9, "color_trc": 16, "color_range": 1}


@dataclass(frozen=True)
class Film:
    """What to put into a file; times are in milliseconds."""

    times: Sequence[int] = tuple(range(0, 400, 40))
    last: int = 40
    """How long the last picture is shown."""
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"bf": "0"})
    colour: dict[str, int] = field(default_factory=dict)
    aspect: Fraction | None = None
    rate: Fraction = Fraction(25)
    sounds: Sequence[tuple[str, str, str]] = ()
    """Codec, sample format and language of each."""
    sound_start: int = 0
    sound_length: int = 400
    subtitles: Sequence[tuple[int, int, str]] = ()
    """From, for, text."""
    attachments: dict[str, bytes] = field(default_factory=dict)
    chapters: Sequence[tuple[int, int, str]] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    language: str = ""
    title: str = ""


def make(path: Path, film: Film) -> Path:
    """The film in a file, in the format of the suffix."""
    with av.open(str(path), "w", options={"strict": "-1"}) as output:
        output.metadata.update(film.metadata)
        pictures = output.add_stream(film.codec, rate=film.rate)
        context = pictures.codec_context
        context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, film.pixel_format
        context.time_base, context.options = MILLISECOND, film.options
        if film.aspect:
            context.sample_aspect_ratio = film.aspect
        named = {"language": film.language, "title": film.title}
        pictures.metadata.update({name: text for name, text in named.items() if text})
        sounds = [_add_sound(output, *sound) for sound in film.sounds]
        words = output.add_mux_stream("subrip", time_base=MILLISECOND) if film.subtitles else None
        for name, data in film.attachments.items():
            output.add_attachment(name, "application/x-truetype-font", data)
        if film.chapters:
            output.set_chapters(
                [
                    {
                        "id": n,
                        "start": start,
                        "end": end,
                        "time_base": MILLISECOND,
                        "metadata": {"title": title},
                    }
                    for n, (start, end, title) in enumerate(film.chapters, 1)
                ]
            )
        packets = [*_pictures(pictures, film)]
        for sound in sounds:
            packets += _sound(sound, film.sound_start, film.sound_length)
        for start, length, text in film.subtitles:
            packet = av.Packet(text.encode())
            packet.pts = packet.dts = start
            packet.duration, packet.time_base, packet.stream = length, MILLISECOND, words
            packets.append(packet)
        output.start_encoding()
        for packet in sorted(packets, key=lambda one: one.dts * one.time_base):
            output.mux(packet)
    return path


def _add_sound(output: Any, codec: str, sample_format: str, language: str) -> Any:
    sound = output.add_stream(codec, rate=16000)
    sound.codec_context.layout = "mono"
    sound.codec_context.format = sample_format
    sound.codec_context.time_base = Fraction(1, 16000)
    if codec == "wmav2":  # which has no rate of its own
        sound.codec_context.bit_rate = 32_000
    if language:
        sound.metadata["language"] = language
    return sound


def _pictures(stream: Any, film: Film) -> list[av.Packet]:
    packets = []
    for number, time in enumerate(film.times):
        frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
        frame = frame.reformat(format=film.pixel_format)
        for name, value in film.colour.items():
            setattr(stream.codec_context, name, value) if number == 0 else None
            setattr(frame, name, value)
        frame.pts, frame.time_base = time, MILLISECOND
        packets += stream.encode(frame)
    packets += stream.encode(None)
    ends = [*film.times, film.times[-1] + film.last]
    shown = {begin: end - begin for begin, end in pairwise(ends)}
    for packet in packets:
        packet.duration = shown[packet.pts]
    return packets


def picture(number: int) -> np.ndarray:
    """A coloured pattern (48,64,3) that moves, different for each number."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] / 16.0
    waves = [np.sin(x + 0.3 * number), np.cos(y - 0.2 * number), np.sin(x + y + 0.1 * number)]
    return np.rint(127 + 100 * np.stack(waves, -1)).astype(np.uint8)


def _sound(stream: Any, start: int, length: int) -> list[av.Packet]:
    """A tone from ``start`` on."""
    context = stream.codec_context
    packets = []
    count = length * 16
    wave = np.sin(np.arange(count) * 2 * np.pi * 440 / 16000) * 0.4
    for first in range(0, count, 1024):
        piece = wave[None, first : first + 1024]
        scaled, kind = {
            "fltp": (piece, np.float32),
            "s16": (piece * 32767, np.int16),
            "u8": (piece * 127 + 128, np.uint8),
        }[context.format.name]
        codes = scaled.astype(kind)
        frame = av.AudioFrame.from_ndarray(codes, format=context.format.name, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, start * 16 + first, Fraction(1, 16000)
        packets += stream.encode(frame)
    return [*packets, *stream.encode(None)]


@dataclass
class Seen:
    """What a file says of itself, and what is in it."""

    duration: float
    """Seconds, of all of it."""
    times: list[float]
    aspect: Fraction | None
    colour: tuple[int, int, int, int]
    """Matrix, primaries, transfer, range."""
    pixel_format: str
    codec: str
    average_rate: Fraction
    base_rate: Fraction
    side_data: set[str]
    metadata: dict[str, str]
    language: str
    title: str
    chapters: list[tuple[float, float, str]]
    others: list[tuple[str, str, str]]
    """Kind, codec (of attachments the name) and language of the other tracks."""
    sounds: list[tuple[float, float]]
    """From and until when each sound track is heard, to a packet."""
    frames: list[av.VideoFrame]


def look(path: Path) -> Seen:
    """Read a finished file by PyAV alone."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        frames = list(container.decode(stream))
        others, sounds = [], []
        for other in container.streams:
            if other.index == stream.index or (other.type == "data" and container.chapters()):
                continue  # mp4 keeps its chapters in a track of text
            name = other.name if other.codec_context is None else other.codec_context.name
            others.append((other.type, name or "", other.metadata.get("language", "")))
            if other.type == "audio":
                with av.open(str(path)) as again:
                    packets = [p for p in again.demux(again.streams[other.index]) if p.size]
                spans = [(p.pts * p.time_base, (p.pts + p.duration) * p.time_base) for p in packets]
                sounds.append((float(min(a for a, _ in spans)), float(max(b for _, b in spans))))
        return Seen(
            duration=(container.duration or 0) / 1e6,
            times=[round(float(frame.pts * frame.time_base), 4) for frame in frames],
            aspect=stream.sample_aspect_ratio,
            colour=(context.colorspace, context.color_primaries, context.color_trc, context.color_range),
            pixel_format=context.pix_fmt,
            codec=context.name,
            average_rate=stream.average_rate,
            base_rate=stream.base_rate,
            side_data={data.type.name for data in frames[0].side_data},
            metadata={name.lower(): text for name, text in container.metadata.items()},
            language=stream.metadata.get("language", ""),
            title=stream.metadata.get("title", ""),
            chapters=[
                (
                    round(float(one["start"] * one["time_base"]), 3),
                    round(float(one["end"] * one["time_base"]), 3),
                    one["metadata"].get("title", ""),
                )
                for one in container.chapters()
            ],
            others=others,
            sounds=sounds,
            frames=frames,
        )

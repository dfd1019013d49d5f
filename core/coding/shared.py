"""Coding that is shared out among processes: a video in groups of frames, a stream in sections of packets.

Groups begin with intra frames and know nothing of one another, so that whoever codes them, the same bytes come out.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from core.coding.codec import LoadedCodec
from core.coding.encode import Coder, bit_depth, record_packets
from core.coding.frames import Fault, StreamDecoder, StreamFault
from core.coding.groups import PlannedPicture, assign_times, plan_intra
from core.coding.records import FrameRecord
from core.crew import Crew, Seen
from core.errors import CrewError
from core.hooks import DecodedFrame, Packet, Picture, PictureFormat
from core.media.excerpt import Film
from core.media.limits import Limits
from core.stream import Section

MIN_FRAMES = 32
"""Frames of a piece at least, where groups are shorter."""
AHEAD = 4
"""Pieces for each process that are begun before the first of them is used."""


@dataclass(frozen=True)
class Groups:
    """Frames ``first`` to ``stop - 1`` of a film, of which those in ``intra`` are intra frames; the first is."""

    first: int
    stop: int
    intra: tuple[int, ...]
    time_base: Fraction

    def __str__(self) -> str:
        return f"frames {self.first} to {self.stop - 1}"


class EncodingWorker:
    """`core.crew.Worker` that codes groups: packets with their records, in order of decoding."""

    def __init__(self, loaded: LoadedCodec, film: Film, estimate: bool) -> None:
        self._loaded, self._film, self._estimate = loaded, film, estimate
        info = film.index.info
        self._format = PictureFormat(info.width, info.height, bit_depth(info))
        self.hello = loaded.without_codec

    def do(self, piece: Groups, seen: Seen) -> list[tuple[Packet, FrameRecord]]:
        """Code the frames of a piece."""
        frames = assign_times(self._film.frames(piece.first, piece.stop), piece.time_base)
        marked = (
            PlannedPicture(frame.picture, frame.time, number in piece.intra)
            for number, frame in enumerate(frames, piece.first)
        )
        made = []
        for coded in record_packets(marked, self._loaded, self._format, self._estimate):
            made.append(coded)
            seen(1)
        return made


def encoding(crew: Crew, film: Film, seen: Seen) -> Coder:
    """Has a crew of `EncodingWorker` code a film, for `encode_video`. Raises `CrewError` where that is one group."""
    loaded: LoadedCodec = crew.hello
    if loaded.places_intra:
        raise CrewError(
            f"{loaded.name} codes a video in one piece: give codec.closed=true, where it has that, or leave "
            "task.parallel out."
        )
    if not (loaded.group or loaded.scene_cut):
        raise CrewError(
            "codec.gop=0 makes one group of all frames, which one process codes: give codec.gop=N or "
            "codec.scene_cut=true, or leave task.parallel out."
        )

    def code(kept: Sequence[FrameRecord], time_base: Fraction) -> Iterator[tuple[Packet, FrameRecord]]:
        pieces = _groups(_intra(film, loaded, time_base), len(kept), len(film), time_base)
        for _, made in crew.run(pieces, seen, ahead=AHEAD * crew.size):
            yield from made

    return code


def _intra(film: Film, loaded: LoadedCodec, time_base: Fraction) -> Iterator[int]:
    """The numbers of intra frames; the film is looked through for cuts, if they count."""
    if not loaded.scene_cut:
        yield from range(0, len(film), loaded.group)
        return
    frames = plan_intra(assign_times(film.frames(0, len(film)), time_base), loaded.group, scene_cut=True)
    yield from (number for number, frame in enumerate(frames) if frame.intra)


def _groups(intra: Iterable[int], first: int, stop: int, time_base: Fraction) -> Iterator[Groups]:
    """The groups from frame ``first`` on, as many in a piece as `MIN_FRAMES` frames need."""
    held: list[int] = []
    for number in intra:
        if held and number - held[0] >= MIN_FRAMES:
            yield Groups(held[0], number, tuple(held), time_base)
            held = []
        if number >= first:
            held.append(number)
    if held:
        yield Groups(held[0], stop, tuple(held), time_base)


@dataclass(frozen=True)
class Decoded:
    """Result of a section."""

    times: list[int]
    """Times of its frames, in units of the stream."""
    file: Path | None
    """Their pictures one after another, where they were asked for."""
    pictures: bytes | None
    """The same, where whoever decoded them does not see the folder that they are to be in."""
    drifted: int
    fault: tuple[Fault, str] | None
    """The fault after these frames."""


class DecodingWorker:
    """`core.crew.Worker` that decodes sections of a stream.

    Their pictures go into a ``folder`` of a name that no other machine has, if there is one.
    """

    def __init__(self, loaded: LoadedCodec, source: Path, limits: Limits, folder: Path | None) -> None:
        self._stream = StreamDecoder(source, loaded, limits)
        self._folder = folder
        self.hello = loaded.without_codec

    def do(self, piece: Section, seen: Seen) -> Decoded:
        """Decode a section."""
        if self._folder is None:
            return self._decode(piece, None, seen)
        name = f"{piece.first:08d}.raw"
        if self._folder.is_dir():
            return self._decode(piece, self._folder / name, seen)
        with TemporaryDirectory() as folder:
            file = Path(folder) / name
            made = self._decode(piece, file, seen)
            return replace(made, file=None, pictures=file.read_bytes())

    def _decode(self, piece: Section, file: Path | None, seen: Seen) -> Decoded:
        times: list[int] = []
        fault = None
        before = self._stream.drifted
        with file.open("wb") if file else nullcontext() as pictures:
            try:
                for frame in self._stream.frames_of(piece):
                    times.append(frame.time)
                    if pictures:
                        frame.picture.tofile(pictures)
                    seen(1)
            except StreamFault as error:
                fault = error.kind, str(error)
        return Decoded(times, file, None, self._stream.drifted - before, fault)


def decode_frames(
    crew: Crew, seen: Seen, stream: StreamDecoder, start: int, stop: int | None
) -> Iterator[DecodedFrame]:
    """The frames of a stream from number ``start`` on, up to ``stop``, by a crew of `DecodingWorker`.

    What `StreamDecoder.frames` gives; where the crew leaves no pictures, their places hold none.
    """
    sections = (s for s in stream.sections(start, MIN_FRAMES) if stop is None or s.first < stop)
    latest = -1
    for section, made in crew.run(sections, seen, ahead=AHEAD * crew.size):
        if made.times and made.times[0] <= latest:
            raise StreamFault(Fault.DAMAGED, f"{stream.path} is damaged: its frames are not in order.")
        stream.drifted += made.drifted
        number = section.first
        for time, picture in zip(made.times, _pictures(made, stream.header.format), strict=True):
            if number >= start:
                yield DecodedFrame(time, picture)
            number += 1
        latest = made.times[-1] if made.times else latest
        if made.fault:
            raise StreamFault(*made.fault)


def _pictures(made: Decoded, format: PictureFormat) -> Iterator[Picture]:
    """The pictures of a section, whose file is used up."""
    if made.file is None and made.pictures is None:
        yield from (np.zeros((3, 0, 0), np.uint8) for _ in made.times)
        return
    shape = 3, format.height, format.width
    count = math.prod(shape)
    with made.file.open("rb") if made.file else io.BytesIO(made.pictures or b"") as pictures:
        for _ in made.times:
            if format.depth == 8:
                yield np.frombuffer(pictures.read(count), np.uint8).reshape(shape)
            else:
                yield np.frombuffer(pictures.read(2 * count), np.uint16).reshape(shape)
    if made.file:
        made.file.unlink()

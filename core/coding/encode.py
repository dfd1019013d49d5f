"""Codes a video into a stream: frame by frame, in a memory that does not grow with their number, and resumable.

The stream is made in the hidden file ``.<output>.part`` beside the output, with a journal of its frames. A job that
was killed, or that failed, goes on from its last whole intra packet, and leaves the same bytes as one that was not.
Codecs that place intra frames themselves are the exception: their encoders remember what came before, so that only the
whole job again leaves these bytes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from types import TracebackType

from core.coding.codec import LoadedCodec
from core.coding.groups import PlannedPicture, assign_times, encode_groups, plan_intra, to_unit_range
from core.coding.records import FrameRecord, Journal, Sums
from core.errors import MediaError, StreamError
from core.facts import Facts
from core.files import hidden_name, publish
from core.hooks import Packet, PictureFormat
from core.media.claim import claim_output, require_space
from core.media.fingerprint import source_facts
from core.media.output import cannot_write
from core.media.pacing import odd_duration
from core.media.reader import open_video
from core.media.target import left_out, range_note
from core.media.video import VideoInfo, VideoReader
from core.metrics.quality import PSNR_CAP, stored_psnr
from core.progress import Meter
from core.stream import StreamHeader, StreamWriter, limit_presentation

log = logging.getLogger(__name__)

SUFFIX = ".mdv"

Note = Callable[[FrameRecord], None]
Coder = Callable[[Sequence[FrameRecord], Fraction], Iterable[tuple[Packet, FrameRecord]]]
"""Codes the frames of whole groups after those whose records are kept; times count units of so many seconds."""


@dataclass(frozen=True)
class Encoded:
    """Result of an encode."""

    frames: int
    bytes: int
    """Bytes of the file: payload, header and checks."""
    bpp: float
    """Bits of the file for each pixel of the source."""
    psnr: float
    """Mean over frames, of RGB, both pictures rounded to 8 bits, dB."""
    seconds: float
    """Seconds of this run, without those of an interrupted run before it."""
    estimated_bpp: float | None = None
    """Estimate from the information content of the symbols, where it was asked for."""

    @property
    def description(self) -> str:
        """One line for the user."""
        estimated = "" if self.estimated_bpp is None else f" (estimated {self.estimated_bpp:.4f})"
        return (
            f"{self.frames} frames in {self.bytes:,} bytes, {self.bpp:.4f} bpp{estimated}, "
            f"PSNR {self.psnr:.2f} dB, {self.seconds:.1f} s"
        )


def encode(input: str | Path, output: str | Path, codec: LoadedCodec) -> Encoded:
    """Encode a video file, or a folder of pictures, into a stream (.mdv): the form for notebooks.

    Raises `MediaError` when the input cannot be read, or the output exists or cannot be written, `BusyError` when
    another process makes it.
    """
    source, target = Path(input), Path(output)
    with claim_output(source, target, overwrite=False, suffixes=(SUFFIX,)), open_video(source) as reader:
        return encode_video(reader, target, codec, source=source)


def encode_video(
    reader: VideoReader,
    output: Path,
    loaded: LoadedCodec,
    *,
    source: Path,
    estimate: bool = False,
    note: Note | None = None,
    seen: Meter | None = None,
    coder: Coder | None = None,
) -> Encoded:
    """Encode the video of an open reader, whose file is ``source``. The caller has `claimed` the output.

    ``note`` gets the record of every frame in order of decoding, those of an interrupted job first. A ``coder`` codes
    in the place of this process, which then needs no more of the codec than what it tells of itself. Raises
    `MediaError` when the output cannot be written or the input is damaged; what was coded by then stays in hidden
    files beside the output, and the next call goes on from there.
    """
    with _Job(reader, output, loaded, source, estimate) as job:
        kept = list(job.kept_records())
        for record in kept:
            if note:
                note(record)
        if seen:
            seen.skip(job.sums.frames)
        for record in job.run(coder or job.code, kept):
            if note:
                note(record)
            if seen:
                seen.advance(job.words, parts=0 if coder else 1)  # who codes elsewhere tells of it sooner
        return job.finish()


def bit_depth(info: VideoInfo) -> int:
    """Bits of a decoded sample, of a source that has so many."""
    return 8 if info.depth <= 8 else 10


def record_packets(
    pictures: Iterable[PlannedPicture], loaded: LoadedCodec, format: PictureFormat, estimate: bool
) -> Iterator[tuple[Packet, FrameRecord]]:
    """The packets of pictures in order of decoding, each with its record."""
    for frame, source in encode_groups(pictures, loaded.codec, format, estimate):
        packet = frame.packet
        quality = min(stored_psnr(to_unit_range(frame.picture, format.depth), source), PSNR_CAP)
        kind, size = packet.type.name.lower(), len(packet.payload)
        yield packet, FrameRecord(kind, packet.time, size, quality, frame.estimated_bits)


class _Job:
    """One encode: the frames in, the packets out."""

    def __init__(
        self, reader: VideoReader, output: Path, loaded: LoadedCodec, source: Path, estimate: bool
    ) -> None:
        self.sums = Sums()
        self._started = time.perf_counter()
        self._reader, self._loaded = reader, loaded
        self._source, self._output = source, output
        self._estimate = estimate
        self._header = header_of(reader, loaded)
        for sentence in (left_out(reader.info.presentation, output), range_note(source, reader.info)):
            if sentence:
                log.warning("%s", sentence)
        require_space(output, self._header.width * self._header.height * (self._header.frames or 1))
        self._part = hidden_name(output, ".part")
        try:
            self._journal = Journal(hidden_name(output, ".frames"), self._facts())
            self._writer = self._resume() or self._begun()
        except OSError as error:
            raise self._cannot_write(error) from error

    def kept_records(self) -> Iterator[FrameRecord]:
        """The records of the frames that an interrupted job left whole."""
        for record in self._journal:
            self.sums.add(record)
            yield record

    def run(self, coder: Coder, kept: Sequence[FrameRecord]) -> Iterator[FrameRecord]:
        """Have the frames that are left coded, and yield their records."""
        for packet, record in coder(kept, self._header.time_base):
            self._write(packet, record)
            self.sums.add(record)
            yield record

    def code(self, kept: Sequence[FrameRecord], time_base: Fraction) -> Iterator[tuple[Packet, FrameRecord]]:
        """Code the frames that are left in this process."""
        loaded = self._loaded
        frames = plan_intra(assign_times(self._reader, time_base), loaded.group, loaded.scene_cut)
        return record_packets(islice(frames, len(kept), None), loaded, self._header.format, self._estimate)

    def finish(self) -> Encoded:
        """Give the file its name, and say what it holds."""
        if self.sums.frames == 0:
            raise MediaError(f"{self._source} holds no frame.")
        try:
            self._writer.finish()
            publish(self._part, self._output)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._journal.remove()
        size, sums = self._output.stat().st_size, self.sums
        pixels = sums.frames * self._header.width * self._header.height
        return Encoded(
            frames=sums.frames,
            bytes=size,
            bpp=size * 8 / pixels,
            psnr=sums.mean_psnr,
            seconds=time.perf_counter() - self._started,
            estimated_bpp=None if sums.estimated_bits is None else sums.estimated_bits / pixels,
        )

    @property
    def words(self) -> str:
        """The line of progress."""
        pixels = self.sums.frames * self._header.width * self._header.height
        return f"{self.sums.payload * 8 / pixels:.4f} bpp, {self.sums.mean_psnr:.2f} dB"

    def _facts(self) -> Facts:
        """The facts that must agree for frames coded before to be used."""
        loaded = self._loaded
        return {
            **loaded.identity,
            **source_facts(self._source, self._reader),
            "stream.fingerprint": loaded.fingerprint.hex(),
            "stream.arithmetic": loaded.arithmetic,
            "stream.gop": loaded.gop,
            "stream.scene_cut": loaded.scene_cut,
            "stream.estimate": self._estimate,
        }

    def _resume(self) -> StreamWriter | None:
        """The stream of an interrupted job, up to its last intra packet of which a record is left."""
        if not self._part.exists() or self._loaded.places_intra:
            return None
        if changed := self._journal.changes():
            log.info("%s was begun otherwise (%s): beginning anew.", self._output, changed)
            return None
        try:
            writer = StreamWriter.resume(self._part, self._header, self._journal.sound())
        except StreamError:
            return None
        self._journal.keep(writer.packets)
        return writer

    def _begun(self) -> StreamWriter:
        self._journal.begin()
        return StreamWriter.create(self._part, self._header)

    def _write(self, packet: Packet, record: FrameRecord) -> None:
        try:
            self._journal.add(record)
            self._writer.write(packet)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> MediaError:
        told = cannot_write(self._output, error)
        if self._loaded.places_intra:
            return MediaError(f"{told}; {self._loaded.name} codes a video in one piece, so nothing is kept.")
        return MediaError(f"{told}; what was coded is kept, and the same command goes on from there.")

    def __enter__(self) -> _Job:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # on a full disk, what could not be written is tried once more
            self._writer.close()
        if kind is not None and (self.sums.frames == 0 or self._loaded.places_intra):
            self._part.unlink(missing_ok=True)
            self._journal.remove()
        self._journal.close()


def header_of(reader: VideoReader, loaded: LoadedCodec) -> StreamHeader:
    """The header of the stream. A source of constant rate counts frames, others the ticks of their file."""
    info = reader.info
    constant = reader.has_constant_rate()
    last = info.presentation.last_duration
    if constant:
        last = odd_duration(last, info.frame_rate, info.time_base)
    return StreamHeader(
        codec=loaded.name,
        fingerprint=loaded.fingerprint,
        width=info.width,
        height=info.height,
        depth=bit_depth(info),
        frame_rate=info.frame_rate,
        time_base=1 / info.frame_rate if constant else info.time_base,
        frames=info.frame_count,
        pixel_format=info.pixel_format,
        matrix=info.matrix,
        range=info.range,
        gop=loaded.gop,
        arithmetic=loaded.arithmetic,
        presentation=limit_presentation(replace(info.presentation, last_duration=last)),
    )

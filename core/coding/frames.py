"""The frames of a stream, decoded and checked: what decoding, verifying and measuring have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from core.codec.decoded_pictures import checksum
from core.coding.codec import EXACT, LoadedCodec
from core.errors import CheckpointError, CutShortError, StreamError
from core.hooks import DecodedFrame, FrameDecoder, Packet
from core.media.limits import STANDARD, Limits
from core.stream import Section, StreamHeader, StreamReader


class Fault(Enum):
    """The kinds of faults of a stream, in a few words."""

    DAMAGED = "damaged"
    CUT_SHORT = "cut short"
    WRONG_MODEL = "made by another model"
    DESYNC = "decodes to other symbols than were coded"
    OTHER_PICTURE = "decodes to another picture than was coded"


class StreamFault(StreamError):
    """A fault of a known kind."""

    def __init__(self, kind: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class StreamDecoder:
    """An open stream, of a file or a ``pipe``, and the codec that decodes it (a context manager).

    Raises `StreamError` when the file is no stream, or was made by another codec or weights, showing both;
    `MediaError` when its pictures are beyond the ``limits``.
    """

    def __init__(
        self, path: Path, loaded: LoadedCodec, limits: Limits = STANDARD, pipe: BinaryIO | None = None
    ) -> None:
        self.path, self._loaded = path, loaded
        self._reader = StreamReader(path, pipe)
        self._expected: dict[int, int] = {}
        self._shown = -1
        self.drifted = 0
        """Frames so far that differ from the encoder's, which computed by other arithmetic."""
        try:
            self._require_model()
            limits.require_pixels(path, self.header.width * self.header.height)
        except BaseException:
            self._reader.close()
            raise

    @property
    def same_arithmetic(self) -> bool:
        """Whether this machine computes as the encoder did, so that pictures must be equal to the last bit."""
        return self.header.arithmetic == self._loaded.arithmetic

    @property
    def drift(self) -> str:
        """A sentence on the frames that differ; empty where none does."""
        if not self.drifted:
            return ""
        return (
            f"{self.drifted} frames differ slightly from the encoder's, which computed by other arithmetic "
            f"({self.header.arithmetic}; here: {self._loaded.arithmetic}); all symbols are right."
        )

    @property
    def header(self) -> StreamHeader:
        """The stream's header."""
        return self._reader.header

    def sections(self, start: int = 0, least: int | None = None) -> Iterator[Section]:
        """See `StreamReader.sections`; raises `StreamError` where there is no frame ``start``."""
        sections = self._reader.sections(start, least)
        first = next(sections, None)
        if first is None:
            raise StreamError(f"{self.path} has no frame {start} to begin at.")
        return chain([first], sections)

    def frames(self, start: int = 0) -> Iterator[DecodedFrame]:
        """The frames from number ``start`` on, in order of display.

        Decoding begins at the last intra packet that is not after ``start``. Raises `StreamFault` where a packet
        cannot be decoded, after the frames before it.
        """
        section = next(self.sections(start)) if start else Section()
        # Groups are closed: what is shown before an intra frame stands before its packet.
        yield from islice(self.frames_of(section), start - section.first, None)

    def frames_of(self, section: Section) -> Iterator[DecodedFrame]:
        """The frames of a section, checked; errors as for `frames`."""
        decoder = self._loaded.codec.decoder(self.header.format)
        self._expected, self._shown = {}, -1
        try:
            for number, packet in self._packets(section):
                yield from self._check(self._decode(decoder, packet, number))
        except StreamFault:
            yield from self._check(self._flush(decoder))
            raise
        yield from self._check(self._flush(decoder))
        self._require_all_shown()

    def _flush(self, decoder: FrameDecoder) -> Sequence[DecodedFrame]:
        try:
            return decoder.flush()
        except StreamError as error:
            raise StreamFault(Fault.DAMAGED, f"{self.path} is damaged at its end: {error}") from error

    def _packets(self, section: Section) -> Iterator[tuple[int, Packet]]:
        """Numbered packets."""
        try:
            yield from enumerate(self._reader.section(section), section.first)
        except CutShortError as error:
            raise StreamFault(Fault.CUT_SHORT, str(error)) from error
        except StreamError as error:
            raise StreamFault(Fault.DAMAGED, str(error)) from error

    def _decode(self, decoder: FrameDecoder, packet: Packet, number: int) -> Sequence[DecodedFrame]:
        if packet.time in self._expected:
            raise StreamFault(
                Fault.DAMAGED, f"{self.path} is damaged: packet {number} is shown when another is."
            )
        self._expected[packet.time] = packet.picture
        try:
            return decoder.decode(packet)
        except StreamError as error:
            raise StreamFault(Fault.DESYNC, f"{self.path}, packet {number}: {error}{self._doubt}") from error
        except CheckpointError as error:  # a picture of no numbers, which no encoder writes
            raise StreamFault(Fault.OTHER_PICTURE, f"{self.path}, packet {number}: {error}") from error

    @property
    def _doubt(self) -> str:
        """The possible cause of a desync."""
        if self.same_arithmetic:
            return ""
        return (
            f" The stream was made by other arithmetic ({self.header.arithmetic}; here: "
            f"{self._loaded.arithmetic}), and its codec may need the same."
        )

    def _check(self, frames: Iterable[DecodedFrame]) -> Iterator[DecodedFrame]:
        """Compare pictures with those of the encoder; only under its own arithmetic must they be equal."""
        for frame in frames:
            if frame.time <= self._shown:
                raise StreamFault(Fault.DAMAGED, f"{self.path} is damaged: its frames are not in order.")
            self._shown = frame.time
            if checksum(frame.picture) != self._expected.pop(frame.time):
                if self.same_arithmetic:
                    raise StreamFault(
                        Fault.OTHER_PICTURE,
                        f"{self.path}: the frame at time {frame.time} decodes to another picture than was coded, "
                        "by the same arithmetic: the stream or the checkpoint is damaged.",
                    )
                self.drifted += 1
            yield frame

    def _require_all_shown(self) -> None:
        if self._expected:
            raise StreamFault(
                Fault.DAMAGED, f"{self.path} is damaged: frames are missing that others are shown after."
            )

    def _require_model(self) -> None:
        theirs = f"{self.header.codec} {self.header.fingerprint.hex()}"
        ours = f"{self._loaded.name} {self._loaded.fingerprint.hex()}"
        if theirs != ours:
            raise StreamFault(
                Fault.WRONG_MODEL,
                f"{self.path} was made by another model: it names {theirs}, {self._cure(ours)}.",
            )

    def _cure(self, ours: str) -> str:
        """What to give in place of what is here."""
        if self._loaded.name == self.header.codec and self._loaded.parts:
            parts = " and ".join(self._loaded.parts)
            return f"what is chosen here makes {ours}; give {parts}, and its other options, as when it was encoded"
        if self._loaded.name == self.header.codec and self._loaded.arithmetic == EXACT:
            options = "codec.subsampling, codec.matrix, codec.range"
            return f"the options here make {ours}; give those that it was encoded with ({options})"
        intra = self._loaded.intra
        pictures = f", and the picture codec of its intra frames (intra=…, here {intra})" if intra else ""
        return f"the checkpoint is {ours}; give the checkpoint that it was encoded with{pictures}"

    def __enter__(self) -> StreamDecoder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

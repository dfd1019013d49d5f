"""The header of a stream: which model decodes it, and what its pictures are."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from fractions import Fraction

from core.errors import StreamError
from core.hooks import PictureFormat
from core.media.colour import Matrix, Range
from core.media.presentation import Presentation
from core.stream import extension
from core.stream.fields import Source
from core.text import one_line

MAGIC = b"\x8bmdv"
VERSION, EXTENDED_VERSION = 1, 2
"""Versions of a header without and with an extension."""
ENTROPY = "range16"
"""The entropy coder: 16-bit integer tables in a range coder (`core.symbols.coder`)."""
MAX_SIZE = 16384
MAX_PIXELS = 1 << 25
"""Pixels of a picture: a little more than 7680x4320."""

_PREFIX = struct.Struct("<4sBH")
_BODY = struct.Struct("<16sHHBIIIIIIBB")
_CRC = struct.Struct("<I")
_MATRICES = (Matrix.BT601, Matrix.BT709, Matrix.BT2020)
_RANGES = (Range.LIMITED, Range.FULL)
_COUNTED = (1 << 32) - 1
_MAX_TERM = (1 << 31) - 1
"""Limit of a fraction's numbers, as libav has them."""
_MAX_FRAME_RATE = _MAX_INTERVAL = 10**6
"""Frames in a second, and seconds for a frame or a unit of time."""
_MAX_SECONDS = 1 << 31
"""Seconds: 68 years, which in units of any container are less than 2^63."""
_MAX_TEXT_BYTES = 255


@dataclass(frozen=True)
class StreamHeader:
    """The header of a stream. Raises `StreamError` for values that it cannot hold."""

    codec: str
    """Name of the codec that made it."""
    fingerprint: bytes
    """16 bytes over the model's options, weights and tables; it decodes with this model alone."""
    width: int
    height: int
    depth: int
    """Bits of a decoded sample, 8 or 10."""
    frame_rate: Fraction
    """Frames per second of the source, on average."""
    time_base: Fraction
    """Seconds in a unit of the packets' times."""
    frames: int | None
    """The expected number of frames; the end of the stream tells the true number."""
    pixel_format: str
    """Pixel format of the source, in libav's words."""
    matrix: Matrix
    range: Range
    """Range of the source; decoded pictures are RGB."""
    gop: int
    """Distance of intra frames; 0 where only the first is one."""
    arithmetic: str
    """Names what decides the last bits of decoded pictures: where it is equal, they are."""
    entropy: str = ENTROPY
    presentation: Presentation = field(default_factory=Presentation)
    """The presentation of the source; `core.stream.extension.limit_presentation` makes any one fit."""
    unknown: extension.Unknown = ()
    """Facts that a later program wrote, kept as they are."""

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_SIZE and 1 <= self.height <= MAX_SIZE):
            raise StreamError(
                f"a stream's pictures have sides of 1 to {MAX_SIZE}, not {self.width}x{self.height}."
            )
        if self.width * self.height > MAX_PIXELS:
            raise StreamError(
                f"{self.width}x{self.height} pictures are too large for a stream ({MAX_PIXELS} pixels)."
            )
        if self.depth not in (8, 10):
            raise StreamError(f"a stream's samples have 8 or 10 bits, not {self.depth}.")
        if len(self.fingerprint) != 16:
            raise StreamError(f"a model's fingerprint has 16 bytes, not {len(self.fingerprint)}.")
        if not (0 <= self.gop <= _COUNTED and 0 <= (self.frames or 0) <= _COUNTED):
            raise StreamError("a stream's gop and number of frames are below 2^32.")
        for name, value in (("frame rate", self.frame_rate), ("time base", self.time_base)):
            if value <= 0 or max(value.numerator, value.denominator) > _MAX_TERM:
                raise StreamError(f"a stream cannot say a {name} of {value}.")
        if not (
            Fraction(1, _MAX_INTERVAL) <= self.frame_rate <= _MAX_FRAME_RATE
            and self.time_base <= _MAX_INTERVAL
        ):
            raise StreamError(
                f"a stream's frame rate is 1/{_MAX_INTERVAL} to {_MAX_FRAME_RATE}, and its time base at most "
                f"{_MAX_INTERVAL} s, not {self.frame_rate} and {self.time_base}."
            )
        for text in self._texts():
            if not text.isprintable():
                raise StreamError(
                    f"'{one_line(text[:40])}' has characters that do not print, which no header has."
                )
            if len(text.encode()) > _MAX_TEXT_BYTES:
                raise StreamError(f"'{text[:40]}…' is too long for a stream's header.")
        try:
            extension.encode(self.presentation, self.unknown)
        except ValueError as error:
            raise StreamError(f"a stream cannot say how its source is shown ({error}).") from None

    @property
    def format(self) -> PictureFormat:
        """Format of its decoded pictures."""
        return PictureFormat(self.width, self.height, self.depth)

    @property
    def longest_payload(self) -> int:
        """Bytes that no packet exceeds: 16 for each pixel and 64 KiB more."""
        return (1 << 16) + 16 * self.width * self.height

    @property
    def end_of_time(self) -> int:
        """A time in units of the time base that no packet reaches: of 68 years, and at most 2^53."""
        return min(1 << 53, int(_MAX_SECONDS / self.time_base))

    def encode(self) -> bytes:
        """The header as it stands in a file."""
        body = _BODY.pack(
            self.fingerprint,
            self.width,
            self.height,
            self.depth,
            self.frame_rate.numerator,
            self.frame_rate.denominator,
            self.time_base.numerator,
            self.time_base.denominator,
            self.frames or 0,
            self.gop,
            _MATRICES.index(self.matrix),
            _RANGES.index(self.range),
        )
        for text in self._texts():
            body += bytes([len(text.encode())]) + text.encode()
        extended = extension.encode(self.presentation, self.unknown)
        version = EXTENDED_VERSION if extended else VERSION
        data = _PREFIX.pack(MAGIC, version, len(body + extended)) + body + extended
        return data + _CRC.pack(zlib.crc32(data))

    @classmethod
    def read(cls, source: Source) -> tuple[StreamHeader, int]:
        """The header at the beginning of a file, and its CRC-32; raises `StreamError` for anything else."""
        if source.size < _PREFIX.size:
            raise StreamError(f"{source.path} is no stream: it is too short.")
        prefix = source.read(_PREFIX.size, "the header")
        magic, version, length = _PREFIX.unpack(prefix)
        if magic != MAGIC:
            raise StreamError(f"{source.path} is no stream (.mdv): it begins with other bytes.")
        if version not in (VERSION, EXTENDED_VERSION):
            raise StreamError(
                f"{source.path} is a stream of version {version}; this mindvideo reads versions {VERSION} and "
                f"{EXTENDED_VERSION}: install a newer one."
            )
        body = source.read(length, "the header")
        (crc,) = _CRC.unpack(source.read(_CRC.size, "the header"))
        if zlib.crc32(prefix + body) != crc:
            raise StreamError(f"{source.path} is damaged: its header does not match its checksum.")
        try:
            header = cls._from_body(body, version)
            # The checksums of packets rest on these very bytes, which a reader must be able to make again.
            if header.encode() != prefix + body + _CRC.pack(crc):
                raise ValueError("it is in no proper form")
        except (struct.error, ValueError, IndexError, ZeroDivisionError) as error:
            raise StreamError(f"{source.path} is damaged: its header makes no sense ({error}).") from None
        return header, crc

    @classmethod
    def _from_body(cls, body: bytes, version: int) -> StreamHeader:
        fingerprint, width, height, depth, *numbers, matrix, range_ = _BODY.unpack_from(body)
        rate, per, unit, units, frames, gop = numbers
        (codec, pixel_format, entropy, arithmetic), extended = _split(body[_BODY.size :])
        if entropy != ENTROPY:
            raise ValueError(f"entropy coder '{entropy}' is not known")
        if extended and version == VERSION:
            raise ValueError("there is more than it says")
        presentation, unknown = extension.decode(extended)
        return cls(
            codec=codec,
            fingerprint=fingerprint,
            width=width,
            height=height,
            depth=depth,
            frame_rate=_fraction(rate, per),
            time_base=_fraction(unit, units),
            frames=frames or None,
            pixel_format=pixel_format,
            matrix=_MATRICES[matrix],
            range=_RANGES[range_],
            gop=gop,
            arithmetic=arithmetic,
            entropy=entropy,
            presentation=presentation,
            unknown=unknown,
        )

    def _texts(self) -> tuple[str, str, str, str]:
        return self.codec, self.pixel_format, self.entropy, self.arithmetic


def _fraction(numerator: int, denominator: int) -> Fraction:
    """The fraction of these very numbers: a header that was read keeps its bytes, on which the checksums of packets
    rest."""
    value = Fraction(numerator, denominator)
    if value.numerator != numerator:
        raise ValueError(f"{numerator}/{denominator} is not in lowest terms")
    return value


def _split(data: bytes) -> tuple[list[str], bytes]:
    """Four texts, each after its length in bytes, and what follows them."""
    texts = []
    for _ in range(4):
        length, data = data[0], data[1:]
        if length > len(data):
            raise ValueError("a text is cut short")
        texts.append(data[:length].decode())
        data = data[length:]
    return texts, data

"""Two codecs that can be checked by hand: coarse levels packed by zlib, as differences to reference pictures.

`Levels` predicts from the frame before. `Pairs` reorders: of two frames it codes the later first, then the one
between from both sides.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.coding.codec import LoadedCodec
from core.coding.encode import encode_video
from core.coding.records import FrameRecord
from core.errors import StreamError
from core.hooks import (
    Array,
    Codec,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    Packet,
    PacketType,
    Picture,
    PictureFormat,
)
from core.media.reader import open_video
from core.stream import StreamReader

STEP = 8
INTRA, FORWARD, AHEAD, BETWEEN = range(4)
"""How a packet is predicted: not; from the last picture; likewise but shown after the next; from both sides."""

Codes = np.ndarray


class Levels:
    """A codec of every ``step``-th level. ``error`` spoils one sample of each picture, as other arithmetic would."""

    reorders = False

    def __init__(self, step: int = STEP, error: int = 0) -> None:
        self.step, self.error = step, error
        self.encoders = 0
        self.frames: list[int] = []
        """The times of the frames that encoders were given."""

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        self.encoders += 1
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        return _Decoder(self, format)

    def codes(self, frame: Array, format: PictureFormat) -> Codes:
        peak = (1 << format.depth) - 1
        return np.rint(np.clip(frame, 0, 1) * peak / self.step).astype(np.int32)

    def picture(self, codes: Codes, format: PictureFormat) -> Picture:
        wide = np.uint8 if format.depth == 8 else np.uint16
        picture = np.minimum(codes * self.step, (1 << format.depth) - 1).astype(wide)
        picture[0, 0, 0] ^= self.error
        return picture


class Pairs(Levels):
    """The same with pairs of frames in another order."""

    reorders = True


def load(
    codec: Codec | None = None, gop: int = 12, scene_cut: bool = False, arithmetic: str = "toy", mark: int = 7
) -> LoadedCodec:
    return LoadedCodec("toy", codec or Levels(), bytes([mark]) * 16, gop, scene_cut, arithmetic)


class _Encoder:
    def __init__(self, codec: Levels, format: PictureFormat, estimate: bool) -> None:
        self._codec, self._format, self._estimate = codec, format, estimate
        self._last: Codes | None = None
        self._held: tuple[Codes, int] | None = None

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        self._codec.frames.append(time)
        codes = self._codec.codes(frame, self._format)
        if intra or self._last is None:
            before = self.flush()
            return [*before, self._coded(INTRA, codes, time)]
        if not self._codec.reorders:
            return [self._coded(FORWARD, codes, time)]
        if self._held is None:
            self._held = codes, time
            return []
        (middle, when), self._held = self._held, None
        last = self._last
        ahead = self._coded(AHEAD, codes, time)
        return [ahead, self._between(middle, when, last, codes)]

    def flush(self) -> Sequence[CodedFrame]:
        if self._held is None:
            return []
        (codes, time), self._held = self._held, None
        return [self._coded(FORWARD, codes, time)]

    def _coded(self, kind: int, codes: Codes, time: int) -> CodedFrame:
        reference = 0 if kind == INTRA else self._last
        self._last = codes
        return self._packed(kind, codes, reference, time)

    def _between(self, codes: Codes, time: int, before: Codes, after: Codes) -> CodedFrame:
        return self._packed(BETWEEN, codes, (before + after) // 2, time)

    def _packed(self, kind: int, codes: Codes, reference: Codes | int | None, time: int) -> CodedFrame:
        symbols = np.asarray(codes - reference, "<i4")
        payload = bytes([kind]) + zlib.compress(symbols.astype("<i2").tobytes())
        picture = self._codec.picture(codes, self._format)
        packet = Packet(
            type=PacketType.INTRA if kind == INTRA else PacketType.INTER,
            time=time,
            payload=payload,
            symbols=zlib.crc32(symbols.tobytes()),
            picture=zlib.crc32(picture.tobytes()),
        )
        return CodedFrame(packet, picture, len(payload) * 7.5 if self._estimate else None)


class _Decoder:
    def __init__(self, codec: Levels, format: PictureFormat) -> None:
        self._codec, self._format = codec, format
        self._last: Codes | None = None
        self._held: tuple[Codes, int] | None = None
        self._before: Codes | None = None

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        kind = packet.payload[0]
        reference = self._reference(kind)
        shape = (3, self._format.height, self._format.width)
        symbols = np.frombuffer(zlib.decompress(packet.payload[1:]), "<i2").astype("<i4").reshape(shape)
        if zlib.crc32(symbols.tobytes()) != packet.symbols:
            raise StreamError("the symbols differ from those that were coded")
        codes = symbols + reference
        if kind == AHEAD:
            self._before, self._last, self._held = self._last, codes, (codes, packet.time)
            return []
        if kind == BETWEEN:
            return [self._shown(codes, packet.time), *self.flush()]
        self._last = codes
        return [self._shown(codes, packet.time)]

    def flush(self) -> Sequence[DecodedFrame]:
        held, self._held = self._held, None
        return [] if held is None else [self._shown(*held)]

    def _reference(self, kind: int) -> Codes | int:
        if kind == INTRA:
            return 0
        if self._last is None:
            raise StreamError("an inter packet came before any intra packet")
        return (self._before + self._last) // 2 if kind == BETWEEN else self._last

    def _shown(self, codes: Codes, time: int) -> DecodedFrame:
        return DecodedFrame(time, self._codec.picture(codes, self._format))


def packets_of(path: Path) -> list[Packet]:
    with StreamReader(path) as reader:
        return list(reader)


def records_of(
    source: Path, output: Path, codec: Levels | None = None, **options: object
) -> list[FrameRecord]:
    records: list[FrameRecord] = []
    with open_video(source) as reader:
        encode_video(reader, output, load(codec), source=source, note=records.append, **options)  # type: ignore[arg-type]
    return records

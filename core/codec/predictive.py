"""Codecs whose frames are coded one after another: by themselves, or under what was decoded before."""

from __future__ import annotations

import zlib
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from mindspore import Tensor, nn

from core.codec.decoded_pictures import DecodedPictures, checksum
from core.codec.frame_code import FrameCode, IntraPictures, Made
from core.codec.network import NetworkCodec
from core.codec.packets import PacketReader, PacketWriter
from core.errors import StreamError
from core.hooks import (
    Array,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    IntraCodec,
    Packet,
    PacketType,
    Picture,
    PictureFormat,
    Tables,
)

_NOTHING = zlib.crc32(b"")


class PictureCodec(NetworkCodec):
    """`core.hooks.Codec` of a network that codes every frame by itself: two mirrored methods."""

    chunk = 1
    intra: IntraCodec | None = None

    @abstractmethod
    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        """Write what `decode_intra` needs of a frame, 1,3,height,width in [0,1]; returns what that will give."""

    @abstractmethod
    def decode_intra(self, packet: PacketReader) -> Made:
        """The frame of a packet: what `encode_intra` returned for it."""

    def state_of(self, picture: Tensor) -> Any:
        """What the next frame is coded under after a decoded picture, 1,3,height,width; None: it is an intra frame."""
        return None

    def suited_to(self, crf: float) -> PictureCodec:
        """The codec for another's intra pictures at this constant rate factor: at the quality that its options say,
        unless a class chooses one."""
        return self

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


class PredictiveCodec(PictureCodec):
    """`core.hooks.Codec` of a network that codes frames under what was decoded before: two mirrored methods.

    Where nothing else is said, frames refer to the decoded picture before them, rounded as it is shown; a codec whose
    network keeps something else from frame to frame returns that behind the picture, and says by `state_of` what it
    makes of an intra picture. With a ``chunk`` of T, packets hold T frames at a time, T,3,height,width, of which the
    last ones of a group repeat the frame before them; the first packet of a chunk holds all of it, the others nothing.

    Intra frames are another codec's pictures where ``intra`` is given; else the network's own, by `encode_intra` and
    `decode_intra`, which by default code them as all others, under a picture of the constant ``first_reference``.

    Symbols are known to be right when all of a packet are read: before, `decode` computes with what it got.
    """

    first_reference = 0.0

    def __init__(
        self, config: Any, network: nn.Cell, tables: Tables, intra: IntraCodec | None = None
    ) -> None:
        super().__init__(config, network, tables)
        self.intra = intra

    @abstractmethod
    def encode(self, frame: Tensor, reference: Any, packet: PacketWriter) -> Made:
        """Write what `decode` needs of a frame, 1,3,height,width in [0,1]; returns what that will give."""

    @abstractmethod
    def decode(self, packet: PacketReader, reference: Any) -> Made:
        """The frame of a packet: what `encode` returned for it."""

    def encode_intra(self, frame: Tensor, packet: PacketWriter) -> Made:
        """The same for a frame by itself."""
        return self.encode(frame, self._first(*frame.shape[2:]), packet)

    def decode_intra(self, packet: PacketReader) -> Made:
        """The frame of an intra packet."""
        return self.decode(packet, self._first(packet.height, packet.width))

    def state_of(self, picture: Tensor) -> Any:
        """What the next frame is coded under after a decoded picture, 1,3,height,width: by default the picture."""
        return picture

    def _first(self, height: int, width: int) -> Any:
        return self.state_of(Tensor(np.full((1, 3, height, width), self.first_reference, np.float32)))


class _Endpoint:
    """What the next frame is coded under, and the size that the network sees."""

    def __init__(self, codec: PictureCodec, format: PictureFormat) -> None:
        self._codec = codec
        self._pictures = DecodedPictures(format, codec.multiple)
        self._others = IntraPictures(codec.intra, format) if codec.intra else None
        self._state: Any = None

    def _show(self, made: Made, count: int = 1) -> list[Picture]:
        """The decoded pictures of ``count`` frames; the next one is coded under the last, or a state of its own."""
        outputs, state = made if isinstance(made, tuple) else (made, None)
        pictures = [self._pictures.samples(output) for output in outputs.asnumpy()[:count]]
        if state is None:
            state = self._codec.state_of(Tensor(self._pictures.reference(pictures[-1])[None]))
        self._state = state
        return pictures


class _Encoder(_Endpoint):
    """`core.hooks.FrameEncoder`: every frame leaves at once, or when its chunk is full."""

    def __init__(self, codec: PictureCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(codec, format)
        self._estimate = estimate
        self._held: list[Array] = []
        self._times: list[int] = []

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """The frames that are coded by now; the first is intra in any case.

        Raises `MediaError` for a frame of another size, `CheckpointError` when the network computes no numbers.
        """
        padded = self._pictures.padded(frame)
        if intra or self._state is None:
            return [*self.flush(), *self._to_frames(PacketType.INTRA, self._intra(padded), [time])]
        self._held, self._times = [*self._held, padded], [*self._times, time]  # a copied encoder has its own
        return self.flush() if len(self._held) == self._codec.chunk else []

    def flush(self) -> Sequence[CodedFrame]:
        """Code the frames that were held back, of a chunk that is not full."""
        if not self._held:
            return []
        frames = np.stack(self._held + [self._held[-1]] * (self._codec.chunk - len(self._held)))
        times, self._held, self._times = self._times, [], []
        packet = self._codec.writer(self._estimate)
        assert isinstance(self._codec, PredictiveCodec)
        made = self._codec.encode(Tensor(frames), self._state, packet)
        return self._to_frames(PacketType.INTER, packet.finish(made), times)

    def _intra(self, frame: Array) -> FrameCode:
        if self._others is not None:
            return self._others.encode(frame, float(self._codec.config.crf), self._estimate)
        packet = self._codec.writer(self._estimate)
        return packet.finish(self._codec.encode_intra(Tensor(frame[None]), packet))

    def _to_frames(self, kind: PacketType, coded: FrameCode, times: Sequence[int]) -> list[CodedFrame]:
        """The frames of a packet, which the first of them holds."""
        pictures = self._show(coded.output, len(times))
        held = [(coded.payload, coded.symbols, coded.bits)]
        held += [(b"", _NOTHING, None if coded.bits is None else 0.0)] * (len(times) - 1)
        return [
            CodedFrame(Packet(kind, time, payload, symbols, checksum(picture)), picture, bits)
            for time, picture, (payload, symbols, bits) in zip(times, pictures, held, strict=True)
        ]


class _Decoder(_Endpoint):
    """`core.hooks.FrameDecoder`: every packet shows its frame. After damage it waits for an intra packet."""

    def __init__(self, codec: PictureCodec, format: PictureFormat) -> None:
        super().__init__(codec, format)
        self._left: list[Picture] = []
        """Frames of a chunk whose packets have not come."""

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        """The packet's frame; raises `StreamError` when it is damaged or lacks what it is coded under."""
        state, self._state = self._state, None
        left, self._left = self._left, []
        if packet.type is PacketType.INTRA:
            pictures = self._show(self._intra(packet))
        elif state is None:
            raise StreamError(
                "An inter packet follows no decoded frame that it could refer to: begin at an intra packet."
            )
        elif left:
            pictures, self._state = self._of_a_chunk(packet, left), state
        else:
            pictures = self._show(self._inter(packet, state), self._codec.chunk)
        shown, *self._left = pictures
        return [DecodedFrame(packet.time, shown)]

    def flush(self) -> Sequence[DecodedFrame]:
        """Nothing is held back whose packet is there."""
        return []

    def _intra(self, packet: Packet) -> Made:
        if self._others is not None:
            return self._others.decode(packet)
        reader = self._reader(packet)
        made = self._codec.decode_intra(reader)
        reader.finish(packet.symbols)
        return made

    def _inter(self, packet: Packet, state: Any) -> Made:
        reader = self._reader(packet)
        assert isinstance(self._codec, PredictiveCodec)
        made = self._codec.decode(reader, state)
        reader.finish(packet.symbols)
        return made

    def _reader(self, packet: Packet) -> PacketReader:
        return self._codec.reader(packet.payload, self._pictures.height, self._pictures.width)

    def _of_a_chunk(self, packet: Packet, left: list[Picture]) -> list[Picture]:
        """The frames that are left of a chunk, for a packet of its second frame or a later one."""
        if packet.payload or packet.symbols != _NOTHING:
            raise StreamError(
                "A packet is damaged: its frame is part of a packet before it, but it holds more."
            )
        return left

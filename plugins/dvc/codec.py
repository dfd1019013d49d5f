"""DVC's way to packets and back: intra packets hold another codec's pictures, inter packets motion and residual."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from mindspore import Tensor

from core.entropy.coder import SymbolDecoder, SymbolEncoder
from core.errors import StreamError
from core.hooks import (
    Array,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    Packet,
    PacketType,
    Picture,
    PictureFormat,
    Tables,
)
from core.media.decoded import DecodedPictures, checksum
from core.media.intra import decode_intra, encode_intra

from . import stages
from .cells import MULTIPLE, Dvc
from .latents import LatentCoder
from .plugin import DvcCodecConfig
from .stages import Symbols

_LATENT = 16
"""How many times smaller the latents of motion and residual are."""


class DvcCodec:
    """`core.hooks.Codec` of a trained `Dvc`.

    Its stages are compiled once for each size that frames are padded to, for all encoders and decoders together.
    """

    def __init__(self, config: DvcCodecConfig, network: Dvc, tables: Tables) -> None:
        network.set_train(False)
        self.config = config
        self.coder = LatentCoder(tables)
        self.analyse_motion = stages.MotionAnalysis(network)
        self.synthesise_motion = stages.MotionSynthesis(network)
        self.analyse_residual = stages.ResidualAnalysis(network)
        self.synthesise_residual = stages.ResidualSynthesis(network)
        self.information = stages.Information(network)

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


class _Side:
    """What encoder and decoder have in common: the picture that the next frame refers to."""

    def __init__(self, codec: DvcCodec, format: PictureFormat) -> None:
        self._codec = codec
        self._format = format
        self._pictures = DecodedPictures(format, MULTIPLE)
        self._reference: Tensor | None = None

    def _show(self, output: Array) -> Picture:
        """The decoded picture, which becomes the reference."""
        picture = self._pictures.samples(output)
        self._reference = Tensor(self._pictures.reference(picture)[None])
        return picture


class _Encoder(_Side):
    """`core.hooks.FrameEncoder`: every frame leaves at once."""

    def __init__(self, codec: DvcCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(codec, format)
        self._estimate = estimate

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """The frame's packet; the first frame's is intra in any case.

        Raises `MediaError` for a frame of another size, `CheckpointError` when the network computes no numbers.
        """
        padded = self._pictures.padded(frame)
        if intra or self._reference is None:
            return [self._intra(frame, time)]
        return [self._inter(Tensor(padded[None]), time, self._reference)]

    def flush(self) -> Sequence[CodedFrame]:
        """Nothing is held back."""
        return []

    def _intra(self, frame: Array, time: int) -> CodedFrame:
        config = self._codec.config
        payload = encode_intra(config.intra, frame, self._format, config.crf)
        picture = self._show(decode_intra(payload, self._format))
        packet = Packet(PacketType.INTRA, time, payload, zlib.crc32(payload), checksum(picture))
        return CodedFrame(packet, picture, 8.0 * len(payload) if self._estimate else None)

    def _inter(self, frame: Tensor, time: int, reference: Tensor) -> CodedFrame:
        symbols, output = self._symbols(frame, reference)
        encoder = SymbolEncoder()
        self._codec.coder.encode(symbols, encoder)
        picture = self._show(output.asnumpy()[0])
        packet = Packet(PacketType.INTER, time, encoder.finish(), encoder.symbols_hash, checksum(picture))
        bits = float(self._codec.information(*symbols)) if self._estimate else None
        return CodedFrame(packet, picture, bits)

    def _symbols(self, frame: Tensor, reference: Tensor) -> tuple[Symbols, Tensor]:
        """What is coded of a frame, and what the decoder makes of it."""
        motion = self._codec.analyse_motion(frame, reference)
        prediction = self._codec.synthesise_motion(motion, reference)
        z, y = self._codec.analyse_residual(frame, prediction)
        return (motion, z, y), self._codec.synthesise_residual(y, prediction)


class _Decoder(_Side):
    """`core.hooks.FrameDecoder`: every frame is shown at once. After damage it waits for an intra packet."""

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        """The packet's frame; raises `StreamError` when it is damaged or lacks its reference."""
        reference, self._reference = self._reference, None
        if packet.type is PacketType.INTRA:
            output = self._intra(packet)
        elif reference is not None:
            output = self._inter(packet, reference)
        else:
            raise StreamError(
                "An inter packet follows no decoded frame that it could refer to: begin at an intra packet."
            )
        return [DecodedFrame(packet.time, self._show(output))]

    def flush(self) -> Sequence[DecodedFrame]:
        """Nothing is held back."""
        return []

    def _intra(self, packet: Packet) -> Array:
        if zlib.crc32(packet.payload) != packet.symbols:
            raise StreamError("An intra packet holds other bytes than were coded: it is damaged.")
        return decode_intra(packet.payload, self._format)

    def _inter(self, packet: Packet, reference: Tensor) -> Array:
        decoder = SymbolDecoder(packet.payload)
        sides = self._pictures.height // _LATENT, self._pictures.width // _LATENT
        motion, _, y = self._codec.coder.decode(decoder, *sides)
        decoder.finish(packet.symbols)
        prediction = self._codec.synthesise_motion(motion, reference)
        return self._codec.synthesise_residual(y, prediction).asnumpy()[0]

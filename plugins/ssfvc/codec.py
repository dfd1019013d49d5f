"""SSFVC's way to packets and back: an intra packet holds one latent, an inter packet motion and residual."""

from __future__ import annotations

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

from . import stages
from .cells import MULTIPLE, ScaleSpaceFlow
from .latents import IMAGE, LATENTS, MOTION, RESIDUAL, LatentCoder
from .stages import Symbols


class SsfvcCodec:
    """`core.hooks.Codec` of a trained `ScaleSpaceFlow`.

    Its stages are compiled once for each size that frames are padded to, for all encoders and decoders together.
    """

    def __init__(self, network: ScaleSpaceFlow, tables: Tables) -> None:
        network.set_train(False)
        self.coders = {name: LatentCoder(tables, name) for name in LATENTS}
        self.information = {name: stages.Information(getattr(network, name)) for name in LATENTS}
        self.analyse_image = stages.ImageAnalysis(network)
        self.synthesise_image = stages.ImageSynthesis(network)
        self.analyse_motion = stages.MotionAnalysis(network)
        self.synthesise_motion = stages.MotionSynthesis(network)
        self.analyse_residual = stages.ResidualAnalysis(network)
        self.synthesise_residual = stages.ResidualSynthesis(network)

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


class _Side:
    """What encoder and decoder have in common: the picture that the next frame refers to."""

    def __init__(self, codec: SsfvcCodec, format: PictureFormat) -> None:
        self._codec = codec
        self._pictures = DecodedPictures(format, MULTIPLE)
        self._reference: Tensor | None = None

    def _show(self, output: Tensor) -> Picture:
        """The decoded picture, which becomes the reference."""
        picture = self._pictures.samples(output.asnumpy()[0])
        self._reference = Tensor(self._pictures.reference(picture)[None])
        return picture


class _Encoder(_Side):
    """`core.hooks.FrameEncoder`: every frame leaves at once."""

    def __init__(self, codec: SsfvcCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(codec, format)
        self._estimate = estimate

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """The frame's packet; the first frame's is intra in any case.

        Raises `MediaError` for a frame of another size, `CheckpointError` when the network computes no numbers.
        """
        padded = Tensor(self._pictures.padded(frame)[None])
        if intra or self._reference is None:
            kind, (latents, output) = PacketType.INTRA, self._intra(padded)
        else:
            kind, (latents, output) = PacketType.INTER, self._inter(padded, self._reference)
        encoder = SymbolEncoder()
        for name, symbols in latents.items():
            self._codec.coders[name].encode(symbols, encoder)
        picture = self._show(output)
        packet = Packet(kind, time, encoder.finish(), encoder.symbols_hash, checksum(picture))
        return [CodedFrame(packet, picture, self._estimated_bits(latents) if self._estimate else None)]

    def flush(self) -> Sequence[CodedFrame]:
        """Nothing is held back."""
        return []

    def _intra(self, frame: Tensor) -> tuple[dict[str, Symbols], Tensor]:
        symbols = self._codec.analyse_image(frame)
        return {IMAGE: symbols}, self._codec.synthesise_image(*symbols)

    def _inter(self, frame: Tensor, reference: Tensor) -> tuple[dict[str, Symbols], Tensor]:
        motion = self._codec.analyse_motion(frame, reference)
        prediction, motion_latent = self._codec.synthesise_motion(*motion, reference)
        residual = self._codec.analyse_residual(frame, prediction)
        output = self._codec.synthesise_residual(*residual, prediction, motion_latent)
        return {MOTION: motion, RESIDUAL: residual}, output

    def _estimated_bits(self, latents: dict[str, Symbols]) -> float:
        return sum(float(self._codec.information[name](*symbols)) for name, symbols in latents.items())


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

    def _intra(self, packet: Packet) -> Tensor:
        (symbols,) = self._symbols(packet, IMAGE)
        return self._codec.synthesise_image(*symbols)

    def _inter(self, packet: Packet, reference: Tensor) -> Tensor:
        motion, residual = self._symbols(packet, MOTION, RESIDUAL)
        prediction, motion_latent = self._codec.synthesise_motion(*motion, reference)
        return self._codec.synthesise_residual(*residual, prediction, motion_latent)

    def _symbols(self, packet: Packet, *names: str) -> list[Symbols]:
        decoder = SymbolDecoder(packet.payload)
        sides = self._pictures.height // MULTIPLE, self._pictures.width // MULTIPLE
        symbols = [self._codec.coders[name].decode(decoder, *sides) for name in names]
        decoder.finish(packet.symbols)
        return symbols

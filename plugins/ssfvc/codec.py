"""SSFVC's way to packets and back: an intra packet holds one latent, an inter packet motion and residual."""

from __future__ import annotations

from mindspore import Tensor

from core.codec.coded import Coded
from core.codec.unidirectional import UnidirectionalDecoder, UnidirectionalEncoder
from core.hooks import Array, FrameDecoder, FrameEncoder, Packet, PictureFormat, Tables
from core.symbols.coder import SymbolDecoder, SymbolEncoder

from . import stages
from .cells import MULTIPLE, ScaleSpaceFlow
from .config import SsfvcCodecConfig
from .latents import IMAGE, LATENTS, MOTION, RESIDUAL, LatentCoder
from .stages import Symbols


class SsfvcCodec:
    """`core.hooks.Codec` of a trained `ScaleSpaceFlow`.

    Its stages are compiled once for each size that frames are padded to, for all encoders and decoders together.
    """

    def __init__(self, config: SsfvcCodecConfig, network: ScaleSpaceFlow, tables: Tables) -> None:
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


class _Encoder(UnidirectionalEncoder):
    def __init__(self, codec: SsfvcCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(format, MULTIPLE)
        self._codec = codec
        self._estimate = estimate

    def _intra(self, frame: Array) -> Coded:
        symbols = self._codec.analyse_image(Tensor(frame[None]))
        return self._coded({IMAGE: symbols}, self._codec.synthesise_image(*symbols))

    def _inter(self, frame: Tensor, reference: Tensor) -> Coded:
        motion = self._codec.analyse_motion(frame, reference)
        prediction, motion_latent = self._codec.synthesise_motion(*motion, reference)
        residual = self._codec.analyse_residual(frame, prediction)
        output = self._codec.synthesise_residual(*residual, prediction, motion_latent)
        return self._coded({MOTION: motion, RESIDUAL: residual}, output)

    def _coded(self, latents: dict[str, Symbols], output: Tensor) -> Coded:
        encoder = SymbolEncoder()
        for name, symbols in latents.items():
            self._codec.coders[name].encode(symbols, encoder)
        bits = self._estimated_bits(latents) if self._estimate else None
        return Coded(encoder.finish(), encoder.symbols_hash, output.asnumpy()[0], bits)

    def _estimated_bits(self, latents: dict[str, Symbols]) -> float:
        return sum(float(self._codec.information[name](*symbols)) for name, symbols in latents.items())


class _Decoder(UnidirectionalDecoder):
    def __init__(self, codec: SsfvcCodec, format: PictureFormat) -> None:
        super().__init__(format, MULTIPLE)
        self._codec = codec

    def _intra(self, packet: Packet) -> Array:
        (symbols,) = self._symbols(packet, IMAGE)
        return self._codec.synthesise_image(*symbols).asnumpy()[0]

    def _inter(self, packet: Packet, reference: Tensor) -> Array:
        motion, residual = self._symbols(packet, MOTION, RESIDUAL)
        prediction, motion_latent = self._codec.synthesise_motion(*motion, reference)
        return self._codec.synthesise_residual(*residual, prediction, motion_latent).asnumpy()[0]

    def _symbols(self, packet: Packet, *names: str) -> list[Symbols]:
        decoder = SymbolDecoder(packet.payload)
        sides = self.pictures.height // MULTIPLE, self.pictures.width // MULTIPLE
        symbols = [self._codec.coders[name].decode(decoder, *sides) for name in names]
        decoder.finish(packet.symbols)
        return symbols

"""DVC's way to packets and back: intra packets hold another codec's pictures, inter packets motion and residual."""

from __future__ import annotations

from mindspore import Tensor

from core.codec.coded import Coded
from core.codec.unidirectional import InterDecoder, InterEncoder
from core.hooks import Array, FrameDecoder, FrameEncoder, IntraCodec, Packet, PictureFormat, Tables
from core.symbols.coder import SymbolDecoder, SymbolEncoder

from . import stages
from .cells import MULTIPLE, Dvc
from .config import DvcCodecConfig
from .latents import LatentCoder

_LATENT = 16
"""How many times smaller the latents of motion and residual are."""


class DvcCodec:
    """`core.hooks.Codec` of a trained `Dvc`.

    Its stages are compiled once for each size that frames are padded to, for all encoders and decoders together.
    """

    def __init__(self, config: DvcCodecConfig, network: Dvc, tables: Tables, intra: IntraCodec) -> None:
        network.set_train(False)
        self.crf = config.crf
        self.intra = intra
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


class _Encoder(InterEncoder):
    def __init__(self, codec: DvcCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(format, MULTIPLE, codec.intra, codec.crf, estimate)
        self._codec = codec

    def _inter(self, frame: Tensor, reference: Tensor) -> Coded:
        codec = self._codec
        motion = codec.analyse_motion(frame, reference)
        prediction = codec.synthesise_motion(motion, reference)
        z, y = codec.analyse_residual(frame, prediction)
        output = codec.synthesise_residual(y, prediction).asnumpy()[0]
        encoder = SymbolEncoder()
        codec.coder.encode((motion, z, y), encoder)
        bits = float(codec.information(motion, z, y)) if self._estimate else None
        return Coded(encoder.finish(), encoder.symbols_hash, output, bits)


class _Decoder(InterDecoder):
    def __init__(self, codec: DvcCodec, format: PictureFormat) -> None:
        super().__init__(format, MULTIPLE, codec.intra)
        self._codec = codec

    def _inter(self, packet: Packet, reference: Tensor) -> Array:
        decoder = SymbolDecoder(packet.payload)
        sides = self.pictures.height // _LATENT, self.pictures.width // _LATENT
        motion, _, y = self._codec.coder.decode(decoder, *sides)
        decoder.finish(packet.symbols)
        prediction = self._codec.synthesise_motion(motion, reference)
        return self._codec.synthesise_residual(y, prediction).asnumpy()[0]

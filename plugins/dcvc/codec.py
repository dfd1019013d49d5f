"""DCVC's way to packets and back: intra packets hold another codec's pictures, inter packets motion and content."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from mindspore import Tensor

from core.codec.coded import Coded
from core.codec.unidirectional import InterDecoder, InterEncoder
from core.errors import StreamError
from core.hooks import Array, FrameDecoder, FrameEncoder, IntraCodec, Packet, PictureFormat, Tables
from core.nn.strips import InStrips
from core.symbols.autoregressive import Coded as CodedLatent
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import tables_from_pmfs

from . import stages
from .cells import MULTIPLE, Dcvc
from .config import DcvcCodecConfig, Quantize
from .latents import CONTENT, MOTION, ExactSide, LatentCoder

_CONVENTIONS = tuple(Quantize)
"""By the symbol that an inter packet begins with."""
_CONVENTION_TABLE = tables_from_pmfs([np.full(len(_CONVENTIONS), 1 / len(_CONVENTIONS))], [0], [0])
_FIRST = np.zeros(1, np.uint8)
Side = Callable[..., Tensor]
"""Symbols of a hyper-latent, and the temporal prior if any, to all that is known of the latent."""
_LATENT = 16
"""How many times smaller the latents of motion and content are."""
_HALO = 3
"""Rows of a latent beyond which no part of the network that is computed in strips can see: 48 pixels."""


class DcvcCodec:
    """`core.hooks.Codec` of a trained `Dcvc`.

    Its stages are compiled once for each size that frames are padded to, for all encoders and decoders together.
    """

    def __init__(self, config: DcvcCodecConfig, network: Dcvc, tables: Tables, intra: IntraCodec) -> None:
        network.set_train(False)
        self.config = config
        self.intra = intra
        self.motion = LatentCoder(network, MOTION, tables)
        self.content = LatentCoder(network, CONTENT, tables)
        self._flow = stages.CoarseFlow(network)
        self._analyse_motion = InStrips(stages.MotionAnalysis(network), _HALO, unit=_LATENT)
        self._motion_hyper = stages.HyperAnalysis(network.motion.prior)
        self.motion_side: Side = stages.MotionSide(network)
        self._features = InStrips(stages.Features(network), _HALO)
        self._displace = stages.Displacement(network)
        self._context = InStrips(stages.Context(network), _HALO, unit=_LATENT)
        self._analyse_content = InStrips(stages.ContentAnalysis(network), _HALO, unit=_LATENT)
        self._content_hyper = stages.HyperAnalysis(network.contextual.prior)
        self.content_side: Side = stages.ContentSide(network)
        if network.config.portable:
            self.motion_side, self.content_side = ExactSide(tables, MOTION), ExactSide(tables, CONTENT)
        self._synthesise_content = InStrips(stages.ContentSynthesis(network), _HALO)
        self.motion_information = stages.Information(network.motion.prior)
        self.content_information = stages.Information(network.contextual.prior)

    def analyse_motion(self, frame: Tensor, reference: Tensor) -> tuple[Tensor, Tensor]:
        """A frame and its reference to the motion's latent, 1,C,H/16,W/16, and its hyper-latent's symbols."""
        flow, warped = self._flow(frame, reference)
        (motion,) = self._analyse_motion(frame, warped, flow)
        return motion, self._motion_hyper(motion)

    def context(self, motion: Tensor, reference: Tensor) -> tuple[Tensor, ...]:
        """The motion's decoded latent and the reference to the context, 1,F,H,W, and the temporal prior if any."""
        return self._context(self._displace(*self._features(motion, reference)))

    def analyse_content(self, frame: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """A frame and its context to the content's latent, 1,latent,H/16,W/16, and its hyper-latent's symbols."""
        (content,) = self._analyse_content(frame, context)
        return content, self._content_hyper(content)

    def synthesise_content(self, content: Tensor, context: Tensor) -> Tensor:
        """The content's decoded latent and its context to the frame, 1,3,H,W, not clamped."""
        return self._synthesise_content(content, context)[0]

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


class _Encoder(InterEncoder):
    def __init__(self, codec: DcvcCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(format, MULTIPLE, codec.intra, codec.config.crf, estimate)
        self._codec = codec

    def _inter(self, frame: Tensor, reference: Tensor) -> Coded:
        codec, encoder = self._codec, SymbolEncoder()
        begin(encoder, codec.config.quantize)
        whole = codec.config.quantize is Quantize.forward

        motion, motion_z = codec.analyse_motion(frame, reference)
        codec.motion.encode_hyper(motion_z, encoder)
        coded_motion = codec.motion.encode(motion, codec.motion_side(motion_z), encoder, whole)

        context, *temporal = codec.context(Tensor(coded_motion.values[None]), reference)
        content, z = codec.analyse_content(frame, context)
        codec.content.encode_hyper(z, encoder)
        coded_content = codec.content.encode(content, codec.content_side(z, *temporal), encoder, whole)
        output = codec.synthesise_content(Tensor(coded_content.values[None]), context).asnumpy()[0]
        bits = None
        if self._estimate:
            bits = _information(codec.motion_information, motion_z, motion, coded_motion)
            bits += _information(codec.content_information, z, content, coded_content)
        return Coded(encoder.finish(), encoder.symbols_hash, output, bits)


def begin(encoder: SymbolEncoder, quantize: Quantize) -> None:
    """What an inter packet begins with: how its latents are quantised."""
    encoder.encode(np.array([_CONVENTIONS.index(quantize)]), _CONVENTION_TABLE, _FIRST)


def _information(of: stages.Information, z: Tensor, latent: Tensor, coded: CodedLatent) -> float:
    """Bits of a latent and its hyper-latent as both conventions of the published code estimate them."""
    deviation = np.rint(latent.asnumpy()[0] - coded.means)
    return float(of(z, Tensor(deviation[None]), Tensor(coded.scales[None])))


class _Decoder(InterDecoder):
    def __init__(self, codec: DcvcCodec, format: PictureFormat) -> None:
        super().__init__(format, MULTIPLE, codec.intra)
        self._codec = codec

    def _inter(self, packet: Packet, reference: Tensor) -> Array:
        codec, decoder = self._codec, SymbolDecoder(packet.payload)
        whole = _convention(decoder) is Quantize.forward
        sides = self.pictures.height // MULTIPLE, self.pictures.width // MULTIPLE

        motion_z = codec.motion.decode_hyper(decoder, *sides)
        motion = codec.motion.decode(codec.motion_side(motion_z), decoder, whole)

        context, *temporal = codec.context(motion, reference)
        z = codec.content.decode_hyper(decoder, *sides)
        content = codec.content.decode(codec.content_side(z, *temporal), decoder, whole)
        decoder.finish(packet.symbols)
        return codec.synthesise_content(content, context).asnumpy()[0]


def _convention(decoder: SymbolDecoder) -> Quantize:
    number = int(decoder.decode(_CONVENTION_TABLE, _FIRST)[0])
    if not 0 <= number < len(_CONVENTIONS):
        raise StreamError(
            "An inter packet is damaged: it says of no known kind how its latents are quantised."
        )
    return _CONVENTIONS[number]

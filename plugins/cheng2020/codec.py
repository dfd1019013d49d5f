"""cheng2020-anchor's way to packets and back: a packet holds z, then y, in one range-coded payload."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor

from core.codec.decoded import DecodedPictures, checksum
from core.hooks import (
    Array,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    Packet,
    PacketType,
    PictureFormat,
    Tables,
)
from core.symbols.coder import SymbolDecoder, SymbolEncoder

from . import stages
from .cells import MULTIPLE, Cheng2020
from .config import Cheng2020CodecConfig
from .latents import LatentCoder


class PictureCoder:
    """Pictures to bytes and back by a trained network; its stages are compiled once for each padded size."""

    def __init__(self, network: Cheng2020, tables: Tables) -> None:
        network.set_train(False)
        self._latents = LatentCoder(network, tables)
        self._analyse = stages.Analysis(network)
        self._side = stages.Side(network)
        self._synthesise = stages.Synthesis(network)
        self._information = stages.Information(network)

    def encode(self, padded: Array, encoder: SymbolEncoder) -> tuple[Array, float]:
        """Add a picture (3,height,width); returns its decoded latent, 1,C,h,w, and its information in bits."""
        y, z_symbols = self._analyse(Tensor(padded[None]))
        self._latents.encode_hyper(z_symbols, encoder)
        coded = self._latents.encode(y, self._side(z_symbols), encoder)
        deviation = np.rint(y.asnumpy()[0] - coded.means)
        bits = self._information(z_symbols, Tensor(deviation[None]), Tensor(coded.scales[None]))
        return coded.values[None], float(bits)

    def decode(self, decoder: SymbolDecoder, height: int, width: int) -> Array:
        """The next picture's latent, of a picture of these sides; raises `StreamError` on damage."""
        z_symbols = self._latents.decode_hyper(decoder, height // MULTIPLE, width // MULTIPLE)
        return self._latents.decode(self._side(z_symbols), decoder).asnumpy()

    def picture(self, latent: Array) -> Array:
        """The picture (3,height,width), of any range."""
        return self._synthesise(Tensor(latent)).asnumpy()[0]


class Cheng2020Codec:
    """`core.hooks.Codec` of a trained `Cheng2020`: every frame is an intra frame."""

    def __init__(self, config: Cheng2020CodecConfig, network: Cheng2020, tables: Tables) -> None:
        self.coder = PictureCoder(network, tables)

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self.coder, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder."""
        return _Decoder(self.coder, format)


class _Encoder:
    def __init__(self, coder: PictureCoder, format: PictureFormat, estimate: bool) -> None:
        self._coder, self._estimate = coder, estimate
        self._pictures = DecodedPictures(format, MULTIPLE)

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        encoder = SymbolEncoder()
        latent, bits = self._coder.encode(self._pictures.padded(frame), encoder)
        picture = self._pictures.samples(self._coder.picture(latent))
        payload = encoder.finish()
        packet = Packet(PacketType.INTRA, time, payload, encoder.symbols_hash, checksum(picture))
        return [CodedFrame(packet, picture, bits if self._estimate else None)]

    def flush(self) -> Sequence[CodedFrame]:
        return []


class _Decoder:
    def __init__(self, coder: PictureCoder, format: PictureFormat) -> None:
        self._coder = coder
        self._pictures = DecodedPictures(format, MULTIPLE)

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        decoder = SymbolDecoder(packet.payload)
        latent = self._coder.decode(decoder, self._pictures.height, self._pictures.width)
        decoder.finish(packet.symbols)
        return [DecodedFrame(packet.time, self._pictures.samples(self._coder.picture(latent)))]

    def flush(self) -> Sequence[DecodedFrame]:
        return []

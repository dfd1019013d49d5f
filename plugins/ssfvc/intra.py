"""SSFVC's way to code a frame by itself, offered for the intra frames of other codecs."""

from __future__ import annotations

from pathlib import Path

from mindspore import Tensor

from core.codec.decoded import DecodedPictures
from core.errors import StreamError
from core.hooks import Array, PictureFormat
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.training.checkpoint import MODEL, Checkpoint, assign

from .cells import MULTIPLE, ScaleSpaceFlow
from .codec import SsfvcCodec
from .config import SsfvcCodecConfig, SsfvcConfig, SsfvcIntraConfig
from .latents import IMAGE

_HASH_BYTES = 4


class SsfvcIntra:
    """`core.hooks.IntraCodec`: the image autoencoder of a trained `ScaleSpaceFlow`. Its quality is the network's.

    A payload is the CRC-32 of the symbols, big-endian, then what the range coder made of them. Raises
    `CheckpointError` for a checkpoint of another model, or without tables.
    """

    def __init__(self, config: SsfvcIntraConfig) -> None:
        checkpoint = Checkpoint.open(Path(config.checkpoint))
        self.fingerprint = checkpoint.fingerprint
        network = ScaleSpaceFlow(checkpoint.options("ssfvc", SsfvcConfig))
        assign(network, checkpoint.part(MODEL), checkpoint.path)
        self._codec = SsfvcCodec(SsfvcCodecConfig(), network, checkpoint.tables)

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """Code a picture (3,H,W) in [0,1]."""
        padded = DecodedPictures(format, MULTIPLE).padded(frame)
        encoder = SymbolEncoder()
        self._codec.coders[IMAGE].encode(self._codec.analyse_image(Tensor(padded[None])), encoder)
        coded = encoder.finish()
        return encoder.symbols_hash.to_bytes(_HASH_BYTES, "big") + coded

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W), near [0,1]; raises `StreamError` where the payload is damaged."""
        if len(payload) <= _HASH_BYTES:
            raise StreamError("An intra packet is damaged: it holds no picture.")
        pictures = DecodedPictures(format, MULTIPLE)
        decoder = SymbolDecoder(payload[_HASH_BYTES:])
        sides = pictures.height // MULTIPLE, pictures.width // MULTIPLE
        symbols = self._codec.coders[IMAGE].decode(decoder, *sides)
        decoder.finish(int.from_bytes(payload[:_HASH_BYTES], "big"))
        output = self._codec.synthesise_image(*symbols).asnumpy()[0]
        return output[:, : format.height, : format.width]

"""cheng2020-anchor as the picture codec of other codecs' intra frames."""

from __future__ import annotations

from pathlib import Path

from core.codec.decoded import DecodedPictures
from core.errors import StreamError
from core.hooks import Array, PictureFormat
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.training.checkpoint import MODEL, Checkpoint, assign

from .cells import MULTIPLE, Cheng2020
from .codec import PictureCoder
from .config import Cheng2020Config, Cheng2020IntraConfig

_HASH_BYTES = 4


class Cheng2020Intra:
    """`core.hooks.IntraCodec` of a trained `Cheng2020`. Its quality is the network's.

    A payload is the CRC-32 of the symbols, big-endian, then what the range coder made of them. Raises
    `CheckpointError` for a checkpoint of another model, or without tables.
    """

    def __init__(self, config: Cheng2020IntraConfig) -> None:
        checkpoint = Checkpoint.open(Path(config.checkpoint))
        self.fingerprint = checkpoint.fingerprint
        network = Cheng2020(checkpoint.options("cheng2020", Cheng2020Config))
        assign(network, checkpoint.part(MODEL), checkpoint.path)
        self._coder = PictureCoder(network, checkpoint.tables)

    def encode(self, frame: Array, format: PictureFormat, crf: float) -> bytes:
        """Code a picture (3,H,W) in [0,1]."""
        encoder = SymbolEncoder()
        self._coder.encode(DecodedPictures(format, MULTIPLE).padded(frame), encoder)
        coded = encoder.finish()
        return encoder.symbols_hash.to_bytes(_HASH_BYTES, "big") + coded

    def decode(self, payload: bytes, format: PictureFormat) -> Array:
        """The picture (3,H,W), near [0,1]; raises `StreamError` where the payload is damaged."""
        if len(payload) <= _HASH_BYTES:
            raise StreamError("An intra packet is damaged: it holds no picture.")
        pictures, decoder = DecodedPictures(format, MULTIPLE), SymbolDecoder(payload[_HASH_BYTES:])
        latent = self._coder.decode(decoder, pictures.height, pictures.width)
        decoder.finish(int.from_bytes(payload[:_HASH_BYTES], "big"))
        return self._coder.picture(latent)[:, : format.height, : format.width]

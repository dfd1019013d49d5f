"""The codec: frames are held back until the next anchor is there, and shown again in their order.

An intra packet holds another codec's picture. An inter packet holds, in one range-coded payload, motion and residual;
before them an anchor's says how many frames it lies after the last one, from which the decoder knows the order of
those that follow (`order.turns`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mindspore import Tensor

from core.codec.coded import IntraPictures
from core.codec.decoded import DecodedPictures, checksum
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
from core.symbols.coder import SymbolDecoder, SymbolEncoder

from . import stages
from .cells import LATENT, MULTIPLE, Hierarchy
from .config import HierarchyCodecConfig
from .latents import LatentCoder
from .order import turns


class HierarchyCodec:
    """`core.hooks.Codec` of a trained `Hierarchy`.

    Its stages are compiled once for each size that frames are padded to, for all encoders and decoders together.
    """

    def __init__(
        self, config: HierarchyCodecConfig, network: Hierarchy, tables: Tables, intra: IntraCodec
    ) -> None:
        network.set_train(False)
        self.config = config
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


class _Side:
    """What encoder and decoder have in common: the anchor that the next frames refer to."""

    def __init__(self, codec: HierarchyCodec, format: PictureFormat) -> None:
        self.codec = codec
        self.pictures = DecodedPictures(format, MULTIPLE)
        self.intra = IntraPictures(codec.intra, format)
        self.anchor: Tensor | None = None

    def show(self, output: Array) -> tuple[Picture, Tensor]:
        """The decoded picture of what the network computed, and what later frames refer to."""
        picture = self.pictures.samples(output)
        return picture, Tensor(self.pictures.reference(picture)[None])


@dataclass(frozen=True)
class _Held:
    """A frame that waits for its turn."""

    frame: Array
    time: int


class _Encoder(_Side):
    def __init__(self, codec: HierarchyCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(codec, format)
        self._estimate = estimate
        self._held: list[_Held] = []

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        padded = self.pictures.padded(frame)
        if intra or self.anchor is None:
            return [*self.flush(), self._intra(padded, time)]
        self._held.append(_Held(padded, time))
        return self.flush() if len(self._held) == self.codec.config.distance else []

    def flush(self) -> Sequence[CodedFrame]:
        held, self._held = self._held, []
        return list(self._group(held)) if held else []

    def _intra(self, padded: Array, time: int) -> CodedFrame:
        coded = self.intra.encode(padded, self.codec.config.crf, self._estimate)
        picture, self.anchor = self.show(coded.output)
        packet = Packet(PacketType.INTRA, time, coded.payload, coded.symbols, checksum(picture))
        return CodedFrame(packet, picture, coded.bits)

    def _group(self, held: Sequence[_Held]) -> Iterator[CodedFrame]:
        """The frames after the anchor, of which the last becomes the next one."""
        assert self.anchor is not None
        references = {0: self.anchor}
        for turn in turns(len(held)):
            encoder = SymbolEncoder()
            if turn.place == len(held):
                self.codec.coder.encode_distance(turn.place, encoder)
            before, after = references[turn.before], references[turn.after]
            coded, references[turn.place] = self._inter(held[turn.place - 1], before, after, encoder)
            yield coded
        self.anchor = references[len(held)]

    def _inter(
        self, held: _Held, before: Tensor, after: Tensor, encoder: SymbolEncoder
    ) -> tuple[CodedFrame, Tensor]:
        codec, frame = self.codec, Tensor(held.frame[None])
        motion = codec.analyse_motion(frame, before, after)
        prediction = codec.synthesise_motion(motion, before, after)
        residual = codec.analyse_residual(frame, prediction)
        output = codec.synthesise_residual(residual, prediction).asnumpy()[0]
        codec.coder.encode(motion, residual, encoder)
        picture, reference = self.show(output)
        payload = encoder.finish()
        packet = Packet(PacketType.INTER, held.time, payload, encoder.symbols_hash, checksum(picture))
        # Without the four bits of an anchor's distance.
        bits = float(codec.information(motion, residual)) if self._estimate else None
        return CodedFrame(packet, picture, bits), reference


class _Group:
    """The frames after an anchor, as far as they were decoded; place 0 is the anchor, shown before."""

    def __init__(self, distance: int, anchor: Tensor) -> None:
        self.distance = distance
        self.left = list(turns(distance))
        """Whose turn it is, and after that."""
        self.references = {0: anchor}
        self._waiting: dict[int, DecodedFrame] = {}
        self._shown = 0

    def add(self, frame: DecodedFrame, reference: Tensor) -> Iterator[DecodedFrame]:
        """Take the frame whose turn it was; gives those that can be shown by now."""
        place = self.left.pop(0).place
        self._waiting[place], self.references[place] = frame, reference
        while self._shown + 1 in self._waiting:
            self._shown += 1
            yield self._waiting.pop(self._shown)


class _Decoder(_Side):
    """After damage it waits for an intra packet. What it holds back lies behind frames that are missing still."""

    def __init__(self, codec: HierarchyCodec, format: PictureFormat) -> None:
        super().__init__(codec, format)
        self._group: _Group | None = None

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        anchor, self.anchor = self.anchor, None
        group, self._group = self._group, None
        if packet.type is PacketType.INTRA:
            if group is not None:
                raise StreamError("An intra packet stands where frames before it are missing.")
            return [self._intra(packet)]
        if group is None and anchor is None:
            raise StreamError(
                "An inter packet follows no decoded frame that it could refer to: begin at an intra packet."
            )
        return self._inter(packet, group, anchor)

    def flush(self) -> Sequence[DecodedFrame]:
        return []

    def _intra(self, packet: Packet) -> DecodedFrame:
        picture, self.anchor = self.show(self.intra.decode(packet))
        return DecodedFrame(packet.time, picture)

    def _inter(self, packet: Packet, group: _Group | None, anchor: Tensor | None) -> list[DecodedFrame]:
        codec, decoder = self.codec, SymbolDecoder(packet.payload)
        if group is None:
            assert anchor is not None
            group = _Group(codec.coder.decode_distance(decoder), anchor)
        sides = self.pictures.height // LATENT, self.pictures.width // LATENT
        motion, residual = codec.coder.decode(decoder, *sides)
        decoder.finish(packet.symbols)
        turn = group.left[0]
        before, after = group.references[turn.before], group.references[turn.after]
        prediction = codec.synthesise_motion(motion, before, after)
        picture, reference = self.show(codec.synthesise_residual(residual, prediction).asnumpy()[0])
        shown = list(group.add(DecodedFrame(packet.time, picture), reference))
        if group.left:
            self._group = group
        else:
            self.anchor = group.references[group.distance]
        return shown

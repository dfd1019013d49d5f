"""The codec: frames are held back until the next key frame is there, and shown again in their order.

An intra packet holds another codec's picture. An inter packet holds, in one range-coded payload, motion and residual;
before them a key frame's says how many frames it lies after the last one, from which the decoder knows the order of
those that follow (`gop_order.turns`). A frame has two references, and leaves out of order: that is why encoder and
decoder are the codec's own, in place of those of `core.codec.predictive`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mindspore import Tensor

from core.codec import (
    DecodedPictures,
    FrameCode,
    IntraPictures,
    Latents,
    NetworkCodec,
    PacketReader,
    PacketWriter,
    checksum,
    stage,
)
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
from core.nn import Stage

from .cells import LATENT, MULTIPLE, Hierarchy
from .config import HierarchyCodecConfig
from .gop_order import MAX_DISTANCE, turns

_DISTANCES = range(1, MAX_DISTANCE + 1)
"""From one key frame to the next, in frames."""


class MotionAnalysis(Stage):
    """A frame and its neighbours, 1,3,H,W, to the motion's symbols, 1,C,H/8,W/8."""

    def construct(self, frame: Tensor, before: Tensor, after: Tensor) -> Tensor:
        return self.network.motion.symbols(self.network.flows(frame, before, after))


class MotionSynthesis(Stage):
    """The motion's symbols and the neighbours to the prediction, 1,3,H,W."""

    def construct(self, motion: Tensor, before: Tensor, after: Tensor) -> Tensor:
        return self.network.blend(self.network.motion.restore(motion), before, after)


class ResidualAnalysis(Stage):
    """A frame and its prediction to the residual's symbols."""

    def construct(self, frame: Tensor, prediction: Tensor) -> Tensor:
        return self.network.residual.symbols(frame - prediction)


class ResidualSynthesis(Stage):
    """The residual's symbols and the prediction to the frame."""

    def construct(self, residual: Tensor, prediction: Tensor) -> Tensor:
        return prediction + self.network.residual.restore(residual)


class HierarchyCodec(NetworkCodec):
    """`core.hooks.Codec` of a trained `Hierarchy`."""

    multiple = MULTIPLE

    motion_analysis = stage(MotionAnalysis)
    motion_synthesis = stage(MotionSynthesis)
    residual_analysis = stage(ResidualAnalysis)
    residual_synthesis = stage(ResidualSynthesis)

    def __init__(
        self, config: HierarchyCodecConfig, network: Hierarchy, tables: Tables, intra: IntraCodec
    ) -> None:
        super().__init__(config, network, tables)
        self.intra = intra

    @staticmethod
    def latents(network: Hierarchy) -> Latents:
        """Motion and residual."""
        return {
            "motion.prior": (network.motion.prior, LATENT),
            "residual.prior": (network.residual.prior, LATENT),
        }

    def encode(self, frame: Tensor, before: Tensor, after: Tensor, packet: PacketWriter) -> Tensor:
        """Write a frame under its neighbours; returns what `decode` gives."""
        motion = packet.write("motion.prior", self.motion_analysis(frame, before, after))
        prediction = self.motion_synthesis(motion, before, after)
        residual = packet.write("residual.prior", self.residual_analysis(frame, prediction))
        return self.residual_synthesis(residual, prediction)

    def decode(self, packet: PacketReader, before: Tensor, after: Tensor) -> Tensor:
        """The frame of a packet."""
        prediction = self.motion_synthesis(packet.read("motion.prior"), before, after)
        return self.residual_synthesis(packet.read("residual.prior"), prediction)

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


class _Endpoint:
    """What encoder and decoder have in common: the key frame that the next frames refer to."""

    def __init__(self, codec: HierarchyCodec, format: PictureFormat) -> None:
        self.codec = codec
        self.pictures = DecodedPictures(format, MULTIPLE)
        self.intra = IntraPictures(codec.intra, format)
        self.key_frame: Tensor | None = None

    def show(self, output: Tensor) -> tuple[Picture, Tensor]:
        """The decoded picture of what the network computed, and what later frames refer to."""
        picture = self.pictures.samples(output.asnumpy()[0])
        return picture, Tensor(self.pictures.reference(picture)[None])


@dataclass(frozen=True)
class _Held:
    """A frame that waits for its turn."""

    frame: Array
    time: int


class _Encoder(_Endpoint):
    def __init__(self, codec: HierarchyCodec, format: PictureFormat, estimate: bool) -> None:
        super().__init__(codec, format)
        self._estimate = estimate
        self._held: list[_Held] = []

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        padded = self.pictures.padded(frame)
        if intra or self.key_frame is None:
            return [*self.flush(), self._intra(padded, time)]
        self._held.append(_Held(padded, time))
        return self.flush() if len(self._held) == self.codec.config.distance else []

    def flush(self) -> Sequence[CodedFrame]:
        held, self._held = self._held, []
        return list(self._group(held)) if held else []

    def _intra(self, padded: Array, time: int) -> CodedFrame:
        coded = self.intra.encode(padded, self.codec.config.crf, self._estimate)
        frame, self.key_frame = self._leaving(PacketType.INTRA, coded, time)
        return frame

    def _group(self, held: Sequence[_Held]) -> Iterator[CodedFrame]:
        """The frames after the key frame, of which the last becomes the next one."""
        assert self.key_frame is not None
        references = {0: self.key_frame}
        for turn in turns(len(held)):
            packet = self.codec.writer(self._estimate)
            if turn.place == len(held):
                packet.write_number(turn.place, _DISTANCES)
            item, before, after = held[turn.place - 1], references[turn.before], references[turn.after]
            made = self.codec.encode(Tensor(item.frame[None]), before, after, packet)
            frame, references[turn.place] = self._leaving(PacketType.INTER, packet.finish(made), item.time)
            yield frame
        self.key_frame = references[len(held)]

    def _leaving(self, kind: PacketType, coded: FrameCode, time: int) -> tuple[CodedFrame, Tensor]:
        picture, reference = self.show(coded.output)
        packet = Packet(kind, time, coded.payload, coded.symbols, checksum(picture))
        return CodedFrame(packet, picture, coded.bits), reference


class _Group:
    """The frames after a key frame, as far as they were decoded; place 0 is the key frame, shown before."""

    def __init__(self, distance: int, key: Tensor) -> None:
        self.distance = distance
        self.left = list(turns(distance))
        """Whose turn it is, and after that."""
        self.references = {0: key}
        self._waiting: dict[int, DecodedFrame] = {}
        self._shown = 0

    def add(self, frame: DecodedFrame, reference: Tensor) -> Iterator[DecodedFrame]:
        """Take the frame whose turn it was; gives those that can be shown by now."""
        place = self.left.pop(0).place
        self._waiting[place], self.references[place] = frame, reference
        while self._shown + 1 in self._waiting:
            self._shown += 1
            yield self._waiting.pop(self._shown)


class _Decoder(_Endpoint):
    """After damage it waits for an intra packet. What it holds back lies behind frames that are missing still."""

    def __init__(self, codec: HierarchyCodec, format: PictureFormat) -> None:
        super().__init__(codec, format)
        self._group: _Group | None = None

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        key, self.key_frame = self.key_frame, None
        group, self._group = self._group, None
        if packet.type is PacketType.INTRA:
            if group is not None:
                raise StreamError("An intra packet stands where frames before it are missing.")
            return [self._intra(packet)]
        if group is None and key is None:
            raise StreamError(
                "An inter packet follows no decoded frame that it could refer to: begin at an intra packet."
            )
        return self._inter(packet, group, key)

    def flush(self) -> Sequence[DecodedFrame]:
        return []

    def _intra(self, packet: Packet) -> DecodedFrame:
        picture, self.key_frame = self.show(self.intra.decode(packet))
        return DecodedFrame(packet.time, picture)

    def _inter(self, packet: Packet, group: _Group | None, key: Tensor | None) -> list[DecodedFrame]:
        reader = self.codec.reader(packet.payload, self.pictures.height, self.pictures.width)
        if group is None:
            assert key is not None
            group = _Group(reader.read_number(_DISTANCES), key)
        turn = group.left[0]
        made = self.codec.decode(reader, group.references[turn.before], group.references[turn.after])
        reader.finish(packet.symbols)
        picture, reference = self.show(made)
        shown = list(group.add(DecodedFrame(packet.time, picture), reference))
        if group.left:
            self._group = group
        else:
            self.key_frame = group.references[group.distance]
        return shown

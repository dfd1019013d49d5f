"""Codecs that predict each frame from the decoded picture before it: frames to packets and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from mindspore import Tensor

from core.codec.coded import Coded, IntraPictures
from core.codec.decoded import DecodedPictures, checksum
from core.errors import StreamError
from core.hooks import Array, CodedFrame, DecodedFrame, IntraCodec, Packet, PacketType, Picture, PictureFormat


class _Side:
    """The picture that the next frame refers to, and the sides that the network sees: multiples of ``multiple``."""

    def __init__(self, format: PictureFormat, multiple: int) -> None:
        self.format = format
        self.pictures = DecodedPictures(format, multiple)
        self._reference: Tensor | None = None

    def _show(self, output: Array) -> Picture:
        """The decoded picture, which becomes the reference."""
        picture = self.pictures.samples(output)
        self._reference = Tensor(self.pictures.reference(picture)[None])
        return picture


class UnidirectionalEncoder(_Side, ABC):
    """`core.hooks.FrameEncoder`: every frame leaves at once."""

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """The frame's packet; the first frame's is intra in any case.

        Raises `MediaError` for a frame of another size, `CheckpointError` when the network computes no numbers.
        """
        padded = self.pictures.padded(frame)
        if intra or self._reference is None:
            kind, coded = PacketType.INTRA, self._intra(padded)
        else:
            kind, coded = PacketType.INTER, self._inter(Tensor(padded[None]), self._reference)
        picture = self._show(coded.output)
        packet = Packet(kind, time, coded.payload, coded.symbols, checksum(picture))
        return [CodedFrame(packet, picture, coded.bits)]

    def flush(self) -> Sequence[CodedFrame]:
        """Nothing is held back."""
        return []

    @abstractmethod
    def _intra(self, frame: Array) -> Coded:
        """Code a frame by itself: (3,height,width) in [0,1], continued beyond the picture."""

    @abstractmethod
    def _inter(self, frame: Tensor, reference: Tensor) -> Coded:
        """Code a frame under its reference, both 1,3,height,width."""


class UnidirectionalDecoder(_Side, ABC):
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

    @abstractmethod
    def _intra(self, packet: Packet) -> Array:
        """What `Coded.output` was; raises `StreamError` where the packet is damaged."""

    @abstractmethod
    def _inter(self, packet: Packet, reference: Tensor) -> Array:
        """The same under a reference, 1,3,height,width."""


class InterEncoder(UnidirectionalEncoder):
    """The encoder of a network that codes no frame by itself: intra packets hold another codec's pictures.

    Subclasses define `_inter`.
    """

    def __init__(
        self, format: PictureFormat, multiple: int, intra: IntraCodec, crf: float, estimate: bool
    ) -> None:
        super().__init__(format, multiple)
        self._pictures = IntraPictures(intra, format)
        self._crf = crf
        self._estimate = estimate

    def _intra(self, frame: Array) -> Coded:
        return self._pictures.encode(frame, self._crf, self._estimate)


class InterDecoder(UnidirectionalDecoder):
    """The decoder of what an `InterEncoder` made. Subclasses define `_inter`."""

    def __init__(self, format: PictureFormat, multiple: int, intra: IntraCodec) -> None:
        super().__init__(format, multiple)
        self._pictures = IntraPictures(intra, format)

    def _intra(self, packet: Packet) -> Array:
        return self._pictures.decode(packet)

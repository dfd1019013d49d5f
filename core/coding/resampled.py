"""A codec around another one: it codes a smaller, slower video, and an upscaler restores size and frame rate.

Of each group of frames, every second one, and the last in any case, is made smaller and given to the inner codec. What
that decodes, pair by pair, is what the upscaler enlarges and interpolates between. A group needs nothing of its
neighbours.

A packet of a coded frame is a byte of flags and what the inner codec made of the frame; one of a frame that is
interpolated is empty. Since the upscaler takes a picture together with the next one, each is shown when that is there;
the flags say where none will come.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

from core.codec.decoded_pictures import checksum
from core.coding.restoration import Restoration
from core.errors import StreamError
from core.hooks import (
    Array,
    Codec,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    HasQualities,
    Packet,
    PacketType,
    Picture,
    PictureFormat,
    Qualities,
    Upscaler,
)


class _Flag(IntFlag):
    """Flags of a coded frame, in its packet."""

    LAST = 1
    """No frame of its group follows."""
    INTRA = 2
    """The inner codec coded it by itself."""
    SKIPPED = 4
    """The frame after it is interpolated."""


class ResampledCodec:
    """`core.hooks.Codec` over an inner codec and an upscaler; without ``temporal``, all frames are coded."""

    def __init__(self, inner: Codec, upscaler: Upscaler, temporal: bool = True) -> None:
        self.inner, self.upscaler, self._temporal = inner, upscaler, temporal
        self.step = 2 if temporal else 1

    @property
    def qualities(self) -> Qualities | None:
        """The qualities of the inner codec."""
        return self.inner.qualities if isinstance(self.inner, HasQualities) else None

    def at(self, quality: float) -> ResampledCodec:
        """The same over the inner codec at another quality."""
        assert isinstance(self.inner, HasQualities)
        return ResampledCodec(self.inner.at(quality), self.upscaler, self._temporal)

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


@dataclass
class _Small:
    """A coded frame that is not finished, and its neighbours in order of display."""

    following: int | None = None
    """Time of the next coded frame."""
    skipped: int | None = None
    """Time of the frame between, which is interpolated."""


class _Encoder:
    """`core.hooks.FrameEncoder`: a frame leaves when the next coded one, which restores it, was coded."""

    def __init__(self, codec: ResampledCodec, format: PictureFormat, estimate: bool) -> None:
        self._codec, self._estimate = codec, estimate
        self._restoration = Restoration(codec.upscaler, format)
        self._group: _EncodedGroup | None = None

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """See `core.hooks.FrameEncoder.encode`; the first frame is intra in any case."""
        small = self._restoration.reduce(frame)
        before: Sequence[CodedFrame] = []
        if intra or self._group is None:
            before = self.flush()
            inner = self._codec.inner.encoder(self._restoration.format, self._estimate)
            self._group = _EncodedGroup(inner, self._restoration, self._codec.step)
        return [*before, *self._group.add(small, time)]

    def flush(self) -> Sequence[CodedFrame]:
        """End the group."""
        group, self._group = self._group, None
        return group.end() if group else []


class _EncodedGroup:
    """The frames of a group on their way through the inner encoder."""

    def __init__(self, inner: FrameEncoder, restoration: Restoration, step: int) -> None:
        self._inner, self._restoration, self._step = inner, restoration, step
        self._count = 0
        self._held: tuple[Array, int] | None = None
        """The last frame and its time, where it is to be interpolated unless the group ends with it."""
        self._newest: _Small | None = None
        self._open: dict[int, _Small] = {}
        """Coded frames that have not left, by their times."""
        self._queue: list[CodedFrame] = []
        """Frames that the inner codec gave, in order of decoding."""
        self._pictures: dict[int, Picture] = {}
        self._is_first = True

    def add(self, small: Array, time: int) -> list[CodedFrame]:
        """Take the next frame; returns those that can leave."""
        is_coded = self._count % self._step == 0
        self._count += 1
        if not is_coded:
            self._held = small, time
            return []
        skipped = self._held[1] if self._held else None
        self._held = None
        self._code(small, time, skipped)
        return self._take_finished(ended=False)

    def end(self) -> list[CodedFrame]:
        """The frames that have not left."""
        if self._held is not None:
            self._code(*self._held, skipped=None)
        self._take(self._inner.flush())
        return self._take_finished(ended=True)

    def _code(self, small: Array, time: int, skipped: int | None) -> None:
        """Give a frame to the inner encoder; ``skipped`` is the time of the frame before it that is interpolated."""
        is_first = self._newest is None
        if self._newest is not None:
            self._newest.following, self._newest.skipped = time, skipped
        self._newest = self._open[time] = _Small()
        self._take(self._inner.encode(small, time, is_first))

    def _take(self, frames: Sequence[CodedFrame]) -> None:
        self._queue += frames
        self._pictures |= {frame.packet.time: frame.picture for frame in frames}

    def _take_finished(self, ended: bool) -> list[CodedFrame]:
        """The frames that can leave, in order of decoding, and those to be interpolated behind them."""
        finished: list[CodedFrame] = []
        while self._queue:
            small = self._open[self._queue[0].packet.time]
            is_known = ended if small.following is None else small.following in self._pictures
            if not is_known:
                break
            finished += self._restore(self._queue.pop(0), small)
        return finished

    def _restore(self, frame: CodedFrame, small: _Small) -> list[CodedFrame]:
        inner = frame.packet
        following = None if small.following is None else self._pictures[small.following]
        pictures = self._restoration.restore(frame.picture, following, small.skipped is not None)
        said = {
            _Flag.LAST: following is None,
            _Flag.INTRA: inner.type is PacketType.INTRA,
            _Flag.SKIPPED: small.skipped is not None,
        }
        kind = PacketType.INTRA if self._is_first else PacketType.INTER
        self._is_first = False
        payload = bytes([sum(flag for flag, holds in said.items() if holds)]) + inner.payload
        packet = Packet(kind, inner.time, payload, inner.symbols, checksum(pictures[0]))
        finished = [CodedFrame(packet, pictures[0], frame.estimated_bits)]
        if small.skipped is not None:
            empty = Packet(PacketType.INTER, small.skipped, b"", zlib.crc32(b""), checksum(pictures[1]))
            finished.append(CodedFrame(empty, pictures[1], None if frame.estimated_bits is None else 0.0))
        self._forget(inner.time)
        return finished

    def _forget(self, time: int) -> None:
        """Let go of a frame, and of pictures that no other one needs."""
        del self._open[time]
        needed = {*self._open, *(small.following for small in self._open.values())}
        self._pictures = {at: picture for at, picture in self._pictures.items() if at in needed}


class _Decoder:
    """`core.hooks.FrameDecoder`. After damage it waits for an intra packet."""

    def __init__(self, codec: ResampledCodec, format: PictureFormat) -> None:
        self._codec = codec
        self._restoration = Restoration(codec.upscaler, format)
        self._group: _DecodedGroup | None = None

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        """See `core.hooks.FrameDecoder.decode`."""
        before: Sequence[DecodedFrame] = []
        if packet.type is PacketType.INTRA:
            before = self.flush()
            inner = self._codec.inner.decoder(self._restoration.format)
            self._group = _DecodedGroup(inner, self._restoration)
        group, self._group = self._group, None
        if group is None:
            raise StreamError(
                "An inter packet follows no decoded frame that it could refer to: begin at an intra packet."
            )
        shown = group.take(packet)
        self._group = group
        return [*before, *shown]

    def flush(self) -> Sequence[DecodedFrame]:
        """The frames that the inner decoder held back, as far as what restores them is there."""
        group, self._group = self._group, None
        return group.end() if group else []


class _DecodedGroup:
    """The frames of a group on their way from the inner decoder."""

    def __init__(self, inner: FrameDecoder, restoration: Restoration) -> None:
        self._inner, self._restoration = inner, restoration
        self._flags: dict[int, _Flag] = {}
        """Flags of coded frames that were not shown, by their times."""
        self._skipped: set[int] = set()
        """Times of frames to be interpolated."""
        self._small: list[DecodedFrame] = []
        """Decoded frames that were not shown, in order of display."""

    def take(self, packet: Packet) -> list[DecodedFrame]:
        """Take the next packet; returns the frames that can be shown."""
        if packet.payload:
            self._decode(packet)
        elif packet.symbols == zlib.crc32(b"") and packet.type is PacketType.INTER:
            self._skipped.add(packet.time)
        else:
            raise StreamError("A packet is damaged: it is empty, and should hold symbols.")
        return self._take_complete()

    def end(self) -> list[DecodedFrame]:
        """The frames that have not been shown, as far as what restores them is there."""
        self._small += self._inner.flush()
        return self._take_complete()

    def _decode(self, packet: Packet) -> None:
        if packet.payload[0] > sum(_Flag):
            raise StreamError("A packet is damaged: it does not say what it holds.")
        flags = self._flags[packet.time] = _Flag(packet.payload[0])
        kind = PacketType.INTRA if _Flag.INTRA in flags else PacketType.INTER
        inner = Packet(kind, packet.time, packet.payload[1:], packet.symbols, picture=0)
        self._small += self._inner.decode(inner)

    def _take_complete(self) -> list[DecodedFrame]:
        """The frames whose pictures are complete, in order of display."""
        shown: list[DecodedFrame] = []
        while self._small:
            frame, following = self._small[0], self._small[1] if len(self._small) > 1 else None
            flags = self._flags.get(frame.time)
            if flags is None:
                raise StreamError("A packet is damaged: it holds a frame of another time than it says.")
            if (following is None) != (_Flag.LAST in flags):
                if following is not None:
                    raise StreamError("A packet is damaged: it says that none of its group follows.")
                break
            skipped = self._between(frame, following) if _Flag.SKIPPED in flags else None
            if _Flag.SKIPPED in flags and skipped is None:
                break
            shown += self._restore(frame, following, skipped)
        return shown

    def _between(self, frame: DecodedFrame, following: DecodedFrame | None) -> int | None:
        """Time of the frame to be interpolated, where its packet has come."""
        if following is None:
            raise StreamError("A packet is damaged: a frame is to be interpolated and none follows.")
        return next((time for time in self._skipped if frame.time < time < following.time), None)

    def _restore(
        self, frame: DecodedFrame, following: DecodedFrame | None, skipped: int | None
    ) -> list[DecodedFrame]:
        picture = None if following is None else following.picture
        pictures = self._restoration.restore(frame.picture, picture, skipped is not None)
        times = [frame.time, *([skipped] if skipped is not None else [])]
        del self._small[0], self._flags[frame.time]
        self._skipped -= set(times)
        return [DecodedFrame(*shown) for shown in zip(times, pictures, strict=True)]

"""A codec around another one: it codes a smaller, slower video, and an upscaler restores size and frame rate.

Of each group of frames, every second one, and the last in any case, is made smaller and given to the inner codec. What
that decodes, pair by pair, is what the upscaler enlarges and interpolates between. A group needs nothing of its
neighbours.

A packet of a coded frame is a byte of flags and what the inner codec made of the frame; one of a frame that is
interpolated is empty. Since the upscaler takes a picture together with the next one, each is shown when the next one is
there; the flags say where none will come.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np

from core.coding.groups import unit
from core.errors import StreamError
from core.hooks import (
    Array,
    Codec,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    Output,
    Packet,
    PacketType,
    Picture,
    PictureFormat,
    Upscaler,
)
from core.media.decoded import DecodedPictures, checksum
from core.media.resampling import resized
from core.media.tiles import plan_tiles

TILE, OVERLAP = 256, 32
"""Largest side of the pieces that the upscaler sees, and what neighbours share, in pixels of the smaller video."""


class _Flag(IntFlag):
    """What a coded frame's packet says of it."""

    LAST = 1
    """No frame of its group follows."""
    INTRA = 2
    """The inner codec coded it by itself."""
    SKIPPED = 4
    """The frame after it is interpolated."""


class ResampledCodec:
    """`core.hooks.Codec` over an inner codec and an upscaler; without ``temporal``, all frames are coded."""

    def __init__(self, inner: Codec, upscaler: Upscaler, temporal: bool = True) -> None:
        self.inner, self.upscaler = inner, upscaler
        self.step = 2 if temporal else 1

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """A fresh encoder; ``estimate`` asks for `CodedFrame.estimated_bits` as well."""
        return _Encoder(self, format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """A fresh decoder, which waits for an intra packet."""
        return _Decoder(self, format)


class _Restoration:
    """Between the pictures of a video and those that the inner codec codes."""

    def __init__(self, codec: ResampledCodec, format: PictureFormat) -> None:
        self._upscaler = codec.upscaler
        scale = codec.upscaler.scale
        self._continued, self._true = DecodedPictures(format, scale), DecodedPictures(format, 1)
        height, width = self._continued.height // scale, self._continued.width // scale
        self.format = PictureFormat(width, height, format.depth)
        """Of the smaller pictures."""
        self._tiles = plan_tiles(
            height, width, tile=TILE, overlap=OVERLAP, alignment=self._upscaler.alignment
        )

    def reduced(self, frame: Array) -> Array:
        """The smaller frame; raises `MediaError` for one of another size than the format's."""
        return resized(self._continued.padded(frame), self.format.height, self.format.width)

    def restored(self, picture: Picture, following: Picture | None, between: bool) -> list[Picture]:
        """A decoded picture in full size and, where asked for, the one between it and the following."""
        wanted = [Output.FIRST, *([Output.MIDDLE] if between else [])]
        first, last = (unit(one, self.format.depth) for one in (picture, picture if following is None else following))

        def made(first: Array, last: Array) -> dict[Output, Array]:
            tiles = self._upscaler(first[None], last[None], wanted)
            return {output: tiles[output][0] for output in wanted}

        whole = self._tiles.run_named(made, first, last, scales=dict.fromkeys(wanted, self._upscaler.scale))
        return [self._true.samples(whole[output]) for output in wanted]


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
        self._restoration = _Restoration(codec, format)
        self._inner: FrameEncoder | None = None

    def encode(self, frame: Array, time: int, intra: bool) -> Sequence[CodedFrame]:
        """See `core.hooks.FrameEncoder.encode`; the first frame is intra in any case."""
        small = self._restoration.reduced(frame)
        before: Sequence[CodedFrame] = []
        if intra or self._inner is None:
            before = self.flush()
            self._begin()
        coded = self._count % self._codec.step == 0
        self._count += 1
        if not coded:
            self._held = small, time
            return before
        self._code(small, time, skipped=self._held[1] if self._held else None)
        return [*before, *self._finished(ended=False)]

    def flush(self) -> Sequence[CodedFrame]:
        """End the group."""
        if self._inner is None:
            return []
        if self._held is not None:
            self._code(*self._held, skipped=None)
        self._take(self._inner.flush())
        self._inner = None
        return self._finished(ended=True)

    def _begin(self) -> None:
        self._inner = self._codec.inner.encoder(self._restoration.format, self._estimate)
        self._count = 0
        self._held: tuple[Array, int] | None = None
        """The last frame, where it is to be interpolated unless the group ends with it."""
        self._newest: _Small | None = None
        self._open: dict[int, _Small] = {}
        """Coded frames that have not left, by their times."""
        self._queue: list[CodedFrame] = []
        """What the inner codec made of them, in order of decoding."""
        self._pictures: dict[int, Picture] = {}
        self._is_first = True

    def _code(self, small: Array, time: int, skipped: int | None) -> None:
        """Give a frame to the inner encoder; ``skipped`` is the time of the frame before it that is interpolated."""
        assert self._inner is not None
        if self._newest is not None:
            self._newest.following, self._newest.skipped = time, skipped
        self._held = None
        intra = self._newest is None
        self._newest = self._open[time] = _Small()
        self._take(self._inner.encode(small, time, intra))

    def _take(self, frames: Sequence[CodedFrame]) -> None:
        self._queue += frames
        self._pictures |= {frame.packet.time: frame.picture for frame in frames}

    def _finished(self, ended: bool) -> list[CodedFrame]:
        """The frames that can leave, in order of decoding, and those to be interpolated behind them."""
        finished: list[CodedFrame] = []
        while self._queue:
            small = self._open[self._queue[0].packet.time]
            is_known = ended if small.following is None else small.following in self._pictures
            if not is_known:
                break
            finished += self._restored(self._queue.pop(0), small)
        return finished

    def _restored(self, frame: CodedFrame, small: _Small) -> list[CodedFrame]:
        inner = frame.packet
        following = None if small.following is None else self._pictures[small.following]
        pictures = self._restoration.restored(frame.picture, following, small.skipped is not None)
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
        self._restoration = _Restoration(codec, format)
        self._inner: FrameDecoder | None = None

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        """See `core.hooks.FrameDecoder.decode`."""
        shown: Sequence[DecodedFrame] = []
        if packet.type is PacketType.INTRA:
            shown = self.flush()
            self._begin()
        elif self._inner is None:
            raise StreamError(
                "An inter packet follows no decoded frame that it could refer to: begin at an intra packet."
            )
        try:
            self._take(packet)
            return [*shown, *self._shown()]
        except StreamError:
            self._inner = None
            raise

    def flush(self) -> Sequence[DecodedFrame]:
        """The frames that the inner decoder held back, as far as what restores them is there."""
        if self._inner is None:
            return []
        self._small += self._inner.flush()
        self._inner = None
        return self._shown()

    def _begin(self) -> None:
        self._inner = self._codec.inner.decoder(self._restoration.format)
        self._flags: dict[int, _Flag] = {}
        """Of coded frames that were not shown, by their times."""
        self._skipped: set[int] = set()
        """Times of frames to be interpolated."""
        self._small: list[DecodedFrame] = []
        """Decoded frames that were not shown, in order of display."""

    def _take(self, packet: Packet) -> None:
        assert self._inner is not None
        if not packet.payload and packet.type is PacketType.INTER:
            if packet.symbols != zlib.crc32(b""):
                raise StreamError("A packet is damaged: it is empty, and should hold symbols.")
            self._skipped.add(packet.time)
            return
        if not packet.payload or packet.payload[0] > sum(_Flag):
            raise StreamError("A packet is damaged: it does not say what it holds.")
        flags = _Flag(packet.payload[0])
        kind = PacketType.INTRA if _Flag.INTRA in flags else PacketType.INTER
        self._flags[packet.time] = flags
        self._small += self._inner.decode(
            Packet(kind, packet.time, packet.payload[1:], packet.symbols, picture=0)
        )

    def _shown(self) -> list[DecodedFrame]:
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
            shown += self._restored(frame, following, skipped)
        return shown

    def _between(self, frame: DecodedFrame, following: DecodedFrame | None) -> int | None:
        """Time of the frame to be interpolated, where its packet has come."""
        if following is None:
            raise StreamError("A packet is damaged: a frame is to be interpolated and none follows.")
        return next((time for time in self._skipped if frame.time < time < following.time), None)

    def _restored(
        self, frame: DecodedFrame, following: DecodedFrame | None, skipped: int | None
    ) -> list[DecodedFrame]:
        picture = None if following is None else following.picture
        pictures = self._restoration.restored(frame.picture, picture, skipped is not None)
        times = [frame.time, *([skipped] if skipped is not None else [])]
        del self._small[0], self._flags[frame.time]
        self._skipped -= set(times)
        return [DecodedFrame(*shown) for shown in zip(times, pictures, strict=True)]

"""Ways to spoil a stream, and a decoder of what is left that keeps to limits of time and memory.

Whatever bytes a stream has, decoding ends in its pictures or in a `StreamError`, soon and in little memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.errors import StreamError
from core.hooks import (
    Codec,
    CodedFrame,
    DecodedFrame,
    FrameDecoder,
    FrameEncoder,
    Packet,
    Picture,
    PictureFormat,
)
from core.testing.limits import seconds
from core.testing.material import ARITHMETIC

MAX_SECONDS = 10.0
"""Seconds for one stream."""

Damage = Callable[[np.random.Generator, bytes, bytes, int], bytes]
"""A function of a generator, a stream, another one, and the length of their headers."""


def flipped(rng: np.random.Generator, data: bytes, other: bytes, header: int) -> bytes:
    """One to eight bits are others."""
    damaged = bytearray(data)
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        damaged[at] ^= 1 << rng.integers(8)
    return bytes(damaged)


def cut(rng: np.random.Generator, data: bytes, other: bytes, header: int) -> bytes:
    """The end is missing."""
    return data[: rng.integers(len(data))]


def spliced(rng: np.random.Generator, data: bytes, other: bytes, header: int) -> bytes:
    """A piece of another stream in place of a piece, which need not be as long."""
    start, end = sorted(rng.integers(0, len(data), 2))
    there, after = sorted(rng.integers(0, len(other), 2))
    return data[:start] + other[there:after] + data[end:]


def removed(rng: np.random.Generator, data: bytes, other: bytes, header: int) -> bytes:
    """A piece is missing."""
    start, end = sorted(rng.integers(0, len(data), 2))
    return data[:start] + data[end:]


def headed(rng: np.random.Generator, data: bytes, other: bytes, header: int) -> bytes:
    """A damaged stream under another one's header, or another stream under this one's."""
    body = data if rng.integers(2) else flipped(rng, data, other, header)
    first, second = (other, body) if rng.integers(2) else (body, other)
    return first[:header] + second[header:]


def noise(rng: np.random.Generator, data: bytes, other: bytes, header: int) -> bytes:
    """Random bytes after the header."""
    return data[:header] + rng.bytes(rng.integers(len(data)))


DAMAGES: tuple[Damage, ...] = (flipped, cut, spliced, removed, headed, noise)


def forged(packet: Packet, rng: np.random.Generator) -> Iterator[Packet]:
    """The packet with other payloads, which a container takes for whole."""
    payload = packet.payload
    if not payload:  # of a frame that another packet holds
        yield replace(packet, payload=rng.bytes(50))
        return
    yield replace(packet, payload=b"")
    yield replace(packet, payload=rng.bytes(len(payload)))
    yield replace(packet, payload=b"\xff" * len(payload))
    yield replace(packet, payload=payload[: rng.integers(1, len(payload))])
    yield replace(packet, payload=payload + rng.bytes(50))
    for flips in (1, 1, 3, 10):
        damaged = bytearray(payload)
        for at in rng.integers(0, len(payload), flips):
            damaged[at] ^= 1 << rng.integers(8)
        yield replace(packet, payload=bytes(damaged))


def decode(path: Path, codec: Codec, arithmetic: str = ARITHMETIC) -> tuple[list[Picture], str | None]:
    """The pictures of a stream of codec "tried" within the time, and the sentence that ended it early, or None."""
    loaded = LoadedCodec("tried", codec, bytes(16), 0, False, arithmetic)
    began = time.monotonic()
    shown: list[Picture] = []
    told = None
    try:
        with StreamDecoder(path, loaded) as stream:
            for frame in stream.frames():
                shown.append(frame.picture)
    except StreamError as error:
        told = str(error)
    took = time.monotonic() - began
    assert took < seconds(MAX_SECONDS), f"decoding took {took:.1f} s; it ended with: {told}"
    return shown, told


def in_order_of_display(coded: Iterable[CodedFrame]) -> list[Picture]:
    """The encoder's pictures as they are to be shown."""
    return [frame.picture for frame in sorted(coded, key=lambda frame: frame.packet.time)]


def require_beginning(shown: Sequence[Picture], expected: Sequence[Picture]) -> None:
    """Fail unless what is shown is a beginning of what was to be shown."""
    assert len(shown) <= len(expected)
    for number, (ours, theirs) in enumerate(zip(shown, expected, strict=False)):
        assert np.array_equal(ours, theirs), f"frame {number} is another one than was coded"


@dataclass(frozen=True)
class _Outcome:
    """What a decoder gave for the last of some packets, after those before it."""

    shown: Sequence[DecodedFrame]
    error: StreamError | None
    flushed: Sequence[DecodedFrame]


class Remembering:
    """A codec that decodes each beginning of a stream once: most damage is found before there is anything new."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._known: dict[tuple[PictureFormat, tuple[Packet, ...]], _Outcome] = {}

    def encoder(self, format: PictureFormat, estimate: bool = False) -> FrameEncoder:
        """The codec's own."""
        return self._codec.encoder(format, estimate)

    def decoder(self, format: PictureFormat) -> FrameDecoder:
        """One that asks what is known."""
        return _RememberingDecoder(self, format)

    def outcome(self, format: PictureFormat, packets: tuple[Packet, ...]) -> _Outcome:
        """What a fresh decoder gives."""
        if (format, packets) not in self._known:
            self._known[format, packets] = self._decoded(format, packets)
        return self._known[format, packets]

    def _decoded(self, format: PictureFormat, packets: tuple[Packet, ...]) -> _Outcome:
        decoder = self._codec.decoder(format)
        shown: Sequence[DecodedFrame] = []
        try:
            for packet in packets:
                shown = decoder.decode(packet)
        except StreamError as error:
            return _Outcome([], error, decoder.flush())
        return _Outcome(shown, None, decoder.flush())


class _RememberingDecoder:
    def __init__(self, remembering: Remembering, format: PictureFormat) -> None:
        self._remembering, self._format = remembering, format
        self._packets: tuple[Packet, ...] = ()

    def decode(self, packet: Packet) -> Sequence[DecodedFrame]:
        self._packets += (packet,)
        outcome = self._remembering.outcome(self._format, self._packets)
        if outcome.error:
            raise outcome.error
        return outcome.shown

    def flush(self) -> Sequence[DecodedFrame]:
        return self._remembering.outcome(self._format, self._packets).flushed

"""The range coder: integer symbols to bytes and back, under integer tables.

One coder runs through a whole packet (constriction's RangeEncoder). Each call codes one array in blocks of 65536
symbols in C order. A block holds its symbols grouped by table, tables in order and each one's symbols in C order, then
what its escapes stand for. A payload is the shortest binary fraction in the coder's last interval: 32-bit words, each
with its highest byte first, without the zero bytes at the end.

A value v outside its table's support of M values, counted from the support's first, becomes the escape symbol and a
number: 2(v - M) above the support, -2v - 1 below it. For all escapes of a block at a time follow how many 4-bit digits
each number has (0 to 9, uniform) and then the digits (uniform), the lowest first.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import constriction
import numpy as np
from numpy.typing import NDArray

from core.errors import StreamError
from core.symbols.tables import TableSet

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Indices = NDArray[np.integer]
T = TypeVar("T", bound=np.generic)

BLOCK = 1 << 16
"""Symbols that are grouped by table at a time; part of the format."""

_MAX_DIGITS = 9
"""Digits of the largest number of an escape: twice an int32's range and a support."""
_DIGIT_COUNT = constriction.stream.model.Uniform(_MAX_DIGITS + 1)
_DIGIT = constriction.stream.model.Uniform(16)
_PLACES = np.arange(_MAX_DIGITS)
_SHIFTS = 4 * _PLACES
_WORD = 4
_INT32 = np.iinfo(np.int32)


@dataclass
class Stopwatch:
    """How long something took in this process, all calls together."""

    seconds: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Add what the block takes."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - started


ENCODING, DECODING = Stopwatch(), Stopwatch()
"""The range coder's time, which measurements tell apart from the networks'."""


class SymbolEncoder:
    """Codes arrays of integers one after the other into one payload."""

    def __init__(self) -> None:
        self._coder = constriction.stream.queue.RangeEncoder()
        self._hash = 0

    @property
    def symbols_hash(self) -> int:
        """CRC-32 of all symbols so far, as little-endian int32 in C order."""
        return self._hash

    def encode(self, symbols: NDArray[np.integer], tables: TableSet, indices: Indices) -> None:
        """Add ``symbols`` of any shape, each under the table that ``indices``, of the same shape, names.

        Raises `StreamError` where a symbol does not fit 32 bits.
        """
        if symbols.shape != indices.shape:
            raise ValueError(f"Symbols of shape {symbols.shape} have indices of shape {indices.shape}.")
        _require_int32(symbols)
        values = np.ascontiguousarray(symbols, "<i4")
        self._hash = zlib.crc32(values.data, self._hash)
        with ENCODING.running():
            for block, block_indices in zip(_blocks(values), _blocks(indices), strict=True):
                self._encode_block(block, tables, _Groups.by_table(block_indices, tables))

    def finish(self) -> bytes:
        """The payload; the encoder takes no more symbols."""
        settled, (low, width) = self._coder.pos()
        words = self._coder.get_compressed()
        # constriction ends with a point of its own in the last interval; where that carried, so does a shorter one.
        carried = words.size > settled and int(words[settled]) < low >> 32
        point = 0 if carried else _shortest_point(low, width)
        return (words[:settled].astype(">u4").tobytes() + point.to_bytes(8, "big")).rstrip(b"\0")

    def _encode_block(self, values: Ints, tables: TableSet, groups: _Groups) -> None:
        grouped = values.take(groups.order)
        offsets, sizes = groups.spread(tables.offsets), groups.spread(tables.sizes)
        coded = grouped - offsets
        # As unsigned numbers, those below the support are larger than any in it; differences that wrapped are too.
        escaped = np.flatnonzero(coded.view(np.uint32) >= sizes.view(np.uint32))
        coded[escaped] = sizes[escaped]
        for table, part in groups.parts():
            self._coder.encode(coded[part], tables.models[table])
        if escaped.size:
            self._encode_escapes(grouped[escaped].astype(np.int64) - offsets[escaped], sizes[escaped])

    def _encode_escapes(self, values: Longs, sizes: Ints) -> None:
        numbers = np.where(values < 0, -2 * values - 1, 2 * (values - sizes))
        counts = (numbers[:, None] >> _SHIFTS > 0).sum(1)
        digits = (numbers[:, None] >> _SHIFTS & 15)[counts[:, None] > _PLACES]
        self._coder.encode(counts.astype(np.int32), _DIGIT_COUNT)
        self._coder.encode(digits.astype(np.int32), _DIGIT)


def _shortest_point(low: int, width: int) -> int:
    """The number in [low, low + width), below 2^64, with most zero bytes at its end; the width is at least 2^32."""
    for zeros in range(64, 32, -8):
        point = -(-low >> zeros) << zeros
        if point < min(low + width, 1 << 64):
            return point
    return -(-low >> 32) << 32


class SymbolDecoder:
    """Reads the arrays of a payload back, in the order of their coding.

    Any bytes decode to some symbols or raise `StreamError`; only `finish` knows whether they are the right ones.
    """

    def __init__(self, payload: bytes) -> None:
        padded = payload + bytes(-len(payload) % _WORD)
        self._coder = constriction.stream.queue.RangeDecoder(np.frombuffer(padded, ">u4").astype(np.uint32))
        self._hash = 0

    def decode(self, tables: TableSet, indices: Indices) -> Ints:
        """The next symbols, in the shape of ``indices``; raises `StreamError` where the payload is damaged."""
        with DECODING.running():
            blocks = [
                self._decode_block(tables, _Groups.by_table(block, tables)) for block in _blocks(indices)
            ]
        symbols = np.concatenate([np.empty(0, np.int32), *blocks])
        self._hash = zlib.crc32(symbols.astype("<i4", copy=False).data, self._hash)
        return symbols.reshape(indices.shape)

    def finish(self, symbols_hash: int) -> None:
        """Raise `StreamError` unless all symbols decoded so far have this CRC-32."""
        if self._hash != symbols_hash:
            raise StreamError(
                "A packet decodes to other symbols than were coded: "
                "it is damaged, or the stream belongs to another model."
            )

    def _decode_block(self, tables: TableSet, groups: _Groups) -> Ints:
        grouped = np.empty(groups.order.size, np.int32)
        with _damage_is_an_error():
            for table, part in groups.parts():
                grouped[part] = self._coder.decode(tables.models[table], part.stop - part.start)
        offsets, sizes = groups.spread(tables.offsets), groups.spread(tables.sizes)
        escaped = np.flatnonzero(grouped == sizes)
        grouped += offsets
        if escaped.size:
            grouped[escaped] = self._decode_escapes(sizes[escaped], offsets[escaped])
        symbols = np.empty_like(grouped)
        symbols[groups.order] = grouped
        return symbols

    def _decode_escapes(self, sizes: Ints, offsets: Ints) -> Longs:
        with _damage_is_an_error():
            counts = self._coder.decode(_DIGIT_COUNT, sizes.size)
            digits = self._coder.decode(_DIGIT, int(counts.sum()))
        spread = np.zeros((sizes.size, _MAX_DIGITS), np.int64)
        spread[counts[:, None] > _PLACES] = digits
        numbers = (spread << _SHIFTS).sum(1)
        symbols = np.where(numbers % 2, -(numbers + 1) // 2, numbers // 2 + sizes) + offsets
        if symbols.min() < _INT32.min or symbols.max() > _INT32.max:
            raise StreamError("A packet is damaged: a symbol of it does not fit 32 bits.")
        return symbols


@dataclass(frozen=True)
class _Groups:
    """The places of an array, in C order, sorted by the table each belongs to."""

    order: NDArray[np.intp]
    counts: NDArray[np.intp]
    """Places of each table."""

    @classmethod
    def by_table(cls, indices: Indices, tables: TableSet) -> _Groups:
        counts = np.bincount(indices, minlength=len(tables))
        if counts.size != len(tables):
            raise ValueError(f"Table {counts.size - 1} of {len(tables)} does not exist.")
        # A stable sort of narrow integers is numpy's radix sort, many times faster than any other.
        narrow = indices.astype(np.uint8 if len(tables) <= 256 else np.uint16, copy=False)
        return cls(np.argsort(narrow, kind="stable"), counts)

    def spread(self, of_table: Ints) -> Ints:
        """A value of each table at each of its places."""
        return np.repeat(of_table, self.counts)

    def parts(self) -> Iterator[tuple[int, slice]]:
        """Each table that has places, and where they are."""
        ends = np.cumsum(self.counts)
        for table in np.flatnonzero(self.counts).tolist():
            yield table, slice(int(ends[table] - self.counts[table]), int(ends[table]))


def _blocks(array: NDArray[T]) -> Iterator[NDArray[T]]:
    """The array in C order, cut into pieces that the processor's cache can hold."""
    flat = array.reshape(-1)
    return (flat[start : start + BLOCK] for start in range(0, flat.size, BLOCK))


def _require_int32(symbols: NDArray[np.integer]) -> None:
    if symbols.dtype == np.int32 or not symbols.size:
        return
    low, high = int(symbols.min()), int(symbols.max())
    if low < _INT32.min or high > _INT32.max:
        raise StreamError(
            f"The network's latents reach {max(high, -low)}, more than a stream can hold: its training has diverged."
        )


@contextmanager
def _damage_is_an_error() -> Iterator[None]:
    """Turn whatever constriction raises into `StreamError`; a panic of Rust is no Exception but a BaseException."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:
        raise StreamError("A packet is damaged: its bytes are no code of any symbols.") from error

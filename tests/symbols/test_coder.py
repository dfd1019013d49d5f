"""The range coder: exact in both directions, equal to a decoder in plain integers, and calm about any bytes."""

import zlib
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import StreamError
from core.symbols import coder
from core.symbols.coder import SymbolDecoder, SymbolEncoder
from core.symbols.tables import GAUSSIAN_SCALES, TableSet, gaussian_tables, tables_from_pmfs

Array = tuple[np.ndarray, TableSet, np.ndarray]
"""Symbols, tables, indices."""
EXTREMES = [-(2**31), 2**31 - 1, -(2**31) + 1, 0, 1, -1, 70_000, -70_000]


def random_tables(rng: np.random.Generator, count: int, longest: int = 300) -> TableSet:
    pmfs = [rng.gamma(0.3, size=rng.integers(1, longest)) + 1e-9 for _ in range(count)]
    tails = rng.uniform(0, 0.1, count)
    normalised = [pmf / pmf.sum() * (1 - tail) for pmf, tail in zip(pmfs, tails, strict=True)]
    return tables_from_pmfs(normalised, tails, rng.integers(-400, 100, count))


def draw(rng: np.random.Generator, tables: TableSet, shape: tuple[int, ...]) -> Array:
    """Symbols as frequent as their tables say, escapes included."""
    indices = rng.integers(0, len(tables), shape)
    symbols = np.zeros(shape, np.int32)
    for table, frequencies in enumerate(tables.frequencies):
        places = indices == table
        drawn = np.searchsorted(np.cumsum(frequencies), rng.integers(0, 65536, places.sum()), side="right")
        symbols[places] = drawn + tables.offsets[table]
    return symbols, tables, indices


def encode(arrays: Iterable[Array]) -> tuple[bytes, int]:
    encoder = SymbolEncoder()
    for symbols, tables, indices in arrays:
        encoder.encode(symbols, tables, indices)
    return encoder.finish(), encoder.symbols_hash


def assert_round_trip(arrays: list[Array]) -> bytes:
    payload, symbols_hash = encode(arrays)
    decoder = SymbolDecoder(payload)
    for symbols, tables, indices in arrays:
        decoded = decoder.decode(tables, indices)
        assert decoded.dtype == np.int32 and decoded.shape == indices.shape
        np.testing.assert_array_equal(decoded, symbols)
    decoder.finish(symbols_hash)
    assert not payload.endswith(b"\0")
    return payload


class SlowDecoder:
    """The format with Python's integers, symbol by symbol: what the fast decoder must agree with."""

    def __init__(self, payload: bytes) -> None:
        self._bytes = iter(payload)
        self._width = (1 << 64) - 1
        self._point = self._word() << 32 | self._word()
        """Distance from the lower end of the interval."""

    def decode(self, tables: TableSet, indices: np.ndarray) -> np.ndarray:
        flat = indices.reshape(-1).tolist()
        symbols: list[int] = []
        for start in range(0, len(flat), 65536):
            symbols += self._block(tables, flat[start : start + 65536])
        return np.array(symbols).reshape(indices.shape)

    def _block(self, tables: TableSet, indices: list[int]) -> list[int]:
        cdfs = [table.tolist() for table in np.split(tables.cdf, np.cumsum(tables.lengths[:-1]))]
        symbols, escapes = [0] * len(indices), []
        for place in sorted(range(len(indices)), key=lambda place: indices[place]):
            cdf, offset = cdfs[indices[place]], int(tables.offsets[indices[place]])
            symbol = self._symbol(cdf)
            symbols[place] = symbol + offset
            if symbol == len(cdf) - 2:
                escapes.append((place, symbol, offset))
        counts = [self._uniform(10) for _ in escapes]
        for (place, size, offset), count in zip(escapes, counts, strict=True):
            number = sum(self._uniform(16) << 4 * digit for digit in range(count))
            value = -(number + 1) // 2 if number % 2 else number // 2 + size
            symbols[place] = value + offset
        return symbols

    def _symbol(self, cdf: list[int]) -> int:
        return self._step([256 * edge for edge in cdf])

    def _uniform(self, count: int) -> int:
        return self._step([i * ((1 << 24) // count) for i in range(count)] + [1 << 24])

    def _step(self, edges: list[int]) -> int:
        unit = self._width >> 24
        symbol = max(i for i, edge in enumerate(edges[:-1]) if edge <= self._point // unit)
        self._point -= unit * edges[symbol]
        self._width = unit * (edges[symbol + 1] - edges[symbol])
        if self._width < 1 << 32:
            self._width <<= 32
            self._point = self._point << 32 | self._word()
        return symbol

    def _word(self) -> int:
        return sum(next(self._bytes, 0) << shift for shift in (24, 16, 8, 0))


def test_a_million_symbols_over_many_tables() -> None:
    rng = np.random.default_rng(1)
    wide, narrow, single = (
        random_tables(rng, 300, 40),
        random_tables(rng, 64),
        tables_from_pmfs([[0.9]], [0.1], [5]),
    )
    arrays = [
        draw(rng, narrow, (8, 250, 300)),
        draw(rng, narrow, (0,)),
        draw(rng, wide, (300, 10, 20)),
        draw(rng, single, (1000,)),
        draw(rng, narrow, (3, 0, 7)),
        draw(rng, wide, (1,)),
        draw(rng, narrow, (65536 * 5,)),
        # At the upper end of the interval, or else escapes of the number 0 would end the payload and cost nothing.
        (narrow.offsets[:1] + narrow.sizes[:1] - 1, narrow, np.zeros(1, int)),
    ]
    assert sum(symbols.size for symbols, _, _ in arrays) > 900_000
    payload = assert_round_trip(arrays)
    ideal = sum(
        -np.log2(tables.frequencies[table] / 65536) @ np.bincount(codes, minlength=tables.sizes[table] + 1)
        for symbols, tables, indices in arrays
        for table in range(len(tables))
        for codes in [np.minimum(symbols[indices == table] - tables.offsets[table], tables.sizes[table])]
    )
    escapes = sum(
        (symbols - tables.offsets[indices] == tables.sizes[indices]).sum()
        for symbols, tables, indices in arrays
    )
    # Each escape here stands for the number 0: no digits, log2(10) bits.
    assert 8 * len(payload) == pytest.approx(ideal + escapes * np.log2(10), rel=1e-4)


def test_slow_twin_reads_the_same() -> None:
    rng = np.random.default_rng(2)
    arrays = [draw(rng, random_tables(rng, 9, 50), (7, 100)), draw(rng, random_tables(rng, 1, 4), (5,))]
    symbols, tables, indices = draw(rng, gaussian_tables(), (600,))
    symbols[:8] = EXTREMES
    arrays += [(symbols, tables, indices), draw(rng, random_tables(rng, 2, 3), (65536 + 30,))]
    payload, _ = encode(arrays)
    slow = SlowDecoder(payload)
    for symbols, tables, indices in arrays:
        np.testing.assert_array_equal(slow.decode(tables, indices), symbols)


@st.composite
def packets(draw_from: st.DrawFn) -> list[Array]:
    """Some arrays with tables of their own; symbols anywhere from the middle of a table to the ends of int32."""
    rng = np.random.default_rng(draw_from(st.integers(0, 2**32)))
    arrays = []
    for _ in range(draw_from(st.integers(0, 4))):
        tables = random_tables(rng, draw_from(st.integers(1, 12)), draw_from(st.sampled_from([2, 3, 40])))
        symbols, _, indices = draw(rng, tables, (draw_from(st.integers(0, 40)),))
        for place in draw_from(st.lists(st.integers(0, max(0, symbols.size - 1)), max_size=4)):
            if symbols.size:
                symbols[place] = draw_from(st.sampled_from(EXTREMES) | st.integers(-(2**31), 2**31 - 1))
        arrays.append((symbols, tables, indices.astype(draw_from(st.sampled_from(["u1", "i2", "i8"])))))
    return arrays


@settings(max_examples=200, deadline=None)
@given(packets())
def test_any_packet_returns(arrays: list[Array]) -> None:
    payload = assert_round_trip(arrays)
    slow = SlowDecoder(payload)
    for symbols, tables, indices in arrays:
        np.testing.assert_array_equal(slow.decode(tables, indices), symbols)


def test_every_short_packet_returns_in_as_few_bytes_as_it_takes() -> None:
    """All sequences of up to six symbols: whole bytes, rounded up to where a point of the interval surely lies."""
    tables = tables_from_pmfs([[0.4, 0.3, 0.2], [0.9999, 0.00005]], [0.1, 0.00005], [0, 0])
    lengths = set()
    for length in range(7):
        for code in range(2**length):
            symbols = np.array([code >> i & 1 for i in range(length)], np.int32)
            indices = np.arange(length) % 2
            payload = assert_round_trip([(symbols, tables, indices)])
            pairs = zip(symbols, indices, strict=True)
            bits = -sum(np.log2(tables.frequencies[table][symbol] / 65536) for symbol, table in pairs)
            assert len(payload) <= bits / 8 + 1.001
            lengths.add(len(payload))
    assert lengths == set(range(max(lengths) + 1))


@pytest.mark.parametrize(
    ("low", "width", "point"),
    [
        (0, 2**64 - 1, 0),
        (1, 2**64 - 1, 1 << 56),
        (0xFFFF_FFFE_FFFF_0000, 2**40, 0xFFFF_FFFF_0000_0000),
        (0x1234_5678_9ABC_DEF0, 2**32, 0x1234_5679_0000_0000),
        (0x1234_5678_9ABC_DEF0, 2**41, 0x1234_5700_0000_0000),
        (0x1200_0000_0000_0000, 2**32, 0x1200_0000_0000_0000),
    ],
)
def test_shortest_point(low: int, width: int, point: int) -> None:
    assert coder._shortest_point(low, width) == point


def test_a_carry_at_the_very_end() -> None:
    """These symbols were searched for: their interval has 2^64 just above its lower end, so a word before changes."""
    tables = tables_from_pmfs([np.full(255, 256 / 65536)], [256 / 65536], [0])
    symbols, indices = np.array([189, 153, 73, 97, 2, 0, 2]), np.zeros(7, int)
    encoder = SymbolEncoder()
    encoder.encode(symbols, tables, indices)
    _, (low, width) = encoder._coder.pos()
    assert (1 << 64) - (1 << 32) < low < 1 << 64 < low + width
    assert len(assert_round_trip([(symbols, tables, indices)])) == 4


def test_escapes_reach_every_int32() -> None:
    tables = tables_from_pmfs([[0.5, 0.2], [0.3]], [0.3, 0.7], [-(2**24), 2**24])
    values = {s * (2**k) + d for k in range(32) for s in (-1, 1) for d in (-1, 0, 1)}
    symbols = np.array([v for v in sorted(values) if -(2**31) <= v < 2**31], np.int32)
    for table in (0, 1):
        assert_round_trip([(symbols, tables, np.full(symbols.shape, table))])


def test_hash_is_of_all_symbols_in_order() -> None:
    rng = np.random.default_rng(3)
    arrays = [draw(rng, random_tables(rng, 5), (4, 5, 6)), draw(rng, random_tables(rng, 5), (9,))]
    # As codecs have them: another memory order, and another type of integer.
    arrays[0] = (np.asfortranarray(arrays[0][0]), arrays[0][1], np.asfortranarray(arrays[0][2]))
    arrays[1] = (arrays[1][0].astype(np.int64), *arrays[1][1:])
    _, symbols_hash = encode(arrays)
    expected = zlib.crc32(b"".join(symbols.astype("<i4").tobytes("C") for symbols, _, _ in arrays))
    assert symbols_hash == expected
    assert_round_trip(arrays)


def test_nothing_coded_is_no_bytes() -> None:
    assert assert_round_trip([]) == b""
    assert assert_round_trip([draw(np.random.default_rng(0), gaussian_tables(), (0, 4))]) == b""


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 2**62])
def test_symbols_beyond_32_bits_are_refused(value: int) -> None:
    with pytest.raises(StreamError, match="diverged"):
        SymbolEncoder().encode(np.array([0, value]), gaussian_tables(), np.zeros(2, np.uint8))


def test_int64_down_to_the_smallest_int32_is_taken() -> None:
    assert_round_trip([(np.array([-(2**31), 2**31 - 1]), gaussian_tables(), np.zeros(2, int))])


def test_wrong_indices_are_our_own_mistake() -> None:
    symbols = np.zeros(3, np.int32)
    with pytest.raises(ValueError, match="shape"):
        SymbolEncoder().encode(symbols, gaussian_tables(), np.zeros(4, np.uint8))
    with pytest.raises(ValueError, match="does not exist"):
        SymbolEncoder().encode(symbols, gaussian_tables(), np.full(3, 64))


# Damage: whatever the bytes are, wrong symbols that `finish` catches, or StreamError.


def typical() -> list[Array]:
    rng = np.random.default_rng(4)
    symbols, tables, indices = draw(rng, gaussian_tables(), (16, 12, 12))
    symbols.reshape(-1)[::500] = 10**6
    return [draw(rng, random_tables(rng, 16, 30), (16, 2, 2)), (symbols, tables, indices)]


def read(payload: bytes, arrays: list[Array], symbols_hash: int) -> None:
    decoder = SymbolDecoder(payload)
    for _, tables, indices in arrays:
        decoder.decode(tables, indices)
    decoder.finish(symbols_hash)


def damaged(payload: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    for _ in range(200):
        changed = bytearray(payload)
        changed[rng.integers(len(payload))] ^= 1 << rng.integers(8)
        yield bytes(changed)
    for _ in range(100):
        yield payload[: rng.integers(len(payload) - 8)]
        yield payload[rng.integers(1, 20) :]
        yield rng.bytes(rng.integers(0, 2 * len(payload)))
    yield from (b"", b"\0" * 100, b"\xff" * 10_000)


def test_damage_is_caught() -> None:
    arrays = typical()
    payload, symbols_hash = encode(arrays)
    read(payload, arrays, symbols_hash)
    messages = set()
    for changed in damaged(payload, np.random.default_rng(5)):
        with pytest.raises(StreamError) as error:
            read(changed, arrays, symbols_hash)
        messages.add(str(error.value).partition(":")[0])
    assert messages == {"A packet decodes to other symbols than were coded", "A packet is damaged"}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 2**32))
def test_any_bytes_give_symbols_or_the_error(payload: bytes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Narrow tables with likely escapes, so that random bytes reach large ones.
    tables = tables_from_pmfs([[0.1], [0.05, 0.05]], [0.9, 0.9], [3, -1])
    decoder = SymbolDecoder(payload)
    try:
        for _ in range(3):
            indices = rng.integers(0, 2, 50)
            assert decoder.decode(tables, indices).shape == indices.shape
    except StreamError:
        return
    with pytest.raises(StreamError):
        decoder.finish(-1)


def test_an_escape_beyond_int32_is_damage() -> None:
    encoder = SymbolEncoder()
    encoder._encode_escapes(np.array([2**33]), np.array([3], np.int32))
    decoder = SymbolDecoder(encoder.finish())
    with pytest.raises(StreamError, match="32 bits"):
        decoder._decode_escapes(np.array([3], np.int32), np.array([0], np.int32))


def test_a_panic_is_damage_and_an_interrupt_is_not() -> None:
    class Panic(BaseException):
        """What a panic of Rust arrives as."""

    with pytest.raises(StreamError), coder._damage_is_an_error():
        raise Panic
    with pytest.raises(KeyboardInterrupt), coder._damage_is_an_error():
        raise KeyboardInterrupt


def test_models_are_built_once() -> None:
    tables = random_tables(np.random.default_rng(0), 3)
    assert tables.models is tables.models
    assert len(tables.models) == len(tables) == 3
    assert GAUSSIAN_SCALES.size == len(gaussian_tables())

"""Whatever bytes a stream has, decoding ends in its pictures or in a `StreamError`, soon and in little memory."""

import tracemalloc
from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest

from core.hooks import PacketType, PictureFormat
from core.machine import peak_memory
from core.stream.fields import Fields, seal, seed
from core.symbols.coder import SymbolDecoder
from core.testing import damage as ways
from core.testing.damage import Remembering, forged
from core.testing.material import ARITHMETIC, stream_header, write_stream

from .cases import CASES, OWN
from .material import build_frames, mode

WIDTH, HEIGHT, COUNT, GOP = 40, 24, 6, 4
MEMORY = 256 << 20
"""Bytes that decoding damaged streams may add to the process; sound ones have run before."""
MAX_SYMBOL = 2**31 - 1


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module", params=OWN)
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def codec(case):
    return case.codec(case.smallest())


@pytest.fixture(scope="module")
def coded(codec):
    """Coded frames, two intra among them."""
    encoder = codec.encoder(PictureFormat(WIDTH, HEIGHT))
    frames = build_frames(COUNT, HEIGHT, WIDTH)
    return [item for n, frame in enumerate(frames) for item in encoder.encode(frame, n, n % GOP == 0)]


@pytest.fixture(scope="module")
def packets(coded):
    return [item.packet for item in coded]


@pytest.fixture(scope="module")
def decode(codec, coded, tmp_path_factory):
    """Decodes bytes in a file, within the limits: the pictures, and the error's sentence or None."""
    path = tmp_path_factory.mktemp("damage") / "stream.mdv"

    def run(data, codec=codec, arithmetic=ARITHMETIC):
        path.write_bytes(data)
        return ways.decode(path, codec, arithmetic)

    sound = run(written([item.packet for item in coded], tmp_path_factory.mktemp("sound")))
    assert sound[1] is None and len(sound[0]) == COUNT
    before = peak_memory()
    yield run
    assert peak_memory() - before < MEMORY


@pytest.fixture(scope="module")
def stream(packets, tmp_path_factory):
    return written(packets, tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def other(packets, tmp_path_factory):
    """The same model and size, but another stream: its packets fit the first one's places as well as can be."""
    return written(packets[:1] + packets[4:] + packets[1:4], tmp_path_factory.mktemp("other"), gop=5)


def header(gop=GOP, width=WIDTH):
    return stream_header(width=width, height=HEIGHT, gop=gop)


def written(packets, folder, **options):
    return write_stream(folder / "stream.mdv", header(**options), packets)


CRC = int.from_bytes(header().encode()[-4:], "little")


@pytest.mark.parametrize(
    ("damage", "count"),
    [
        *((ways.flipped, 700), (ways.cut, 400), (ways.spliced, 400)),
        *((ways.removed, 200), (ways.headed, 150), (ways.noise, 150)),
    ],
)
def test_damaged_streams(decode, codec, coded, stream, other, damage, count):
    """What is shown before the damage is found is right; a stream that is whole after all shows everything."""
    rng, codec = np.random.default_rng(count), Remembering(codec)
    for _ in range(count):
        data = damage(rng, stream, other, len(header().encode()))
        if damage is ways.spliced and data.startswith(other[: len(header().encode())]):
            continue  # spliced within the header, it begins as the other stream does, with other frames
        shown, told = decode(data, codec)
        if told is None:
            assert data == stream and len(shown) == COUNT
        for ours, theirs in zip(shown, coded, strict=False):
            np.testing.assert_array_equal(ours, theirs.picture)


@pytest.mark.parametrize("length", [2**32 - 1, 2**63, 2**64 - 1])
def test_lengths_are_not_believed(decode, packets, length):
    for number, packet in enumerate(packets):
        true = Fields.of(packet)
        lie = Fields(true.type, true.time, length, true.symbols, true.picture)
        data = header().encode() + b"".join(
            seal(lie if n == number else Fields.of(p), p.payload, seed(CRC, n)) for n, p in enumerate(packets)
        )
        tracemalloc.start()
        shown, told = decode(data)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(shown) == number
        assert f"packet {number} says that it has {length} bytes" in told
        assert most < 32 << 20


def test_other_payloads_are_other_symbols(decode, packets, coded, tmp_path):
    """All checks of the container are right; that of the symbols finds it before the network computes."""
    rng = np.random.default_rng(5)
    for number, packet in enumerate(packets):
        for changed in forged(packet, rng):
            changed = [*packets[:number], changed, *packets[number + 1 :]]
            shown, told = decode(written(changed, tmp_path))
            for ours, theirs in zip(shown, coded, strict=False):
                np.testing.assert_array_equal(ours, theirs.picture)
            # Bits behind the last symbol's interval are read by no one.
            assert (
                len(shown) == COUNT if told is None else f"packet {number}" in told and len(shown) == number
            )


def test_the_network_takes_any_symbols(decode, packets, tmp_path, monkeypatch):
    """A forger computes the checks of symbols and pictures as well: there are pictures of some kind, or an error."""
    monkeypatch.setattr(SymbolDecoder, "finish", lambda decoder, expected: None)
    rng = np.random.default_rng(6)
    for number, packet in enumerate(packets):
        for changed in forged(packet, rng):
            changed = [*packets[:number], changed, *packets[number + 1 : number + 2]]
            told = of_some_kind(decode, written(changed, tmp_path))
            assert told is None or f"packet {number}" in told


def of_some_kind(decode, data):
    """Decode by other arithmetic, which may give other pictures."""
    shown, told = decode(data, arithmetic="another")
    assert all(picture.dtype == np.uint8 and picture.shape == (3, HEIGHT, WIDTH) for picture in shown)
    return told


@pytest.mark.parametrize("largest", [300, 10**6, MAX_SYMBOL])
def test_the_network_takes_extreme_latents(decode, case, codec, packets, tmp_path, largest):
    """Motion that points far away, overflow in the network: as rightly coded symbols."""
    rng = np.random.default_rng(7)
    for _ in range(5):
        intra, inter = case.tests.forged(codec, rng, largest)
        intra = intra or packets[0]
        for changed in ([intra, *packets[1:]], [packets[0], inter, *packets[2:]], [intra, inter]):
            of_some_kind(decode, written(changed, tmp_path))


def test_a_picture_of_no_numbers_is_a_fault_of_its_packet(decode, codec, packets, tmp_path, monkeypatch):
    right = codec.decode

    def spoiled(packet, reference):
        made = right(packet, reference)
        return (made[0] * np.nan, *made[1:]) if isinstance(made, tuple) else made * np.nan

    monkeypatch.setattr(codec, "decode", spoiled)
    shown, told = decode(written(packets, tmp_path))
    assert len(shown) == 1
    assert "packet 1: The network's picture holds values that are no numbers" in told


LATEST = 25 * 2**31 - 1
"""The latest time that a stream of 25 frames a second holds; of later ones none can be written."""


@pytest.mark.parametrize(
    "change",
    [
        lambda p: [p[1], *p[1:]],  # begins with an inter packet
        lambda p: [p[0], p[0]],  # the same time twice
        lambda p: [p[0], p[2], p[1]],  # going back in time
        lambda p: [p[0], replace(p[1], type=PacketType.INTRA)],
        lambda p: [p[0], replace(p[4], type=PacketType.INTER)],
        lambda p: [replace(p[0], time=LATEST), p[1]],
        lambda p: [p[0], replace(p[1], symbols=p[1].symbols ^ 1)],
        lambda p: [p[0], replace(p[1], picture=p[1].picture ^ 1)],
        lambda p: [p[0], p[2]],  # another reference than it was coded from
    ],
)
def test_packets_in_wrong_places(decode, packets, tmp_path, change):
    shown, told = decode(written(change(packets), tmp_path))
    assert told is not None
    assert len(shown) <= 2


def test_another_size_than_was_coded(decode, packets, tmp_path):
    """A forged header makes all latents larger."""
    shown, told = decode(written(packets, tmp_path, width=1000))
    assert shown == []
    assert "packet 0" in told

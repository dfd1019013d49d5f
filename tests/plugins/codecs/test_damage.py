"""Whatever bytes a stream has, decoding ends in its pictures or in a `StreamError`, soon and in little memory."""

import resource
import time
import tracemalloc
from dataclasses import replace
from fractions import Fraction

import mindspore as ms
import numpy as np
import pytest

from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.entropy.coder import SymbolDecoder
from core.entropy.stream import StreamHeader, StreamWriter
from core.entropy.stream.fields import Fields, sealed, seed
from core.errors import StreamError
from core.hooks import PacketType, PictureFormat
from core.media.colour import Matrix, Range

from .material import build_frames, mode
from .subjects import OWN, SUBJECTS

WIDTH, HEIGHT, COUNT, GOP = 40, 24, 6, 4
ARITHMETIC = "tests"
LONGEST = 10.0
"""Seconds for one stream."""
MEMORY = 256 << 20
"""Bytes that decoding damaged streams may add to the process; sound ones have run before."""
LARGEST = 2**31 - 1


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    with mode(ms.GRAPH_MODE):
        yield


@pytest.fixture(scope="module", params=OWN)
def subject(request):
    return SUBJECTS[request.param]


@pytest.fixture(scope="module")
def codec(subject):
    return subject.codec(subject.smallest())


@pytest.fixture(scope="module")
def coded(codec):
    """Coded frames, two intra among them."""
    encoder = codec.encoder(PictureFormat(WIDTH, HEIGHT))
    frames = build_frames(COUNT, HEIGHT, WIDTH)
    return [item for n, frame in enumerate(frames) for item in encoder.encode(frame, n, n % GOP == 0)]


@pytest.fixture(scope="module")
def packets(coded):
    return [item.packet for item in coded]


class Remembering:
    """A codec that decodes each beginning of a stream once: most damage is found before there is anything new."""

    def __init__(self, codec):
        self.codec, self.known = codec, {}

    def decoder(self, format):
        return RememberingDecoder(self, format)


class RememberingDecoder:
    def __init__(self, remembering, format):
        self.codec, self.known = remembering.codec, remembering.known
        self.format, self.packets = format, ()

    def decode(self, packet):
        self.packets += (packet,)
        key = self.format, self.packets
        if key not in self.known:
            decoder = self.codec.decoder(self.format)
            *_, self.known[key] = [decoder.decode(packet) for packet in self.packets]
        return self.known[key]

    def flush(self):
        return []


@pytest.fixture(scope="module")
def decode(codec, coded, tmp_path_factory):
    """Decodes bytes in a file, within the limits: the pictures, and the error's sentence or None."""
    path = tmp_path_factory.mktemp("damage") / "stream.mdv"

    def run(data, codec=codec, arithmetic=ARITHMETIC):
        path.write_bytes(data)
        loaded = LoadedCodec("tried", codec, bytes(16), GOP, False, arithmetic)
        began, shown, told = time.monotonic(), [], None
        try:
            with StreamDecoder(path, loaded) as stream:
                for frame in stream.frames():
                    shown.append(frame.picture)
        except StreamError as error:
            told = str(error)
        assert time.monotonic() - began < LONGEST
        return shown, told

    sound = run(written([item.packet for item in coded], tmp_path_factory.mktemp("sound")))
    assert sound[1] is None and len(sound[0]) == COUNT
    before = peak()
    yield run
    assert peak() - before < MEMORY


@pytest.fixture(scope="module")
def stream(packets, tmp_path_factory):
    return written(packets, tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def other(packets, tmp_path_factory):
    """The same model and size, but another stream: its packets fit the first one's places as well as can be."""
    return written(packets[:1] + packets[4:] + packets[1:4], tmp_path_factory.mktemp("other"), gop=5)


def header(gop=GOP, width=WIDTH):
    return StreamHeader(
        *("tried", bytes(16), width, HEIGHT, 8, Fraction(25), Fraction(1, 25), COUNT),
        *("yuv420p", Matrix.BT709, Range.LIMITED, gop, ARITHMETIC),
    )


def written(packets, folder, **options):
    with StreamWriter.create(folder / "stream.mdv", header(**options)) as writer:
        for packet in packets:
            writer.write(packet)
    return (folder / "stream.mdv").read_bytes()


CRC = int.from_bytes(header().encode()[-4:], "little")


def peak():
    """The most memory that the process had, bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def flipped(rng, data, other):
    """One to eight bits."""
    damaged = bytearray(data)
    for at in rng.integers(0, len(data), rng.integers(1, 9)):
        damaged[at] ^= 1 << rng.integers(8)
    return bytes(damaged)


def cut(rng, data, other):
    return data[: rng.integers(len(data))]


def spliced(rng, data, other):
    """A piece of another stream in place of a piece, which need not be as long."""
    start, end = sorted(rng.integers(0, len(data), 2))
    there, after = sorted(rng.integers(0, len(other), 2))
    return data[:start] + other[there:after] + data[end:]


def removed(rng, data, other):
    start, end = sorted(rng.integers(0, len(data), 2))
    return data[:start] + data[end:]


def headed(rng, data, other):
    """A damaged stream under another one's header, or another stream under this one's."""
    length = len(header().encode())
    body = data if rng.integers(2) else flipped(rng, data, other)
    first, second = (other, body) if rng.integers(2) else (body, other)
    return first[:length] + second[length:]


def noise(rng, data, other):
    """Random bytes after the header."""
    length = len(header().encode())
    return data[:length] + rng.bytes(rng.integers(len(data)))


@pytest.mark.parametrize(
    ("damage", "count"),
    [(flipped, 700), (cut, 400), (spliced, 400), (removed, 200), (headed, 150), (noise, 150)],
)
def test_damaged_streams(decode, codec, coded, stream, other, damage, count):
    """What is shown before the damage is found is right; a stream that is whole after all shows everything."""
    rng, codec = np.random.default_rng(count), Remembering(codec)
    for _ in range(count):
        data = damage(rng, stream, other)
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
            sealed(lie if n == number else Fields.of(p), p.payload, seed(CRC, n))
            for n, p in enumerate(packets)
        )
        tracemalloc.start()
        shown, told = decode(data)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert len(shown) == number
        assert f"packet {number} says that it has {length} bytes" in told
        assert most < 32 << 20


def forged(packet, rng):
    """Payloads that the container takes for whole."""
    payload = packet.payload
    yield b""
    yield rng.bytes(len(payload))
    yield b"\xff" * len(payload)
    yield payload[: rng.integers(1, len(payload))]
    yield payload + rng.bytes(50)
    for flips in (1, 1, 3, 10):
        damaged = bytearray(payload)
        for at in rng.integers(0, len(payload), flips):
            damaged[at] ^= 1 << rng.integers(8)
        yield bytes(damaged)


def test_other_payloads_are_other_symbols(decode, packets, coded, tmp_path):
    """All checks of the container are right; that of the symbols finds it before the network computes."""
    rng = np.random.default_rng(5)
    for number, packet in enumerate(packets):
        for payload in forged(packet, rng):
            changed = [*packets[:number], replace(packet, payload=payload), *packets[number + 1 :]]
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
        for payload in forged(packet, rng):
            changed = [*packets[:number], replace(packet, payload=payload), *packets[number + 1 : number + 2]]
            told = of_some_kind(decode, written(changed, tmp_path))
            assert told is None or f"packet {number}" in told


def of_some_kind(decode, data):
    """Decode by other arithmetic, which may give other pictures."""
    shown, told = decode(data, arithmetic="another")
    assert all(picture.dtype == np.uint8 and picture.shape == (3, HEIGHT, WIDTH) for picture in shown)
    return told


@pytest.mark.parametrize("largest", [300, 10**6, LARGEST])
def test_the_network_takes_extreme_latents(decode, subject, codec, packets, tmp_path, largest):
    """Motion that points far away, overflow in the network: as rightly coded symbols."""
    rng = np.random.default_rng(7)
    for _ in range(5):
        intra, inter = subject.tests.forged(codec, rng, largest)
        intra = intra or packets[0]
        for changed in ([intra, *packets[1:]], [packets[0], inter, *packets[2:]], [intra, inter]):
            of_some_kind(decode, written(changed, tmp_path))


def test_a_picture_of_no_numbers_is_a_fault_of_its_packet(
    decode, subject, codec, packets, tmp_path, monkeypatch
):
    output = subject.tests.NO_NUMBERS
    decoder = type(codec.decoder(PictureFormat(WIDTH, HEIGHT)))
    monkeypatch.setattr(decoder, "_inter", lambda decoder, packet, reference: output)
    shown, told = decode(written(packets, tmp_path))
    assert len(shown) == 1
    assert "packet 1: The network's picture holds values that are no numbers" in told


@pytest.mark.parametrize(
    "change",
    [
        lambda p: [p[1], *p[1:]],  # begins with an inter packet
        lambda p: [p[0], p[0]],  # the same time twice
        lambda p: [p[0], p[2], p[1]],  # going back in time
        lambda p: [p[0], replace(p[1], type=PacketType.INTRA)],
        lambda p: [p[0], replace(p[4], type=PacketType.INTER)],
        lambda p: [replace(p[0], time=2**63), p[1]],
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

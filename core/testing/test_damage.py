"""A damaged stream of the plugin's codec gives the frames before the damage, in order, then a `StreamError`."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from core.hooks import Packet, PacketType
from core.machine import peak_memory
from core.stream.fields import Fields, seal, seed
from core.testing.cases import Case
from core.testing.damage import (
    DAMAGES,
    Damage,
    Remembering,
    decode,
    forged,
    in_order_of_display,
    require_beginning,
)
from core.testing.material import COUNT, stream_header, write_stream

TIMES = 60
"""Each kind of damage is tried so often."""
MEMORY = 256 << 20
"""Bytes that decoding damaged streams may add to the process; sound ones have run before."""

HEADER = stream_header()
HEADER_BYTES = len(HEADER.encode())
CRC = int.from_bytes(HEADER.encode()[-4:], "little")


@pytest.fixture(scope="module")
def remembering(coder: Case) -> Remembering:
    """The codec; most damage leaves the first packets as they were."""
    return Remembering(coder.codec.codec)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_streams(coder: Case, remembering: Remembering, damage: Damage) -> None:
    """What is shown is right; a stream that is whole after all shows everything."""
    packets, expected = packets_of(coder), in_order_of_display(coder.coded)
    path = coder.folder / "damaged.mdv"
    data = write_stream(path, HEADER, packets)
    # The same model and size, but another stream: its packets fit the first one's places as well as can be.
    other = write_stream(path, stream_header(gop=5), [*packets[2:], *packets[:2]])
    rng, before = np.random.default_rng(TIMES), peak_memory()
    for _ in range(TIMES):
        damaged = damage(rng, data, other, HEADER_BYTES)
        path.write_bytes(damaged)
        shown, told = decode(path, remembering)
        require_beginning(shown, expected)
        if told is None:
            assert damaged == data
            assert len(shown) == COUNT
    assert peak_memory() - before < MEMORY


@pytest.mark.parametrize("kept", range(COUNT))
def test_frames_before_the_damage_come_out(coder: Case, remembering: Remembering, kept: int) -> None:
    """All frames that can be shown of the first packets, and none behind a gap."""
    packets, expected = packets_of(coder), in_order_of_display(coder.coded)
    path = coder.folder / "cut.mdv"
    write_stream(path, HEADER, packets)
    whole = path.read_bytes()
    size = len(write_stream(path, HEADER, packets[:kept])) - len(end(kept))
    path.write_bytes(whole[: size + 3])
    shown, told = decode(path, remembering)
    require_beginning(shown, expected)
    there = {packet.time for packet in packets[:kept]}
    complete = next(time for time in range(COUNT) if time not in there)
    assert (len(shown), told is None) == (complete, False)


@pytest.mark.parametrize("length", [2**32 - 1, 2**63, 2**64 - 1])
def test_lengths_are_not_believed(coder: Case, remembering: Remembering, length: int) -> None:
    """A packet that says it is huge costs no memory."""
    packets = packets_of(coder)
    path = coder.folder / "huge.mdv"
    true = Fields.of(packets[-1])
    lie = Fields(true.type, true.time, length, true.symbols, true.picture)
    whole = write_stream(path, HEADER, packets[:-1])
    rest = seal(lie, packets[-1].payload, seed(CRC, COUNT - 1))
    path.write_bytes(whole[: -len(end(COUNT - 1))] + rest)
    tracemalloc.start()
    shown, told = decode(path, remembering)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert f"packet {COUNT - 1} says that it has {length} bytes" in (told or "")
    assert most < 32 << 20
    require_beginning(shown, in_order_of_display(coder.coded))


def test_other_payloads_are_noticed(coder: Case, remembering: Remembering) -> None:
    """The container's checks are right, the payload is another: the codec finds it, or decodes what was coded."""
    packets, expected = packets_of(coder), in_order_of_display(coder.coded)
    path, rng = coder.folder / "forged.mdv", np.random.default_rng(5)
    for number in (0, 1, COUNT - 1):
        for other in forged(packets[number], rng):
            write_stream(path, HEADER, [*packets[:number], other, *packets[number + 1 :]])
            shown, told = decode(path, remembering)
            require_beginning(shown, expected)
            assert f"packet {number}" in told if told else len(shown) == COUNT


MUST_BE_TOLD = ("the same frame twice", "an inter packet first", "other symbols", "another picture")
"""The others need not harm: some codecs tell intra packets by their bytes, and to some no packet is missed."""
CHANGES: dict[str, Callable[[list[Packet]], list[Packet]]] = {
    "the same frame twice": lambda p: [p[0], p[0], *p[1:]],
    "an inter packet first": lambda p: [next(q for q in p if q.type is PacketType.INTER), *p[1:]],
    "a packet that is missing": lambda p: [p[0], *p[2:]],
    "an inter packet that says it is intra": lambda p: [p[0], replace(p[1], type=PacketType.INTRA), *p[2:]],
    "an intra packet that says it is inter": lambda p: [replace(p[0], type=PacketType.INTER), *p[1:]],
    "the latest of all times": lambda p: [replace(p[0], time=HEADER.end_of_time - 1), *p[1:]],
    "other symbols": lambda p: [p[0], replace(p[1], symbols=p[1].symbols ^ 1), *p[2:]],
    "another picture": lambda p: [p[0], replace(p[1], picture=p[1].picture ^ 1), *p[2:]],
}


@pytest.mark.parametrize("change", CHANGES)
def test_packets_in_wrong_places(coder: Case, remembering: Remembering, change: str) -> None:
    """A forger computes the container's checks as well: nothing is shown that was not coded."""
    packets = packets_of(coder)
    if all(packet.type is PacketType.INTRA for packet in packets) and "inter" in change:
        pytest.skip("the codec codes intra frames alone")
    path = coder.folder / "wrong.mdv"
    write_stream(path, HEADER, CHANGES[change](packets))
    shown, told = decode(path, remembering)
    assert told or change not in MUST_BE_TOLD
    expected = iter(in_order_of_display(coder.coded))
    for picture in shown:  # each is the next one of those that were coded, or a later one
        assert any(np.array_equal(picture, other) for other in expected)


def packets_of(case: Case) -> list[Packet]:
    """Packets of the case's video."""
    return [frame.packet for frame in case.coded]


def end(packets: int) -> bytes:
    """The last packet of a stream of so many."""
    return seal(Fields(0, packets), b"", seed(CRC, packets))

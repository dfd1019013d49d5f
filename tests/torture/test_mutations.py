"""The ways to spoil files: by chance that can be had again, without faults of their own, and as deep as they say."""

import json

import numpy as np
import pytest

from core.errors import StreamError
from core.hooks import Packet, PacketType
from core.stream import StreamReader
from core.testing.material import stream_header, write_stream
from core.training.checkpoint import Checkpoint
from tests.torture import containers, materials, mutations, records, streams, weights


def chance(number):
    return np.random.default_rng(number)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("material")


@pytest.fixture(scope="module")
def stream(folder):
    packets = [Packet(PacketType.INTRA, time, bytes(range(9)) * time, 3, 4) for time in range(1, 6)]
    return write_stream(folder / "sound.mdv", stream_header(), packets)


@pytest.fixture(scope="module")
def media(folder):
    """The bytes of a file, or of a picture, of each format."""
    found = {}
    for suffix in materials.FORMATS:
        path = materials.video(folder, suffix)
        found[suffix] = (path if path.is_file() else path / f"000{suffix}").read_bytes()
    return found


@pytest.mark.parametrize("data", [b"", b"a", b"ab", bytes(range(200))])
def test_bytes_are_spoiled_in_the_same_way_by_the_same_chance(data):
    made = [mutations.spoiled(chance(number), data) for number in range(300)]
    assert made == [mutations.spoiled(chance(number), data) for number in range(300)]
    if len(data) > 2:
        assert len(set(made)) > 200
        assert {len(one) - len(data) > 0 for one in made} == {True, False}


@pytest.mark.parametrize("way", mutations.BYTEWISE)
def test_each_way_changes_something(way):
    data = bytes(range(1, 201))
    assert sum(way(chance(number), data) != data for number in range(50)) > 30


def test_forged_streams_are_whole_to_the_container(folder, stream):
    """Most damage of which every checksum is right is found behind the checks of bytes, or not at all."""
    parts, path = streams.Parts.read(folder / "sound.mdv"), folder / "forged.mdv"
    assert parts.joined() == stream
    ends = []
    for number in range(300):
        path.write_bytes(streams.forged(chance(number), parts))
        try:
            with StreamReader(path) as reader:
                ends.append(str(sum(1 for _ in reader)))
        except StreamError as error:
            ends.append(str(error))
    assert sum(end.isdigit() for end in ends) > 50 and len(set(ends)) > 20


def test_media_have_pieces_and_are_rearranged(media):
    for suffix, data in media.items():
        pieces = list(containers.PIECES[suffix](data))
        assert len(pieces) >= 4, suffix
        assert all(0 <= piece.start <= piece.body <= piece.end <= len(data) for piece in pieces), suffix
        made = [containers.spoiled_media(chance(number), data, suffix) for number in range(200)]
        assert all(data.startswith(spoiled) for spoiled, cut in made if cut)
        assert 20 < sum(cut for _, cut in made) < 80


def test_png_checksums_are_right_again(media):
    data = bytearray(media[".png"])
    data[30] ^= 1  # within the header's checksum
    assert mutations.resealed_png(bytes(data)) == media[".png"]


def test_records_are_spoiled_by_value():
    record = json.dumps({"score": 1.5, "words": ["a", "b"], "failure": None}).encode()
    kinds = set()
    for number in range(300):
        spoiled = records.spoiled_record(chance(number), record)
        try:
            kinds.add(type(json.loads(spoiled)))
        except (ValueError, RecursionError) as error:
            kinds.add(type(error))
    assert {dict, list, str, json.JSONDecodeError, RecursionError} <= kinds


def test_checkpoints_are_spoiled_behind_their_checksum(folder):
    path = folder / "checkpoint.safetensors"
    tensors = {"model/a": np.ones((3, 2), np.float32), "tables/b": np.arange(4, dtype=np.int32)}
    Checkpoint(path, tensors, {"model": "toy"}, {"name": "toy"}, {}).save()
    sound, accepted = path.read_bytes(), 0
    for number in range(200):
        path.write_bytes(weights.spoiled_safetensors(chance(number), sound))
        try:
            accepted += Checkpoint.open(path) is not None and path.read_bytes() != sound
        except Exception:  # what opening them raises is what the torture is for
            continue
    assert accepted > 5


def test_archives_are_spoiled_and_made_anew(folder):
    path = folder / "weights.npz"
    np.savez(path, a=np.ones(3, np.float32), b=np.zeros((2, 2), np.float32))
    sound, names = path.read_bytes(), set()
    for number in range(100):
        path.write_bytes(weights.rezipped(chance(number), sound))
        with np.load(path) as archive:
            names |= set(archive.files)
    assert {"a", "b"} < names and any("elsewhere" in name for name in names)

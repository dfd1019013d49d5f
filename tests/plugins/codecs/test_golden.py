"""A stream of version 1 that each codec once made goes on to decode (``make_golden.py`` says how it was made)."""

import json

import mindspore as ms
import numpy as np
import pytest

import core
from core.codec.decoded_pictures import checksum
from core.coding.frames import StreamDecoder
from core.errors import StreamError
from core.metrics.quality import psnr
from core.stream import StreamReader

from .make_golden import choices, folder
from .material import mode

CLOSE = 50.0
"""dB between pictures of different machines; they differ by single samples that lie between two steps."""


@pytest.fixture(scope="module")
def loaded(case):
    with mode(ms.GRAPH_MODE):
        yield core.open_run(choices(case)).codec(folder(case.name) / f"{case.name}.safetensors")


@pytest.fixture(scope="module")
def record(case):
    return json.loads((folder(case.name) / f"{case.name}.json").read_text())


@pytest.fixture(scope="module")
def stored(case):
    with np.load(folder(case.name) / "pictures.npz") as file:
        return file["pictures"]


@pytest.fixture(scope="module")
def stream(case):
    return folder(case.name) / f"{case.name}.mdv"


def test_the_container_is_read_as_it_was_written(case, stream, record):
    with StreamReader(stream) as reader:
        assert (reader.header.codec, reader.header.width, reader.header.height) == (case.name, 40, 24)
        assert (reader.header.gop, reader.header.frame_rate) == (4, 25)
        assert reader.header.arithmetic == record["arithmetic"]
        packets = list(reader)
    told = [
        {"type": p.type.name, "time": p.time, "symbols": p.symbols, "picture": p.picture} for p in packets
    ]
    assert told == record["frames"]


def decoded(stream, loaded):
    """The frames, and the sentence in which decoding ended early, if it did."""
    frames = []
    with StreamDecoder(stream, loaded) as decoder:
        try:
            frames.extend(decoder.frames())
        except StreamError as error:
            return frames, str(error)
    return frames, ""


def test_the_stream_decodes_to_its_pictures(case, loaded, stream, record, stored):
    """All symbols are right on every machine, else there was an error; pictures are equal by equal arithmetic."""
    same = loaded.arithmetic == record["arithmetic"]
    frames, told = decoded(stream, loaded)
    if told and not case.portable and not same:
        assert "may need the same" in told
        return
    assert told == ""
    assert [frame.time for frame in frames] == [packet["time"] for packet in record["frames"]]
    for frame, picture, packet in zip(frames, stored, record["frames"], strict=True):
        assert checksum(picture) == packet["picture"]
        assert picture.std() > 5
        if same:
            assert checksum(frame.picture) == packet["picture"]
        else:
            assert psnr(frame.picture / 255, picture / 255) >= CLOSE

"""A stream of format version 1 that was made once goes on to decode (``make_golden.py`` says how it was made)."""

import json

import mindspore as ms
import numpy as np
import pytest

import core
from core.coding.frames import StreamDecoder
from core.entropy.stream import StreamReader
from core.media.decoded import checksum
from core.metrics.quality import psnr

from .make_golden import CHOICES, GOLDEN

CLOSE = 50.0
"""dB between pictures of different machines; they differ by single samples that lie between two steps."""


@pytest.fixture(scope="module")
def loaded():
    before = ms.get_context("mode")
    yield core.open_run(CHOICES).codec(GOLDEN / "ssfvc.safetensors")
    ms.set_context(mode=before)


@pytest.fixture(scope="module")
def record():
    return json.loads((GOLDEN / "ssfvc.json").read_text())


@pytest.fixture(scope="module")
def stored():
    with np.load(GOLDEN / "pictures.npz") as file:
        return file["pictures"]


def test_the_container_is_read_as_it_was_written(record):
    with StreamReader(GOLDEN / "ssfvc.mdv") as reader:
        assert (reader.header.codec, reader.header.width, reader.header.height) == ("ssfvc", 40, 24)
        assert (reader.header.gop, reader.header.frame_rate) == (4, 25)
        assert reader.header.arithmetic == record["arithmetic"]
        packets = list(reader)
    told = [
        {"type": p.type.name, "time": p.time, "symbols": p.symbols, "picture": p.picture} for p in packets
    ]
    assert told == record["frames"]


def test_the_stream_decodes_to_its_pictures(loaded, record, stored):
    """All symbols are right on every machine, else there was an error; pictures are equal by equal arithmetic."""
    with StreamDecoder(GOLDEN / "ssfvc.mdv", loaded) as decoder:
        frames = list(decoder.frames())
    assert [frame.time for frame in frames] == [packet["time"] for packet in record["frames"]]
    for frame, picture, packet in zip(frames, stored, record["frames"], strict=True):
        assert checksum(picture) == packet["picture"]
        assert picture.std() > 5
        if loaded.arithmetic == record["arithmetic"]:
            assert checksum(frame.picture) == packet["picture"]
        else:
            assert psnr(frame.picture / 255, picture / 255) >= CLOSE

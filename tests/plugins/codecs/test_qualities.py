"""Codecs of one network for many qualities: a packet says its own, and a decoder need not be told."""

from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest

from core.hooks import HasQualities, PictureFormat

from .cases import CASES
from .material import build_frames, decoded, encoded, mode

FORMAT = PictureFormat(64, 64)


@pytest.fixture(scope="module", autouse=True)
def _pynative():
    with mode(ms.PYNATIVE_MODE):
        yield


@pytest.fixture(scope="module", params=[pytest.param("compact", marks=pytest.mark.slow), "dcvcuf"])
def codec(request):
    return CASES[request.param].codec()


def test_all_qualities_may_be_set(codec):
    assert isinstance(codec, HasQualities)
    own = codec.config.quality
    known = codec.qualities
    assert (known.coarsest, known.finest, known.step, known.own) == (0, 63, 1, own)
    assert codec.at(17.4).config.quality == 17 and codec.config.quality == own
    assert codec.at(17).qualities.own == 17


def test_it_may_change_from_group_to_group(codec):
    """By encoders at several qualities, whose packets make one stream; all of it follows, intra frames too."""
    frames, packets, shown, errors = build_frames(2, 64, 64), [], [], []
    for number, quality in enumerate((2, 60, 2)):
        group = encoded(codec.at(quality), FORMAT, frames)
        packets += [replace(item.packet, time=2 * number + item.packet.time) for item in group]
        shown += [item.picture for item in group]
        errors.append([np.abs(item.picture / 255 - x).mean() for item, x in zip(group, frames, strict=True)])
    assert errors[1][0] < errors[0][0]
    sizes = [len(packet.payload) for packet in packets]
    assert sizes[2] > sizes[0] and sizes[3] > sizes[1] and sizes[:2] == sizes[4:]
    for frame, picture in zip(decoded(codec, FORMAT, packets), shown, strict=True):
        np.testing.assert_array_equal(frame.picture, picture)

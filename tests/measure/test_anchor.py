"""The anchor: what another codec makes of a clip with no more bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from material import moving, shots

from core.app import plugins
from core.errors import ConfigError
from core.hooks import CodecEntry
from core.measure.anchor import CLOSE_ENOUGH, Anchor
from core.media.colour import Subsampling
from core.metrics.quality import as_stored, psnr


def build(name: str = "x264", **options: Any) -> Anchor:
    entry = plugins(()).find("codec", name)
    assert isinstance(entry, CodecEntry)
    return Anchor(entry, entry.config(**options))


@pytest.mark.parametrize("limit", [2500, 8000, 20000])
@pytest.mark.parametrize("gop", [4, 0])
def test_the_anchor_uses_the_bytes_that_it_may(limit: int, gop: int) -> None:
    clip = np.stack(shots("box_handheld", "box_handheld", 8, 128)[:8])
    found = build().match(clip, limit, gop)
    assert CLOSE_ENOUGH * limit <= found.bytes <= limit
    assert found.pictures.shape == clip.shape
    assert found.pictures.dtype == np.float32


def test_more_bytes_make_a_better_anchor() -> None:
    clip = np.stack(shots("city_night", "city_night", 4, 128)[:4])
    quality = [
        psnr(build().match(clip, limit, 4).pictures, as_stored(clip)).mean() for limit in (2000, 8000, 32000)
    ]
    assert quality[0] + 2 < quality[1] < quality[2] - 2


def test_an_anchor_that_cannot_be_so_small_is_the_coarsest() -> None:
    clip = np.stack(moving(3))
    found = build().match(clip, 10, 0)
    assert found.crf == 51
    assert found.bytes > 10


def test_an_anchor_of_odd_size() -> None:
    clip = np.stack(moving(3, 47, 35))
    assert build().match(clip, 3000, 0).pictures.shape == (3, 3, 35, 47)


def test_the_anchor_is_the_same_each_time() -> None:
    clip = np.stack(moving(6))
    first, second = (build().match(clip, 2000, 2) for _ in range(2))
    assert (first.crf, first.bytes) == (second.crf, second.bytes)
    np.testing.assert_array_equal(first.pictures, second.pictures)


def test_any_codec_whose_rate_can_be_searched() -> None:
    """SVT-AV1 codes 4:2:0 alone."""
    clip = np.stack(shots("box_handheld", "box_handheld", 4, 96)[:4])
    found = build("svtav1", preset=12).match(clip, 3000, 4)
    assert found.subsampling is Subsampling.YUV420
    assert found.pictures.shape == clip.shape
    assert 0 < found.bytes <= 3000


@pytest.mark.parametrize("name", ["dvc", "resampled"])
def test_a_codec_that_cannot_be_one(name: str) -> None:
    entry = plugins(()).find("codec", name)
    assert isinstance(entry, CodecEntry)
    with pytest.raises(ConfigError, match=f"task.anchor={name} cannot be given no more bytes"):
        Anchor(entry, None)

"""The anchor: what another codec makes of a clip with no more bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from material import moving, shots

from core.app import plugins
from core.coding.clips import decode_clip, encode_clip
from core.errors import ConfigError
from core.hooks import Array, CodecEntry
from core.measure.rate_matching import CLOSE_ENOUGH, Match, RateMatcher
from core.metrics.quality import as_stored, psnr
from core.stream import StreamReader


def build(name: str = "x264", **options: Any) -> RateMatcher:
    entry = plugins(()).find("codec", name)
    assert isinstance(entry, CodecEntry)
    return RateMatcher(entry, entry.config(**options))


def coded(found: Match, clip: Array, path: Path) -> tuple[Array, int]:
    """What comes back of a stream by the codec that was found, and the bytes of its packets."""
    encode_clip(found.codec, clip, path)
    with StreamReader(path) as reader:
        return decode_clip(found.codec, path), sum(len(packet.payload) for packet in reader)


@pytest.mark.parametrize("limit", [2500, 8000, 20000])
@pytest.mark.parametrize("gop", [4, 0])
def test_the_anchor_uses_the_bytes_that_it_may(limit: int, gop: int, tmp_path: Path) -> None:
    clip = np.stack(shots("box_handheld", "box_handheld", 8, 128)[:8])
    found = build().match(clip, limit, gop)
    assert CLOSE_ENOUGH * limit <= found.bytes <= limit
    pictures, size = coded(found, clip, tmp_path / "anchor.mdv")
    assert size == found.bytes
    assert found.psnr == pytest.approx(psnr(pictures, as_stored(clip)).mean(), abs=1e-4)


def test_more_bytes_make_a_better_anchor() -> None:
    clip = np.stack(shots("city_night", "city_night", 4, 128)[:4])
    quality = [build().match(clip, limit, 4).psnr for limit in (2000, 8000, 32000)]
    assert quality[0] + 2 < quality[1] < quality[2] - 2


def test_an_anchor_that_cannot_be_so_small_is_the_coarsest() -> None:
    clip = np.stack(moving(3))
    found = build().match(clip, 10, 0)
    assert found.crf == 51
    assert found.bytes > 10


def test_an_anchor_of_odd_size(tmp_path: Path) -> None:
    clip = np.stack(moving(3, 47, 35))
    pictures, _ = coded(build().match(clip, 3000, 0), clip, tmp_path / "anchor.mdv")
    assert pictures.shape == (3, 3, 35, 47)


def test_the_anchor_is_the_same_each_time() -> None:
    clip = np.stack(moving(6))
    first, second = (build().match(clip, 2000, 2) for _ in range(2))
    assert (first.crf, first.bytes, first.psnr) == (second.crf, second.bytes, second.psnr)


def test_any_codec_whose_rate_can_be_searched() -> None:
    """SVT-AV1 codes 4:2:0 alone."""
    clip = np.stack(shots("box_handheld", "box_handheld", 4, 96)[:4])
    found = build("svtav1", preset=12).match(clip, 3000, 4)
    assert found.pixel_format == "yuv420p"
    assert 0 < found.bytes <= 3000 and found.psnr > 25


@pytest.mark.parametrize("name", ["dvc", "resampled"])
def test_a_codec_that_cannot_be_one(name: str) -> None:
    entry = plugins(()).find("codec", name)
    assert isinstance(entry, CodecEntry)
    with pytest.raises(ConfigError, match=rf"task\.anchor={name} cannot be given no more bytes"):
        RateMatcher(entry, None)


def test_options_that_exclude_a_rate_factor() -> None:
    with pytest.raises(ConfigError, match=r"task\.anchor_options: give codec\.crf or codec\.qp"):
        build(crf=None, qp=30)

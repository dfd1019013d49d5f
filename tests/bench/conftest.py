"""Points and outcomes that were not measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.bench.records import Outcome
from core.measure.records import ClipRecord, PointRecord

CLIP = ClipRecord(
    label="clip 0",
    frames=4,
    width=16,
    height=8,
    counted_bytes=64,
    file_bytes=164,
    packet_bytes=64,
    values={"psnr_rgb": 30.0, "psnr_y": 32.0, "psnr_yuv": 33.0, "ssim": 0.9, "ms_ssim": None},
    encode_seconds=0.5,
    decode_seconds=0.25,
    encode_entropy_seconds=None,
    decode_entropy_seconds=None,
    cold=False,
    peak_memory=1 << 30,
    source="5" * 64,
    stream="7" * 64,
    key="3" * 64,
)
POINT = PointRecord(
    codec="toy",
    axes={"coding": "residual", "supervision": "objective", "direction": "unidirectional"},
    gop=12,
    intra=None,
    counted="packets",
    parameters=None,
    multiply_adds=None,
    fingerprint="ab" * 16,
    options={"crf": 20},
    device=None,
    versions={"mindvideo": "0"},
    machine="a machine",
    clips=[CLIP],
    cached=0,
)


@pytest.fixture
def clip():
    """A record with some fields of one's own."""
    return lambda **fields: replace(CLIP, **fields)


@pytest.fixture
def outcomes():
    """The outcomes of a contender on a set: rate and quality for each clip of each point."""

    def make(contender, points, test_set="clips", quality="psnr_rgb", **fields):
        made = []
        for number, clips in enumerate(points):
            records = [
                replace(
                    CLIP,
                    label=f"clip {index}",
                    source=str(index) * 64,
                    counted_bytes=round(rate * 4 * 16 * 8 / 8 * 1000),
                    width=16 * 1000,
                    values={**CLIP.values, quality: value},
                )
                for index, (rate, value) in enumerate(clips)
            ]
            point = replace(POINT, clips=records, **fields)
            made.append(Outcome(contender, f"p{number}", test_set, ["words"], 1.0, point))
        return made

    return make

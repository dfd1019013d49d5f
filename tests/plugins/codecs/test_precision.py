"""A stream that was coded in one precision decodes in another: equal symbols, and pictures that hardly drift."""

import mindspore as ms
import pytest

from core.backend import Backend
from core.hooks import PictureFormat

from .cases import CASES, OWN, PORTABLE_DCVC
from .material import build_frames, mode, psnr

CLOSE = 45.0
"""dB against the encoder's pictures."""


@pytest.fixture(
    params=[*(CASES[name] for name in OWN if CASES[name].portable), PORTABLE_DCVC], ids=lambda s: s.name
)
def case(request):
    return request.param


@pytest.mark.parametrize("coded_low", [False, True], ids=["decoded in bfloat16", "coded in bfloat16"])
@pytest.mark.parametrize("count", [6, pytest.param(101, marks=pytest.mark.slow)])
def test_precisions_share_streams(kernels, case, coded_low, count):
    format = PictureFormat(max(case.multiple - 8, 56), max(case.multiple - 28, 36))
    frames = build_frames(count, format.height, format.width)
    with mode(ms.PYNATIVE_MODE):
        with Backend(kernels, low=ms.bfloat16 if coded_low else None):
            encoder = case.codec().encoder(format)
        with Backend(kernels, low=None if coded_low else ms.bfloat16):
            decoder = case.codec().decoder(format)
        coded = [item for time, frame in enumerate(frames) for item in encoder.encode(frame, time, time == 0)]
        decoded = [shown for item in coded for shown in decoder.decode(item.packet)]
    qualities = [psnr(ours.picture, theirs.picture) for ours, theirs in zip(decoded, coded, strict=True)]
    assert min(qualities) >= CLOSE
    assert any((ours.picture != theirs.picture).any() for ours, theirs in zip(decoded, coded, strict=True))

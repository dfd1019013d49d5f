"""The upscaler gives what the network gives, for any choice of outputs."""

import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import Output
from core.media.tiles import plan_tiles
from plugins.cycmunet.config import CycMuNetUpscalerConfig, Format
from plugins.cycmunet.plugin import UPSCALER

ORDER = (Output.FIRST, Output.MIDDLE, Output.LAST, Output.LOW_MIDDLE)
CHOICES = [(), (Output.LOW_MIDDLE,), (Output.FIRST, Output.LAST), (Output.FIRST, Output.MIDDLE), ORDER]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            {"format": Format.yuv420, "floor": True, "motion": True}, id="yuv420", marks=pytest.mark.slow
        ),
        pytest.param(
            {
                "floor": True,
                "motion": True,
                "details": True,
                "cycles": 0,
                "middle_blocks": 1,
                "trunk_blocks": 0,
            },
            id="lean",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_outputs(randomised, frames, options):
    network = randomised(**options)
    whole = [np.clip(t.asnumpy(), 0, 1) for t in network(*(Tensor(frame) for frame in frames))]
    upscaler = UPSCALER.build(CycMuNetUpscalerConfig(), network)
    for choice in CHOICES:
        results = upscaler(*frames, choice)
        assert set(results) == set(choice)
        for output, result in results.items():
            assert result.dtype == np.float32
            np.testing.assert_allclose(result, whole[ORDER.index(output)], atol=1e-5)


@pytest.mark.parametrize(
    ("options", "alignment"),
    [
        ({"levels": 3}, 4),
        ({"levels": 1, "format": Format.yuv420}, 2),
        ({"levels": 1}, 1),
        ({"levels": 1, "motion": True, "floor": True}, 8),
    ],
)
def test_alignment(randomised, options, alignment):
    network = randomised(**options)
    assert UPSCALER.build(CycMuNetUpscalerConfig(), network).alignment == alignment


def test_tiles_are_invisible(fresh):
    """A picture upscaled tile by tile is the picture upscaled whole, to a tenth of an 8-bit step."""
    upscaler = UPSCALER.build(CycMuNetUpscalerConfig(), fresh())
    first, last = np.random.default_rng(8).random((2, 3, 57, 90), dtype=np.float32)
    wanted = (Output.FIRST, Output.MIDDLE)

    def made(first, last):
        return {output: batch[0] for output, batch in upscaler(first[None], last[None], wanted).items()}

    plan = plan_tiles(57, 90, tile=48, overlap=32, alignment=upscaler.alignment)
    tiled = plan.run_named(made, first, last, scales=dict.fromkeys(wanted, 2))
    assert len(plan) >= 6
    for output, whole in made(first, last).items():
        assert whole.std() > 0.01
        np.testing.assert_allclose(tiled[output], whole, rtol=0, atol=0.1 / 255)

"""The upscaler gives what the network gives, for any choice of outputs."""

import numpy as np
import pytest
from mindspore import Tensor

from core.hooks import Output
from plugins.cycmunet.plugin import UPSCALER, CycMuNetUpscalerConfig, Format

ORDER = (Output.FIRST, Output.MIDDLE, Output.LAST, Output.LOW_MIDDLE)
CHOICES = [(), (Output.LOW_MIDDLE,), (Output.FIRST, Output.LAST), (Output.FIRST, Output.MIDDLE), ORDER]


@pytest.mark.parametrize("options", [{"format": Format.yuv420, "floor": True}])
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
    [({"levels": 3}, 4), ({"levels": 1, "format": Format.yuv420}, 2), ({"levels": 1}, 1)],
)
def test_alignment(randomised, options, alignment):
    network = randomised(**options)
    assert UPSCALER.build(CycMuNetUpscalerConfig(), network).alignment == alignment

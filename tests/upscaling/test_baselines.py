"""The baselines as an upscaler."""

import numpy as np
import pytest

from core.hooks import Output
from core.upscaling.baselines import bicubic, blend
from core.upscaling.entries import BASELINE, BaselineConfig


@pytest.mark.parametrize("scale", [2, 3])
def test_what_the_floor_makes(scale):
    first, last = np.random.default_rng(2).random((2, 1, 3, 8, 10), dtype=np.float32)
    made = BASELINE.build(BaselineConfig(scale))(first, last, tuple(Output))
    assert set(made) == set(Output)
    np.testing.assert_array_equal(made[Output.FIRST][0], bicubic(first[0], scale))
    np.testing.assert_array_equal(made[Output.LAST][0], bicubic(last[0], scale))
    np.testing.assert_array_equal(made[Output.LOW_MIDDLE], blend(first, last))
    np.testing.assert_array_equal(made[Output.MIDDLE][0], bicubic(blend(first, last)[0], scale))
    assert BASELINE.build(BaselineConfig(scale))(first, last, []) == {}

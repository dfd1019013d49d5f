"""Padding against numpy's."""

import numpy as np
import pytest
from mindspore import Tensor

from core.nn.pad import replicate_margin


@pytest.mark.parametrize(("vertical", "horizontal"), [(0, 0), (2, 0), (0, 3), (5, 1)])
def test_replicate_margin(vertical, horizontal):
    x = np.random.default_rng(1).random((2, 3, 4, 5), dtype=np.float32)
    expected = np.pad(x, ((0, 0), (0, 0), (vertical, vertical), (horizontal, horizontal)), mode="edge")
    np.testing.assert_array_equal(replicate_margin(Tensor(x), vertical, horizontal).asnumpy(), expected)

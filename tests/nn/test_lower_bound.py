"""The lower bound and its gradient, in both modes."""

import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.nn.lower_bound import LowerBound

pytestmark = pytest.mark.usefixtures("either_mode")


class Weighted(nn.Cell):
    """sum(weights * max(x, 1)), so that its gradient is the bound's applied to ``weights``."""

    def __init__(self):
        super().__init__()
        self.bound = LowerBound(1.0)

    def construct(self, x, weights):
        return (weights * self.bound(x)).sum()


def test_gradients_pass_that_raise_the_value():
    x = Tensor(np.array([0.5, 0.5, 1.0, 1.0, 2.0, 2.0], np.float32))
    weights = Tensor(np.array([3, -3, 3, -3, 3, -3], np.float32))
    np.testing.assert_array_equal(LowerBound(1.0)(x).asnumpy(), [1, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(ops.grad(Weighted())(x, weights).asnumpy(), [0, -3, 3, -3, 3, -3])

"""The plain training step: what clipping and the objective's outputs do to it."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.backend import Backend
from core.training.step import FIRST_SCALE, ClipByGlobalNorm, TrainStep

pytestmark = pytest.mark.heavy


class Objective(nn.Cell):
    """100 * w·x, and x's mean beside it: a gradient that is known by heart."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Dense(2, 1, weight_init="zeros", has_bias=False)

    def construct(self, x):
        return 100 * self.dense(x).sum(), ops.ReduceMean()(x)


@pytest.mark.parametrize(("bound", "factor"), [(0.5, 0.5 / 6.0), (6.0, 1.0), (100.0, 1.0)])
def test_the_norm_is_that_of_all_gradients_together(either_kernels, bound, factor):
    """Squares that add up to 36, in tensors of several shapes."""
    gradients = [np.full((3, 1, 5), 1.0), np.array([[4.0]]), np.array([1.0, 2.0, 0.0])]
    clipped = ClipByGlobalNorm(bound)(tuple(Tensor(g.astype(np.float32)) for g in gradients))
    for made, given in zip(clipped, gradients, strict=True):
        np.testing.assert_allclose(made.asnumpy(), factor * given, rtol=1e-6)


@pytest.mark.parametrize(("clip_norm", "moved"), [(0.0, [-300.0, -400.0]), (1.0, [-0.6, -0.8])])
def test_clipping_bounds_the_global_norm(either_kernels, clip_norm: float, moved: list[float]) -> None:
    objective = Objective()
    step = TrainStep(objective, nn.SGD(objective.trainable_params(), 1.0), clip_norm, ("loss", "mean"))
    loss, mean = step(Tensor(np.array([[3.0, 4.0]], np.float32)))
    assert float(loss.asnumpy()) == 0.0
    assert float(mean.asnumpy()) == 3.5
    np.testing.assert_allclose(objective.dense.weight.asnumpy()[0], moved, rtol=1e-5)


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE])
def test_clipping_bounds_each_element(mode: int) -> None:
    before = ms.get_context("mode")
    ms.set_context(mode=mode)
    objective = Objective()
    step = TrainStep(objective, nn.SGD(objective.trainable_params(), 1.0), clip_value=0.5)
    step(Tensor(np.array([[3.0, -0.001]], np.float32)))
    ms.set_context(mode=before)
    np.testing.assert_allclose(objective.dense.weight.asnumpy()[0], [-0.5, 0.1], rtol=1e-5)


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE])
def test_a_scaled_loss_moves_the_same_and_skips_what_is_not_finite(mode: int) -> None:
    ms.set_context(mode=mode)
    objective = Objective()
    with Backend(low=ms.float16):
        step = TrainStep(objective, nn.SGD(objective.trainable_params(), 1.0), 1.0, ("loss", "mean"))
    assert {"loss_scale", "loss_scale_calm_steps"} <= {p.name for p in step.get_parameters()}
    loss, mean = step(Tensor(np.array([[3.0, 4.0]], np.float32)))
    assert (float(loss.asnumpy()), float(mean.asnumpy())) == (0.0, 3.5)
    moved = objective.dense.weight.asnumpy()[0]
    np.testing.assert_allclose(moved, [-0.6, -0.8], rtol=1e-5)
    assert float(step.loss_scale.value.asnumpy()) == FIRST_SCALE
    step(Tensor(np.array([[1e34, 1.0]], np.float32)))  # 100 * 1e34 * scale is beyond float32
    np.testing.assert_array_equal(objective.dense.weight.asnumpy()[0], moved)
    assert float(step.loss_scale.value.asnumpy()) == FIRST_SCALE / 2

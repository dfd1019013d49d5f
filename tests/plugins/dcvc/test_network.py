"""What is DCVC's own of its network; the rest is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.symbols.context import ContextOrder
from plugins.dcvc.cells import Dcvc
from plugins.dcvc.config import DcvcConfig

from ..codecs.material import moved_by
from .conftest import NETWORK

PAIR = NETWORK.inputs


@pytest.fixture(scope="module")
def whole(make):
    return NETWORK.run(make(), *PAIR)


def test_pictures_follow_the_frame(whole):
    assert np.corrcoef(whole[0].ravel(), PAIR[0].asnumpy().ravel())[0, 1] > 0.6


def test_our_kernels_give_the_same(make, whole, kernels):
    for ours, expected in zip(NETWORK.run(make(), *PAIR), whole, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("order", ContextOrder)
def test_every_parameter_learns(make, order):
    """But for the taps of context models that see nothing."""
    network = make(context=order).set_train()

    def objective():
        reconstruction, _, costs = network(*PAIR)
        return 1000 * ((reconstruction - PAIR[0]) ** 2).mean() + sum(costs) / 1000

    gradients = moved_by(objective, network)
    assert gradients.keys() == {p.name for p in network.trainable_params()}
    context = gradients["contextual.prior.context.weight"]
    seen = network.contextual.prior.context.mask.asnumpy() > 0
    assert (context[:, :, ~seen] == 0).all() and (context[:, :, seen] != 0).any(0).all()


def test_content_may_leave_the_motion_as_it_is(make):
    network = make().set_train()
    parameters = network.trainable_params()

    def objective(share):
        reconstruction, _, costs = network(*PAIR, share)
        return ((reconstruction - PAIR[0]) ** 2).mean() + costs[2] + costs[3]

    gradient = ms.grad(objective, None, ms.ParameterTuple(parameters))
    fixed, free = (
        {p.name for p, g in zip(parameters, gradient(Tensor(share)), strict=True) if np.any(g.asnumpy())}
        for share in (0.0, 1.0)
    )
    assert {name.split(".")[0] for name in fixed} == {"features", "context_refinement", "contextual"}
    assert {name.split(".")[0] for name in free - fixed} == {"spynet", "motion"}


@pytest.mark.parametrize("order", ContextOrder)
def test_contexts_are_causal(make, order):
    """What is expected of a position does not change with it or with what comes after it."""
    prior = make(context=order).contextual.prior
    rng = np.random.default_rng(4)
    latent = rng.integers(-3, 4, (1, 12, 6, 7)).astype(np.float32)
    side = Tensor(rng.standard_normal((1, 24, 6, 7)).astype(np.float32))
    row, column = 3, 2  # odd: of the second half of a checkerboard
    changed = latent.copy()
    changed[:, :, row, column] += 1
    before, after = (prior.distributions(Tensor(y), side)[0].asnumpy()[0] for y in (latent, changed))
    moved = np.argwhere((before != after).any(0))
    if order is ContextOrder.checkerboard:
        assert moved.size == 0
    else:
        assert len(moved) == 12 and all(7 * y + x > 7 * row + column for y, x in moved)


def test_the_start_gives_pictures_and_costs():
    ms.set_seed(1)
    widths = {"features": 8, "latent": 8, "motion": 8, "refinement": 8, "hyper": 8, "flow": 8}
    made = NETWORK.run(Dcvc(DcvcConfig(**widths)).set_train(), *PAIR)
    assert all(np.isfinite(array).all() for array in made)
    assert np.abs(made[1]).max() < 4 and np.abs(made[2]).max() < 8
    assert np.abs(made[0] - 0.5).mean() < 0.3
    assert all(cost > 0 for cost in made[3:])

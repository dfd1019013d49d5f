"""The network's sizes, modes and gradients. Its numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.symbols.order import ContextOrder
from plugins.dcvc.cells import Dcvc
from plugins.dcvc.config import DcvcConfig


@pytest.fixture(scope="module")
def pair():
    """A batch of two: frames and their references, moved by a few pixels."""
    rng = np.random.default_rng(8)
    large = np.kron(rng.random((2, 3, 3, 5), dtype=np.float32), np.ones((32, 32), np.float32))
    return Tensor(large[:, :, 3:67, 2:130]), Tensor(large[:, :, :64, :128])


def flat(result):
    """The network's nested result as arrays."""
    reconstruction, flows, costs = result
    return [tensor.asnumpy() for tensor in (reconstruction, *flows, *costs)]


@pytest.fixture(scope="module")
def whole(make, pair):
    return flat(make()(*pair))


def test_what_comes_out(whole, pair):
    shapes = [array.shape for array in whole]
    assert shapes == [(2, 3, 64, 128), (2, 2, 64, 128), (2, 2, 64, 128), (), (), (), ()]
    assert all(np.isfinite(array).all() for array in whole) and all(cost > 0 for cost in whole[3:])
    assert np.corrcoef(whole[0].ravel(), pair[0].asnumpy().ravel())[0, 1] > 0.6


def test_graph_mode_gives_the_same(make, pair, whole):
    for ours, expected in zip(flat(ms.jit(make().construct)(*pair)), whole, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)


def test_our_kernels_give_the_same(make, pair, whole, kernels):
    for ours, expected in zip(flat(make()(*pair)), whole, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)


def test_a_batch_is_its_members(make, pair, whole):
    members = [flat(make()(pair[0][i : i + 1], pair[1][i : i + 1])) for i in range(2)]
    for position, expected in enumerate(whole):
        ours = [member[position] for member in members]
        if position < 3:
            np.testing.assert_allclose(np.concatenate(ours), expected, rtol=0, atol=2e-5)
        else:
            assert sum(ours) == pytest.approx(expected, rel=1e-5)


def test_training_replaces_rounding_by_noise(make, pair):
    network = make().set_train()
    first, second = flat(network(*pair)), flat(network(*pair))
    assert np.isfinite(first[0]).all() and first[3] > 0
    np.testing.assert_array_equal(first[1], second[1])  # nothing is quantised before flow is known
    assert all(not np.array_equal(a, b) for a, b in zip(first[2:], second[2:], strict=True))


@pytest.mark.parametrize("order", ContextOrder)
def test_every_parameter_learns(make, pair, order):
    """But for the taps of context models that see nothing."""
    network = make(context=order).set_train()
    parameters = network.trainable_params()

    def objective():
        reconstruction, _, costs = network(*pair)
        return 1000 * ((reconstruction - pair[0]) ** 2).mean() + sum(costs) / 1000

    gradients = ms.grad(objective, None, ms.ParameterTuple(parameters))()
    pairs = [(p.name, g.asnumpy()) for p, g in zip(parameters, gradients, strict=True)]
    assert all(np.isfinite(g).all() for _, g in pairs)
    assert [name for name, g in pairs if not np.abs(g).max() > 0] == []
    context = dict(pairs)["contextual.prior.context.weight"]
    seen = network.contextual.prior.context.mask.asnumpy() > 0
    assert (context[:, :, ~seen] == 0).all() and (context[:, :, seen] != 0).any(0).all()


def test_content_may_leave_the_motion_as_it_is(make, pair):
    network = make().set_train()
    parameters = network.trainable_params()

    def objective(share):
        reconstruction, _, costs = network(*pair, share)
        return ((reconstruction - pair[0]) ** 2).mean() + costs[2] + costs[3]

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


def test_the_start_gives_pictures_and_costs(pair):
    ms.set_seed(1)
    widths = {"features": 8, "latent": 8, "motion": 8, "refinement": 8, "hyper": 8, "flow": 8}
    made = flat(Dcvc(DcvcConfig(**widths)).set_train()(*pair))
    assert all(np.isfinite(array).all() for array in made)
    assert np.abs(made[1]).max() < 4 and np.abs(made[2]).max() < 8
    assert np.abs(made[0] - 0.5).mean() < 0.3
    assert all(cost > 0 for cost in made[3:])


@pytest.mark.parametrize("mode", ["graph", "pynative"])
@pytest.mark.parametrize(("height", "width"), [(32, 64), (64, 130)])
def test_other_sizes_are_refused(make, mode, height, width, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # MindSpore writes about a failed compilation into the current folder
    network = make()
    call = ms.jit(network.construct) if mode == "graph" else network
    zeros = Tensor(np.zeros((1, 3, height, width), np.float32))
    with pytest.raises(ValueError, match=f"{width}x{height}.*multiples of 64"):
        call(zeros, zeros)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("features", 2), ("latent", 0), ("motion", -1), ("refinement", 0)),
        *(("hyper", 0), ("hyper", 3), ("flow", 0), ("flow", 6)),
    ],
)
def test_wrong_options_are_named(option, value):
    with pytest.raises(ValueError, match=f"^{option} is {value}; it must be"):
        DcvcConfig(**{option: value})

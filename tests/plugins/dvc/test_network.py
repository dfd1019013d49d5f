"""The network's sizes, modes and gradients. Its numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig


@pytest.fixture(scope="module")
def pair():
    """A batch of two: frames and their references, moved by a few pixels."""
    rng = np.random.default_rng(8)
    large = np.kron(rng.random((2, 3, 12, 20), dtype=np.float32), np.ones((8, 8), np.float32))
    return Tensor(large[:, :, 3:67, 2:130]), Tensor(large[:, :, :64, :128])


def flat(result):
    """The network's nested result as arrays."""
    reconstruction, parts, costs = result
    return [tensor.asnumpy() for tensor in (reconstruction, *parts, *costs)]


@pytest.fixture(scope="module")
def whole(make, pair):
    return flat(make()(*pair))


def test_what_comes_out(whole, pair):
    shapes = [array.shape for array in whole]
    assert shapes == [(2, 3, 64, 128), (2, 2, 64, 128), (2, 3, 64, 128), (2, 3, 64, 128), (), (), ()]
    assert all(np.isfinite(array).all() for array in whole) and all(cost > 0 for cost in whole[4:])
    reconstruction, _, _, prediction = whole[:4]
    errors = [np.abs(picture - pair[0].asnumpy()).mean() for picture in (reconstruction, prediction)]
    assert errors[0] < errors[1]


def test_graph_mode_gives_the_same(make, pair, whole):
    for ours, expected in zip(flat(ms.jit(make().construct)(*pair)), whole, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=2e-5)


def test_a_batch_is_its_members(make, pair, whole):
    members = [flat(make()(pair[0][i : i + 1], pair[1][i : i + 1])) for i in range(2)]
    for position, expected in enumerate(whole):
        ours = [member[position] for member in members]
        if position < 4:
            np.testing.assert_allclose(np.concatenate(ours), expected, rtol=0, atol=2e-5)
        else:
            assert sum(ours) == pytest.approx(expected, rel=1e-5)


def test_training_replaces_rounding_by_noise(make, pair):
    network = make().set_train()
    first, second = flat(network(*pair)), flat(network(*pair))
    assert np.isfinite(first[0]).all() and first[4] > 0
    np.testing.assert_array_equal(first[1], second[1])  # nothing is quantised before flow is known
    assert all(not np.array_equal(a, b) for a, b in zip(first[2:], second[2:], strict=True))


def test_every_parameter_learns(make, pair):
    network = make().set_train()
    parameters = network.trainable_params()

    def objective():
        reconstruction, _, costs = network(*pair)
        return 1000 * ((reconstruction - pair[0]) ** 2).mean() + sum(costs) / 1000

    gradients = ms.grad(objective, None, ms.ParameterTuple(parameters))()
    pairs = [(p.name, g.asnumpy()) for p, g in zip(parameters, gradients, strict=True)]
    assert all(np.isfinite(g).all() for _, g in pairs)
    assert [name for name, g in pairs if not np.abs(g).max() > 0] == []


def test_the_start_gives_pictures_and_costs(pair):
    ms.set_seed(1)
    made = flat(Dvc(DvcConfig(hidden=8, latent=8, motion=8, refinement=8, flow=8)).set_train()(*pair))
    assert all(np.isfinite(array).all() for array in made)
    reconstruction, flow, warped, prediction = made[:4]
    assert np.abs(flow).max() < 4
    assert np.abs(prediction - warped).mean() < 0.2 and np.abs(reconstruction - prediction).mean() < 0.2


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
    [("hidden", 0), ("latent", 0), ("motion", -1), ("refinement", 0), ("flow", 0), ("flow", 6)],
)
def test_wrong_options_are_named(option, value):
    with pytest.raises(ValueError, match=f"^{option} is {value}; it must be"):
        DvcConfig(**{option: value})

"""The networks' sizes, modes and gradients. Their numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.training.rate_distortion import AuxiliaryObjective
from plugins.dvcp.cells import Dvcp
from plugins.dvcp.config import DvcpConfig

from .cases import CASES, OWN
from .material import moved_by

STATELESS = [name for name in OWN if name != "dcvcuf"]


@pytest.fixture(
    scope="module",
    params=[pytest.param(n, marks=[pytest.mark.slow] if n == "compact" else []) for n in STATELESS],
)
def case(request):
    return CASES[request.param]


@pytest.fixture(scope="module")
def sample(case):
    return case.tests.NETWORK


@pytest.fixture(scope="module")
def whole(case, sample):
    return sample.run(case.network(), *sample.inputs)


def test_what_comes_out(sample, whole):
    """Pictures and flows of the stated sizes, then what they cost."""
    assert [array.shape for array in whole] == sample.shapes
    assert all(np.isfinite(array).all() for array in whole)
    assert all(cost > 0 for cost in whole[sample.pictures :])


def test_graph_mode_gives_the_same(case, sample, whole):
    made = sample.run(ms.jit(case.network().construct), *sample.inputs)
    for number, (ours, expected) in enumerate(zip(made, whole, strict=True)):
        if number < sample.pictures:
            np.testing.assert_allclose(ours, expected, rtol=sample.rtol, atol=sample.atol)
        else:
            assert ours == pytest.approx(expected, rel=sample.rel)


def test_a_batch_is_its_members(case, sample, whole):
    network = case.network()
    members = [sample.run(network, *(tensor[i : i + 1] for tensor in sample.inputs)) for i in range(2)]
    for number, expected in enumerate(whole):
        ours = [member[number] for member in members]
        if number < sample.pictures:
            np.testing.assert_allclose(np.concatenate(ours), expected, rtol=0, atol=sample.atol)
        else:
            assert sum(ours) == pytest.approx(expected, rel=sample.rel)


def test_training_replaces_rounding_by_noise(case, sample):
    """But for flow, which is known before anything is quantised, and pictures whose synthesis sees rounding."""
    network = case.network().set_train()
    first, second = (sample.run(network, *sample.short) for _ in range(2))
    assert all(np.isfinite(array).all() for array in first) and first[sample.pictures] > 0
    equal = {number for number, pair in enumerate(zip(first, second, strict=True)) if np.array_equal(*pair)}
    assert equal == sample.certain


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("dcvc", "dcvcuf")])
def test_every_parameter_learns(name):
    """DCVC's two kinds of context are tried with it, and DCVC-UF's structures."""
    if name == "dvcp":  # as a training starts it
        network = Dvcp(DvcpConfig(hidden=4, latent=5, motion=4, refinement=4, flow=4)).set_train()
        frame = Tensor(np.random.default_rng(3).random((1, 3, 64, 64), dtype=np.float32))
        inputs = frame, 0.9 * frame
    else:
        network, inputs = CASES[name].network().set_train(), CASES[name].tests.NETWORK.short

    def objective():
        if name == "ssfvc":
            reconstructions, bits = network(*inputs)
            distance = ((reconstructions - inputs[0]) ** 2).sum()
            return distance + bits / 1000 + AuxiliaryObjective(network)()
        if name == "compact":
            reconstructions, bits = network(*inputs)
            return 1000 * ((reconstructions - inputs[0]) ** 2).sum() + bits.sum() / 1000
        reconstruction, _, costs = network(*inputs)
        return 1000 * ((reconstruction - inputs[0]) ** 2).mean() + sum(costs) / 1000

    assert moved_by(objective, network).keys() == {p.name for p in network.trainable_params()}


@pytest.mark.parametrize("mode", ["graph", "pynative"])
@pytest.mark.parametrize(("height", "width"), [(0.5, 1), (1, 1 + 1 / 32)])
def test_other_sizes_are_refused(case, sample, mode, height, width, tmp_path, monkeypatch):
    """Of which one side is no multiple."""
    monkeypatch.chdir(tmp_path)  # MindSpore writes about a failed compilation into the current folder
    network = case.network()
    call = ms.jit(network.construct) if mode == "graph" else network
    height, width = int(height * case.multiple), int(width * case.multiple)
    zeros = [Tensor(np.zeros((*tensor.shape[:-2], height, width), np.float32)) for tensor in sample.inputs]
    with pytest.raises(ValueError, match=f"{width}x{height}.*multiples of {case.multiple}"):
        call(*zeros)

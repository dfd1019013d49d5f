"""The networks' sizes, modes and gradients. Their numbers are checked in tests/parity."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.training.rate_distortion import AuxiliaryObjective
from plugins.dvcp.cells import Dvcp
from plugins.dvcp.config import DvcpConfig

from .material import moved_by
from .subjects import OWN, SUBJECTS


@pytest.fixture(scope="module", params=[name for name in OWN if name != "dcvcuf"])  # which keeps a state
def subject(request):
    return SUBJECTS[request.param]


@pytest.fixture(scope="module")
def case(subject):
    return subject.tests.NETWORK


@pytest.fixture(scope="module")
def whole(subject, case):
    return case.run(subject.network(), *case.inputs)


def test_what_comes_out(case, whole):
    """Pictures and flows of the stated sizes, then what they cost."""
    assert [array.shape for array in whole] == case.shapes
    assert all(np.isfinite(array).all() for array in whole)
    assert all(cost > 0 for cost in whole[case.pictures :])


def test_graph_mode_gives_the_same(subject, case, whole):
    made = case.run(ms.jit(subject.network().construct), *case.inputs)
    for number, (ours, expected) in enumerate(zip(made, whole, strict=True)):
        if number < case.pictures:
            np.testing.assert_allclose(ours, expected, rtol=case.rtol, atol=case.atol)
        else:
            assert ours == pytest.approx(expected, rel=case.rel)


def test_a_batch_is_its_members(subject, case, whole):
    network = subject.network()
    members = [case.run(network, *(tensor[i : i + 1] for tensor in case.inputs)) for i in range(2)]
    for number, expected in enumerate(whole):
        ours = [member[number] for member in members]
        if number < case.pictures:
            np.testing.assert_allclose(np.concatenate(ours), expected, rtol=0, atol=case.atol)
        else:
            assert sum(ours) == pytest.approx(expected, rel=case.rel)


def test_training_replaces_rounding_by_noise(subject, case):
    """But for flow, which is known before anything is quantised, and pictures whose synthesis sees rounding."""
    network = subject.network().set_train()
    first, second = (case.run(network, *case.short) for _ in range(2))
    assert all(np.isfinite(array).all() for array in first) and first[case.pictures] > 0
    equal = {number for number, pair in enumerate(zip(first, second, strict=True)) if np.array_equal(*pair)}
    assert equal == case.certain


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name not in ("dcvc", "dcvcuf")])
def test_every_parameter_learns(name):
    """DCVC's two kinds of context are tried with it, and DCVC-UF's structures."""
    if name == "dvcp":  # as a training starts it
        network = Dvcp(DvcpConfig(hidden=4, latent=5, motion=4, refinement=4, flow=4)).set_train()
        frame = Tensor(np.random.default_rng(3).random((1, 3, 64, 64), dtype=np.float32))
        inputs = frame, 0.9 * frame
    else:
        network, inputs = SUBJECTS[name].network().set_train(), SUBJECTS[name].tests.NETWORK.short

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
def test_other_sizes_are_refused(subject, case, mode, height, width, tmp_path, monkeypatch):
    """Of which one side is no multiple."""
    monkeypatch.chdir(tmp_path)  # MindSpore writes about a failed compilation into the current folder
    network = subject.network()
    call = ms.jit(network.construct) if mode == "graph" else network
    height, width = int(height * subject.multiple), int(width * subject.multiple)
    zeros = [Tensor(np.zeros((*tensor.shape[:-2], height, width), np.float32)) for tensor in case.inputs]
    with pytest.raises(ValueError, match=f"{width}x{height}.*multiples of {subject.multiple}"):
        call(*zeros)

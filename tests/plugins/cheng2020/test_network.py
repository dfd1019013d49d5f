"""The network: sizes, modes, names, a training step."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

import core
from core.backend import Backend
from core.tasks.import_weights import read_state_dict, translate
from core.testing.recipes import load_weights
from plugins.cheng2020.cells import Cheng2020
from plugins.cheng2020.config import Cheng2020Config
from plugins.cheng2020.plugin import MODEL

from ..codecs.material import mode

PARTS = {
    "g_a": 4_175_040,
    "g_s": 11_750_796,
    "h_a": 1_659_840,
    "h_s": 6_140_640,
    "entropy_bottleneck": 11_712,
    "context_prediction": 1_843_584,
    "entropy_parameters": 1_017_344,
}
"""Parts of the published network of 192 channels with their parameters."""
BUFFERS = ("context_prediction.mask", "gaussian_conditional.scale_table", "g_a.0.gdn.beta_reparam.pedestal")


def test_our_kernels_compute_the_same(kernels, make):
    """With channels last and activations in the convolutions, in graph mode."""
    frames = np.random.default_rng(0).random((1, 2, 3, 64, 128), np.float32)
    with mode(ms.GRAPH_MODE):
        ours = make()(Tensor(frames))
    with Backend():
        plain = make()
    with mode(ms.PYNATIVE_MODE):
        expected = plain(Tensor(frames))
    assert ours[0].shape == frames.shape
    assert np.abs(ours[0].asnumpy() - expected[0].asnumpy()).max() < 2e-5
    assert float(ours[1]) == pytest.approx(float(expected[1]), rel=1e-4)


def test_other_sizes_are_refused(make):
    with mode(ms.PYNATIVE_MODE), pytest.raises(ValueError, match="must be multiples of 64"):
        make()(Tensor(np.zeros((1, 1, 3, 64, 60), np.float32)))


def test_parts_have_the_published_sizes():
    mapping = MODEL.published(Cheng2020Config())
    parameters = {p.name: p for p in Cheng2020(Cheng2020Config()).get_parameters()}
    assert mapping.tensors.keys() == parameters.keys() and len(parameters) == 123
    sizes = dict.fromkeys(PARTS, 0)
    for ours, tensor in mapping.tensors.items():
        sizes[tensor.name.split(".")[0]] += parameters[ours].size
    assert sizes == PARTS


def test_import(make, tmp_path):
    """Published keys become a network's parameters; scales stand before means in theirs, and after them in ours."""
    source, target = make(seed=1), make(seed=2)
    mapping = MODEL.published(source.config)
    state = {mapping.tensors[p.name].name: p.asnumpy() for p in source.get_parameters()}
    last = "entropy_parameters.4.weight"
    state |= {name: np.zeros(1, np.float32) for name in BUFFERS}
    np.savez(tmp_path / "published.npz", **state)
    tensors, account = translate(mapping, read_state_dict(tmp_path / "published.npz"))
    assert not account.missing and not account.left_over and account.ignored == sorted(BUFFERS)
    load_weights(target, tensors)
    means, scales = np.split(target.prior.parameters_of[4].weight.asnumpy(), 2)
    np.testing.assert_array_equal(np.concatenate((scales, means)), state[last])


def test_a_training_step(tmp_path):
    """The step that codecs share moves everything, quantiles by their own optimizer."""
    words = [
        "experiment=none",
        "model=cheng2020",
        "model.channels=4",
        "loss=rate_distortion",
        "dataset=clips",
    ]
    words += ["step=rate_distortion", "optimizer=adam", "device.mode=pynative"]
    run = core.open_run(words, output=tmp_path)
    network = run.model()
    before = {p.name: p.asnumpy().copy() for p in network.get_parameters()}
    step = run.step(network, total_steps=10)
    losses = step(Tensor(np.random.default_rng(0).random((1, 1, 3, 64, 64), np.float32)))
    assert all(np.isfinite(float(loss)) for loss in losses)
    for parameter in network.get_parameters():
        if parameter.name.endswith(
            ("weight", "gamma", "quantiles")
        ):  # one step moves some biases by next to nothing
            assert not np.array_equal(parameter.asnumpy(), before[parameter.name]), parameter.name

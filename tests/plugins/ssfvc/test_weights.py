"""The published checkpoint maps to our parameters without remainder."""

import re

import numpy as np
import pytest

from core.tasks.import_weights import read_state_dict, translate
from core.testing.recipes import load_weights
from plugins.ssfvc.cells import ScaleSpaceFlow
from plugins.ssfvc.config import SsfvcConfig
from plugins.ssfvc.plugin import MODEL

PARTS = ("img", "motion", "res")
BUFFERS = (
    "entropy_bottleneck._offset",
    "entropy_bottleneck._quantized_cdf",
    "entropy_bottleneck._cdf_length",
    "entropy_bottleneck.target",
    "entropy_bottleneck.likelihood_lower_bound.bound",
    "gaussian_conditional._offset",
    "gaussian_conditional._quantized_cdf",
    "gaussian_conditional._cdf_length",
    "gaussian_conditional.scale_table",
    "gaussian_conditional.scale_bound",
    "gaussian_conditional.likelihood_lower_bound.bound",
    "gaussian_conditional.lower_bound_scale.bound",
)


@pytest.fixture(scope="module")
def mapping():
    return MODEL.published(SsfvcConfig())


def test_every_parameter_has_its_key(mapping):
    parameters = {p.name: p for p in ScaleSpaceFlow(SsfvcConfig()).get_parameters()}
    assert mapping.tensors.keys() == parameters.keys()
    assert sum(p.size for p in parameters.values()) == 34_209_609
    names = [tensor.name for tensor in mapping.tensors.values()]
    assert len(set(names)) == len(names) == 183 - len(PARTS) * len(BUFFERS)
    assert parameters["residual.synthesis.0.weight"].shape == (384, 128, 5, 5)


def test_published_names(mapping):
    ours = mapping.tensors
    assert (
        ours["residual.hyperprior.scale_synthesis.4.bias"].name
        == "res_hyperprior.hyper_decoder_scale.deconv3.bias"
    )
    assert (
        ours["image.hyperprior.mean_synthesis.2.weight"].name == "img_hyperprior.hyper_decoder_mean.2.weight"
    )
    assert ours["motion.analysis.6.bias"].name == "motion_encoder.6.bias"
    assert ours["image.hyperprior.prior.factors.3"].name == "img_hyperprior.entropy_bottleneck.factors.3"


def test_buffers_are_ignored_and_weights_are_not(mapping):
    def ignored(name):
        return any(re.search(pattern, name) for pattern in mapping.ignored)

    assert all(ignored(f"{part}_hyperprior.{buffer}") for part in PARTS for buffer in BUFFERS)
    assert not any(ignored(tensor.name) for tensor in mapping.tensors.values())


def test_import(make, mapping, tmp_path):
    """A file of 183 published keys becomes a network's parameters, with nothing missing or left over."""
    source, target = make(seed=1), make(seed=2)
    state = {mapping.tensors[p.name].name: p.asnumpy() for p in source.get_parameters()}
    state |= {f"{part}_hyperprior.{buffer}": np.zeros(1) for part in PARTS for buffer in BUFFERS}
    assert len(state) == 183
    np.savez(tmp_path / "published.npz", **state)
    tensors, account = translate(mapping, read_state_dict(tmp_path / "published.npz"))
    assert not account.missing and not account.left_over
    assert len(account.ignored) == len(PARTS) * len(BUFFERS)
    load_weights(target, tensors)
    for ours, theirs in zip(target.get_parameters(), source.get_parameters(), strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())

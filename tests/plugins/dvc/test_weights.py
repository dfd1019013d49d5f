"""The published checkpoint maps to our parameters without remainder."""

import numpy as np
import pytest

from core.tasks.import_weights import read_state_dict, translate
from core.testing.recipes import load_weights
from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig
from plugins.dvc.plugin import MODEL

PARTS = {
    "opticFlow": 960_200,
    "mvEncoder": 1_035_520,
    "mvDecoder": 1_035_394,
    "warpnet": 448_387,
    "resEncoder": 375_968,
    "resDecoder": 375_875,
    "respriorEncoder": 260_288,
    "respriorDecoder": 260_320,
    "bitEstimator_z": 704,
    "bitEstimator_mv": 1_408,
}
"""Parts of the published network in the order of its checkpoint, with their parameters."""


@pytest.fixture(scope="module")
def mapping():
    return MODEL.published(DvcConfig())


@pytest.fixture(scope="module")
def parameters():
    return {p.name: p for p in Dvc(DvcConfig()).get_parameters()}


def test_every_parameter_has_its_name(mapping, parameters):
    assert mapping.tensors.keys() == parameters.keys()
    names = [tensor.name for tensor in mapping.tensors.values()]
    assert len(set(names)) == len(names) == 162
    assert parameters["residual.hyperprior.synthesis.4.weight"].shape == (64, 96, 3, 3)
    assert parameters["motion.synthesis.14.weight"].shape == (2, 128, 3, 3)


def test_parts_have_the_published_sizes(mapping, parameters):
    sizes = dict.fromkeys(PARTS, 0)
    for ours, tensor in mapping.tensors.items():
        sizes[tensor.name.split(".")[0]] += parameters[ours].size
    assert sizes == PARTS
    parts = [tensor.name.split(".")[0] for tensor in mapping.tensors.values()]
    assert list(dict.fromkeys(parts)) == list(PARTS)


def test_the_wider_network_has_the_published_size():
    wide = Dvc(DvcConfig(hidden=128, latent=192))
    assert sum(p.size for p in wide.get_parameters()) == 8_550_352


def test_published_names(mapping):
    ours = mapping.tensors
    assert ours["spynet.levels.3.residual.8.bias"].name == "opticFlow.moduleBasic.3.conv5.bias"
    assert ours["refinement.up.2.conv1.weight"].name == "warpnet.conv5.conv1.weight"
    assert ours["residual.analysis.3.gamma"].name == "resEncoder.gdn2.gamma"
    assert ours["residual.hyperprior.prior.f4.b"].name == "bitEstimator_z.f4.b"
    assert ours["motion.synthesis.2.weight"].name == "mvDecoder.deconv2.weight"


def test_import(make, mapping, tmp_path):
    """A file of 162 published names becomes a network's parameters, with nothing missing or left over."""
    source, target = make(seed=1), make(seed=2)
    state = {mapping.tensors[p.name].name: p.asnumpy() for p in source.get_parameters()}
    assert len(state) == 162
    np.savez(tmp_path / "published.npz", **state)
    tensors, account = translate(mapping, read_state_dict(tmp_path / "published.npz"))
    assert not account.missing and not account.left_over and not account.ignored
    load_weights(target, tensors)
    for ours, theirs in zip(target.get_parameters(), source.get_parameters(), strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())

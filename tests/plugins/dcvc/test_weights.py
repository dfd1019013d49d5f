"""The published checkpoint maps to our parameters without remainder."""

import numpy as np
import pytest

from core.errors import CheckpointError
from core.symbols.order import ContextOrder
from core.tasks.import_weights import read_state_dict, translate
from core.testing.recipes import load_weights
from plugins.dcvc.cells import Dcvc
from plugins.dcvc.config import DcvcConfig
from plugins.dcvc.plugin import MODEL

PARTS = {
    "opticFlow": 960_200,
    "mvEncoder": 494_720,
    "mvDecoder_part1": 494_594,
    "mvDecoder_part2": 188_738,
    "mvpriorEncoder": 278_720,
    "mvpriorDecoder": 477_600,
    "auto_regressive_mv": 819_456,
    "entropy_parameters_mv": 451_697,
    "bitEstimator_z_mv": 704,
    "feature_extract": 75_648,
    "context_refine": 110_784,
    "contextualEncoder": 626_080,
    "contextualDecoder_part1": 824_768,
    "contextualDecoder_part2": 223_235,
    "temporalPriorEncoder": 473_568,
    "priorEncoder": 260_288,
    "priorDecoder": 467_232,
    "auto_regressive": 460_992,
    "entropy_parameters": 254_720,
    "bitEstimator_z": 704,
}
"""Parts of the published network with their parameters."""
MASKS = ("auto_regressive.mask", "auto_regressive_mv.mask")


@pytest.fixture(scope="module")
def mapping():
    return MODEL.published(DcvcConfig())


@pytest.fixture(scope="module")
def parameters():
    return {p.name: p for p in Dcvc(DcvcConfig()).get_parameters()}


def test_every_parameter_has_its_name(mapping, parameters):
    assert mapping.tensors.keys() == parameters.keys()
    names = [tensor.name for tensor in mapping.tensors.values()]
    assert len(set(names)) == len(names) == 226


def test_parts_have_the_published_sizes(mapping, parameters):
    sizes = dict.fromkeys(PARTS, 0)
    for ours, tensor in mapping.tensors.items():
        sizes[tensor.name.split(".")[0]] += parameters[ours].size
    assert sizes == PARTS
    assert sum(sizes.values()) == 7_944_448


def test_published_names(mapping):
    ours = mapping.tensors
    assert ours["spynet.levels.3.residual.8.bias"].name == "opticFlow.moduleBasic.3.conv5.bias"
    assert ours["contextual.analysis.5.conv2.weight"].name == "contextualEncoder.5.conv.2.weight"
    assert ours["contextual.synthesis.9.gamma"].name == "contextualDecoder_part1.6.gamma"
    assert ours["contextual.synthesis.11.bias"].name == "contextualDecoder_part1.8.0.bias"
    assert ours["context_refinement.0.conv1.weight"].name == "context_refine.0.conv1.weight"
    assert ours["motion.prior.parameters_of.2.weight"].name == "entropy_parameters_mv.2.weight"


def test_import(make, mapping, tmp_path):
    """A file of 228 published keys becomes a network's parameters; context models are masked on the way."""
    source, target = make(seed=1), make(seed=2)
    state = {mapping.tensors[p.name].name: p.asnumpy() for p in source.get_parameters()}
    state |= {name: np.ones_like(state[name.replace("mask", "weight")]) for name in MASKS}
    assert len(state) == 228
    np.savez(tmp_path / "published.npz", **state)
    tensors, account = translate(mapping, read_state_dict(tmp_path / "published.npz"))
    assert not account.missing and not account.left_over and account.ignored == sorted(MASKS)
    load_weights(target, tensors)
    for ours, theirs in zip(target.get_parameters(), source.get_parameters(), strict=True):
        values = theirs.asnumpy()
        if ours.name.endswith("prior.context.weight"):
            assert (values[:, :, 2, 2:] != 0).all()
            values = values * (np.arange(25) < 12).reshape(5, 5)
        np.testing.assert_array_equal(ours.asnumpy(), values)


@pytest.mark.parametrize(
    ("option", "remedy"),
    [
        ({"context": ContextOrder.checkerboard}, "model.context=raster"),
        ({"portable": True}, "model.portable=false"),
    ],
)
def test_other_networks_have_no_published_weights(option, remedy):
    with pytest.raises(CheckpointError, match=remedy):
        MODEL.published(DcvcConfig(**option))

"""Published checkpoints map to our parameters without remainder."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from core.tasks.import_weights import read_state_dict, translate
from core.testing.recipes import load_weights
from plugins.dcvc import plugin as dcvc
from plugins.dvc import plugin as dvc
from plugins.ssfvc import plugin as ssfvc

from .cases import CASES

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


@dataclass(frozen=True)
class Published:
    """What is known of a published checkpoint."""

    count: int
    """Tensors that are weights."""
    size: int
    """Numbers in them."""
    names: dict[str, str]
    """Some of our names, and theirs."""
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of some of ours."""
    parts: dict[str, int] = field(default_factory=dict)
    """Parameters of each part of the published network, in the order of its checkpoint."""
    ignored: tuple[str, ...] = ()
    """What stands in it besides."""


DVC = Published(
    count=162,
    size=4_754_064,
    names={
        "spynet.levels.3.residual.8.bias": "opticFlow.moduleBasic.3.conv5.bias",
        "refinement.up.2.conv1.weight": "warpnet.conv5.conv1.weight",
        "residual.analysis.3.gamma": "resEncoder.gdn2.gamma",
        "residual.hyperprior.prior.f4.b": "bitEstimator_z.f4.b",
        "motion.synthesis.2.weight": "mvDecoder.deconv2.weight",
    },
    shapes={
        "residual.hyperprior.synthesis.4.weight": (64, 96, 3, 3),
        "motion.synthesis.14.weight": (2, 128, 3, 3),
    },
    parts={
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
    },
)
DCVC = Published(
    count=226,
    size=7_944_448,
    names={
        "spynet.levels.3.residual.8.bias": "opticFlow.moduleBasic.3.conv5.bias",
        "contextual.analysis.5.conv2.weight": "contextualEncoder.5.conv.2.weight",
        "contextual.synthesis.9.gamma": "contextualDecoder_part1.6.gamma",
        "contextual.synthesis.11.bias": "contextualDecoder_part1.8.0.bias",
        "context_refinement.0.conv1.weight": "context_refine.0.conv1.weight",
        "motion.prior.parameters_of.2.weight": "entropy_parameters_mv.2.weight",
    },
    parts={
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
    },
    ignored=("auto_regressive.mask", "auto_regressive_mv.mask"),
)
SSFVC = Published(
    count=147,
    size=34_209_609,
    names={
        "residual.hyperprior.scale_synthesis.4.bias": "res_hyperprior.hyper_decoder_scale.deconv3.bias",
        "image.hyperprior.mean_synthesis.2.weight": "img_hyperprior.hyper_decoder_mean.2.weight",
        "motion.analysis.6.bias": "motion_encoder.6.bias",
        "image.hyperprior.prior.factors.3": "img_hyperprior.entropy_bottleneck.factors.3",
    },
    shapes={"residual.synthesis.0.weight": (384, 128, 5, 5)},
    ignored=tuple(f"{part}_hyperprior.{buffer}" for part in ("img", "motion", "res") for buffer in BUFFERS),
)
MODELS = {"dvc": (dvc.MODEL, DVC), "dcvc": (dcvc.MODEL, DCVC), "ssfvc": (ssfvc.MODEL, SSFVC)}


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def published(name):
    return MODELS[name][1]


@pytest.fixture(scope="module")
def mapping(name):
    entry = MODELS[name][0]
    return entry.published(entry.config())


@pytest.fixture(scope="module")
def parameters(name):
    entry = MODELS[name][0]
    return {p.name: p for p in entry.build(entry.config()).get_parameters()}


def test_every_parameter_has_its_name(mapping, parameters, published):
    assert mapping.tensors.keys() == parameters.keys()
    names = [tensor.name for tensor in mapping.tensors.values()]
    assert len(set(names)) == len(names) == published.count
    assert sum(parameter.size for parameter in parameters.values()) == published.size
    assert {ours: parameters[ours].shape for ours in published.shapes} == published.shapes


@pytest.mark.parametrize("name", ["dvc", "dcvc"], indirect=True)
def test_parts_have_the_published_sizes(name, mapping, parameters, published):
    sizes: dict[str, int] = {}
    for ours, tensor in mapping.tensors.items():
        part = tensor.name.split(".")[0]
        sizes[part] = sizes.get(part, 0) + parameters[ours].size
    assert sizes == published.parts
    if name == "dvc":
        assert list(sizes) == list(published.parts)


def test_published_names(mapping, published):
    assert {ours: mapping.tensors[ours].name for ours in published.names} == published.names


def test_import(name, mapping, published, tmp_path):
    """A file of published names becomes a network's parameters, with nothing missing or left over."""
    source, target = (CASES[name].network(seed=seed) for seed in (1, 2))
    state = {mapping.tensors[p.name].name: p.asnumpy() for p in source.get_parameters()}
    for extra in published.ignored:  # buffers of any shape, but masks, which are as large as weights
        weight = state.get(extra.replace("mask", "weight"))
        state[extra] = np.zeros(1) if weight is None else np.ones_like(weight)
    assert len(state) == published.count + len(published.ignored)
    np.savez(tmp_path / "published.npz", **state)
    tensors, account = translate(mapping, read_state_dict(tmp_path / "published.npz"))
    assert not account.missing and not account.left_over and account.ignored == sorted(published.ignored)
    load_weights(target, tensors)
    for ours, theirs in zip(target.get_parameters(), source.get_parameters(), strict=True):
        values = theirs.asnumpy()
        if ours.name.endswith("prior.context.weight"):  # context models are masked on the way
            assert (values[:, :, 2, 2:] != 0).all()
            values = values * (np.arange(25) < 12).reshape(5, 5)
        np.testing.assert_array_equal(ours.asnumpy(), values)

"""Published checkpoints map to our parameters without remainder."""

import numpy as np
import pytest

from core.errors import CheckpointError
from core.tasks.import_weights import read_state_dict, translate
from core.testing.recipes import load_weights
from plugins.dcvcuf.config import DcvcUfConfig, DcvcUfIntraConfig
from plugins.dcvcuf.image import PictureNetwork
from plugins.dcvcuf.video import VideoNetwork
from plugins.dcvcuf.weights import published, published_intra

from .conftest import WIDTHS, build_network

PUBLISHED = {
    "ld": (VideoNetwork, published, DcvcUfConfig(portable=False), 375, 9_650_176),
    "intra": (PictureNetwork, published_intra, DcvcUfIntraConfig(portable=False), 398, 42_179_328),
}
NAMES = {
    "spatial.network.conv.2.weight": "y_spatial_prior.conv.2.weight",
    "feature_adaptor_m.conv.0.adaptor.bias": "feature_adaptor_m.conv.0.adaptor.bias",
    "temporal_prior_encoder.conv.down.weight": "temporal_prior_encoder.conv.down.weight",
    "decoder.up.conv.0.weight": "decoder.up.conv.0.weight",
    "bit_estimator_z.a": "bit_estimator_z.a",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_parameter_has_its_name(name):
    network, mapping, config, count, size = PUBLISHED[name]
    parameters = {p.name: p for p in network(config).get_parameters()}
    tensors = mapping(config).tensors
    assert tensors.keys() == parameters.keys()
    assert len({tensor.name for tensor in tensors.values()}) == len(tensors) == count
    assert sum(parameter.size for parameter in parameters.values()) == size


@pytest.mark.parametrize("structure", ["ld", "hts"])
def test_import(structure, tmp_path):
    """A file of published names becomes a network's parameters, with nothing missing or left over."""
    config = DcvcUfConfig(**WIDTHS, structure=type(DcvcUfConfig().structure)(structure), portable=False)
    mapping = published(config)
    options = {"structure": config.structure, "portable": False}
    source, target = (build_network(seed=seed, **options) for seed in (1, 2))
    np.savez(
        tmp_path / "published.npz",
        **{mapping.tensors[p.name].name: p.asnumpy() for p in source.get_parameters()},
    )
    tensors, account = translate(mapping, read_state_dict(tmp_path / "published.npz"))
    assert not account.missing and not account.left_over
    load_weights(target, tensors)
    for ours, theirs in zip(target.get_parameters(), source.get_parameters(), strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())


def test_published_names():
    tensors = published(DcvcUfConfig(**WIDTHS, portable=False)).tensors
    assert {ours: tensors[ours].name for ours in NAMES} == NAMES


def test_portable_networks_have_no_published_weights():
    for mapping, config in ((published, DcvcUfConfig()), (published_intra, DcvcUfIntraConfig())):
        with pytest.raises(CheckpointError, match=r"model\.portable=false"):
            mapping(config)

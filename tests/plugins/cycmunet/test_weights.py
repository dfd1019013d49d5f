"""The published checkpoint maps to our parameters without remainder."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from core.testing.recipes import convert_weights, named_weights
from plugins.cycmunet.config import CycMuNetConfig, Format
from plugins.cycmunet.interface import VideoCycMuNet
from plugins.cycmunet.weights import published

FIXTURE = Path(__file__).parents[2] / "parity" / "cycmunet.npz"
MODELS = json.loads(np.load(FIXTURE)["manifest_json"].tobytes())["models"]
COUNTS = {"default": 9_370_819, "rgb_x4": 10_074_323, "tiny": 2_857_251, "mid_strong": 4_558_995}


@pytest.mark.parametrize("name", list(COUNTS))
def test_every_key_has_its_parameter(name):
    model = MODELS[name]
    fields = model["config"]
    config = CycMuNetConfig(
        scale=fields["upscale_factor"],
        format=Format(fields["format"]),
        levels=fields["layers"],
        cycles=fields["cycle_count"],
        front_blocks=model["front_blocks"],
        trunk_blocks=model["back_blocks"],
    )
    mapping, parameters = published(config), dict(VideoCycMuNet(config).parameters_and_names())
    assert mapping.tensors.keys() == parameters.keys()
    assert sorted(tensor.name for tensor in mapping.tensors.values()) == sorted(model["shapes"])
    converted = convert_weights(mapping, named_weights(model["shapes"], 1.0))
    assert {n: a.shape for n, a in converted.items()} == {n: p.shape for n, p in parameters.items()}
    assert sum(parameter.size for parameter in parameters.values()) == COUNTS[name]


def test_offsets_are_regrouped_from_pairs_to_halves():
    mapping = published(CycMuNetConfig())
    bias = mapping.tensors["network.interpolation.from_first.levels.0.sampling.offsets.bias"]
    rows = np.arange(144, dtype=np.float32)
    np.testing.assert_array_equal(bias.convert(rows), np.concatenate((rows[1::2], rows[::2])))


def test_pruning_masks_are_ignored():
    ignored = published(CycMuNetConfig()).ignored
    assert any(re.search(pattern, "mu.conv.__weight_mma_mask") for pattern in ignored)
    assert not any(re.search(pattern, "mu.conv.weight") for pattern in ignored)

"""The published checkpoint maps to our parameters without remainder."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import core
from core.hooks import Output, Split
from core.selection import upscaler_of
from core.testing.recipes import convert_weights, named_weights
from core.upscaling.baselines import Baseline
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


def test_the_weights_that_come_along_enlarge_and_see_motion():
    """On stills in motion that they never saw: above bicubic enlargement, and far above what shows things twice."""
    words = [
        "dataset=stills",
        "dataset.scale=2",
        "dataset.pan=3",
        "dataset.patches=0",
        "dataset.evaluation_crop=96",
    ]
    run = core.open_run(["task=evaluate", "task.checkpoint=cycmunet-small-x2", *words])
    upscaler, baseline = upscaler_of(run, run.settings.task.checkpoint).build(), Baseline(2)
    gains = []
    source = run.source(Split.TEST)
    for index in range(3):
        frames, low = source.clip(index, np.random.default_rng(0))
        ours, theirs = (made(low[None, 0], low[None, 2], tuple(Output)) for made in (upscaler, baseline))
        truth = dict(zip(ours, (frames[0], frames[1], frames[2], low[1]), strict=True))
        gains.append([_psnr(ours[one][0], truth[one]) - _psnr(theirs[one][0], truth[one]) for one in truth])
    first, middle, last, low_middle = np.mean(gains, 0)
    assert min(first, last) > 1
    assert min(middle, low_middle) > 3


def _psnr(ours, truth):
    return -10 * np.log10(np.square(ours - truth).mean())

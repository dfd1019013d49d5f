"""The published implementation's tensors, losses and gradients are reproduced."""

import sys
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import replay_dvc  # noqa: E402
from fixture import Fixture  # noqa: E402

from core.nn.warp import warp  # noqa: E402


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "dvc.npz")


@pytest.mark.parametrize("config", ["frames", "training"])
def test_published_tensors(stored, config):
    comparisons = list(replay_dvc.replay(stored, config))
    assert comparisons
    assert [c for c in comparisons if not c.holds] == []


def test_the_warp_is_not_the_one_of_later_pytorch(stored):
    """The fixture also holds what the same code gives under ``align_corners=False``."""
    arrays = stored.arrays
    ours = warp(Tensor(arrays["ref"]), Tensor(arrays["flow_hat"])).asnumpy()
    assert np.abs(ours - arrays["warped"]).max() < 3e-5
    assert np.abs(arrays["alt_alignfalse_warped"] - arrays["warped"]).max() > 0.1


def test_all_configurations_are_tried(stored):
    assert replay_dvc.configs(stored) == ["frames", "training"]

"""The published implementation's tensors are reproduced, of its estimates and of its real coding."""

import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import replay_dcvc  # noqa: E402
from fixture import Fixture  # noqa: E402

ESTIMATES = (1.4244294166564941, 0.0552092082798481, 1.1268101930618286, 0.05510064959526062)
"""Bits per pixel that the published code tells of motion, its z, content and its z."""


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "dcvc.npz")


@pytest.mark.parametrize("config", ["forward", "codec"])
def test_published_tensors(stored, config):
    comparisons = list(replay_dcvc.replay(stored, config))
    assert comparisons
    assert [c for c in comparisons if not c.holds] == []


@pytest.mark.parametrize("config", ["forward", "codec"])
def test_another_seed_size_and_widths(config):
    """Of a fixture that our PyTorch twin made (`make.py`), not the published code."""
    twin = Fixture(HERE / "dcvc_twin.npz")
    assert twin.manifest["made by"].endswith("not the published code")
    comparisons = list(replay_dcvc.replay(twin, config))
    assert len(comparisons) > 10
    assert [c for c in comparisons if not c.holds] == []


def test_published_estimates(stored):
    frame, reference = replay_dcvc.frames(stored.arrays)
    _, _, costs = replay_dcvc.build(stored)(frame, reference)
    bpp = [float(cost.asnumpy()) / (64 * 128) for cost in costs]
    np.testing.assert_allclose(bpp, ESTIMATES, rtol=1e-6)


def test_all_configurations_are_tried(stored):
    assert replay_dcvc.configs(stored) == ["forward", "codec"]

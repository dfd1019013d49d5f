"""What CompressAI computes and codes is reproduced."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import replay_cheng2020  # noqa: E402
from fixture import Fixture  # noqa: E402


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "cheng2020.npz")


@pytest.mark.parametrize("config", ["forward", "codec"])
def test_published_tensors(stored, config):
    comparisons = list(replay_cheng2020.replay(stored, config))
    assert len(comparisons) >= 5
    assert [c for c in comparisons if not c.holds] == []


def test_all_configurations_are_tried(stored):
    assert replay_cheng2020.configs(stored) == ["forward", "codec"]
    assert stored.manifest["made by"].startswith("CompressAI")

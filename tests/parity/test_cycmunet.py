"""Every configuration of the stored fixture is reproduced within its tolerance."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import replay_cycmunet  # noqa: E402
from fixture import Fixture  # noqa: E402


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "cycmunet.npz")


@pytest.mark.parametrize(
    "config",
    [
        "dcn_unit",
        "tiny",
        "tiny_strong",
        "mid_strong",
        "default",
        "rgb_x4",
    ],
)
def test_published_outputs_and_probes(stored, config, either_kernels):
    comparisons = list(replay_cycmunet.replay(stored, config))
    assert comparisons
    assert [c for c in comparisons if not c.holds] == []


def test_all_configurations_are_tried(stored):
    assert set(replay_cycmunet.configs(stored)) == {
        "dcn_unit",
        "default",
        "rgb_x4",
        "tiny",
        "tiny_strong",
        "mid_strong",
    }

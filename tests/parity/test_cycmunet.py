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


SMALL = ["dcn_unit", "tiny", "tiny_strong", "mid_strong"]
LARGE = ["default", "rgb_x4"]


@pytest.mark.parametrize("config", [*SMALL, "default", pytest.param("rgb_x4", marks=pytest.mark.slow)])
def test_published_outputs_and_probes(stored, config, kernels):
    assert_replays(stored, config)


@pytest.mark.parametrize("config", SMALL + [pytest.param(name, marks=pytest.mark.slow) for name in LARGE])
def test_built_in_operators_give_the_same(stored, config):
    assert_replays(stored, config)


def assert_replays(stored, config):
    comparisons = list(replay_cycmunet.replay(stored, config))
    assert comparisons
    assert [c for c in comparisons if not c.holds] == []


def test_all_configurations_are_tried(stored):
    assert set(replay_cycmunet.configs(stored)) == {*SMALL, *LARGE}

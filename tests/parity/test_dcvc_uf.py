"""The published implementation's tensors, tables and gradients are reproduced, of all four networks."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import replay_dcvc_uf  # noqa: E402
from fixture import Fixture  # noqa: E402

CONFIGS = {"a": 60, "b": 60, "hts": 20, "htl": 20, "tables": 5, "train": 12}
"""What the fixture holds, and how many comparisons that is at least."""
LARGE = ("b", "hts", "htl", "train")
"""What takes gigabytes or minutes, or is of the kind of another one."""


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "dcvc_uf.npz")


@pytest.mark.parametrize(
    "config", [pytest.param(name, marks=[pytest.mark.slow] * (name in LARGE)) for name in CONFIGS]
)
def test_published_tensors(stored, config):
    comparisons = list(replay_dcvc_uf.replay(stored, config))
    assert len(comparisons) >= CONFIGS[config]
    assert [c for c in comparisons if not c.holds] == []


def test_all_configurations_are_tried(stored):
    assert sorted(replay_dcvc_uf.configs(stored)) == sorted(CONFIGS)

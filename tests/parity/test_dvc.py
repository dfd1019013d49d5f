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
from core.symbols.coder import SymbolEncoder  # noqa: E402
from core.symbols.integer import IntegerNetwork  # noqa: E402
from core.symbols.tables import LAPLACE_SCALES, table_index  # noqa: E402
from plugins.dvc.plugin import CODEC  # noqa: E402


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "dvc.npz")


@pytest.mark.parametrize("config", ["frames", "training"])
def test_published_tensors(stored, config):
    comparisons = list(replay_dvc.replay(stored, config))
    assert comparisons
    assert [c for c in comparisons if not c.holds] == []


@pytest.mark.parametrize("config", ["frames", "training"])
def test_another_seed_size_and_widths(config):
    """Of a fixture that our PyTorch twin made (`make.py`), not the published code."""
    twin = Fixture(HERE / "dvc_twin.npz")
    assert twin.manifest["made by"].endswith("not the published code")
    comparisons = list(replay_dvc.replay(twin, config))
    assert len(comparisons) > 10
    assert [c for c in comparisons if not c.holds] == []


def test_the_warp_is_not_the_one_of_later_pytorch(stored):
    """The fixture also holds what the same code gives under ``align_corners=False``."""
    arrays = stored.arrays
    ours = warp(Tensor(arrays["ref"]), Tensor(arrays["flow_hat"])).asnumpy()
    assert np.abs(ours - arrays["warped"]).max() < 3e-5
    assert np.abs(arrays["alt_alignfalse_warped"] - arrays["warped"]).max() > 0.1


def test_the_payload_is_as_long_as_the_published_estimate(stored):
    """Tables are chosen in integers here, and are those that the stored float scales choose."""
    arrays = stored.arrays
    network = replay_dvc.build(arrays)
    tables, encoder = CODEC.tables(network), SymbolEncoder()
    motion, z, y = (Tensor(arrays[name]) for name in ("mv_latent_q", "z_q", "y_q"))
    network.motion.prior.coder(tables, "motion.prior").encode(motion, encoder)
    network.residual.hyperprior.coder(tables, "residual").encode((z, y), encoder)
    bpp = 8 * len(encoder.finish()) / arrays["cur"][0, 0].size
    assert bpp == pytest.approx(float(arrays["bpp"]), rel=0.002)
    chosen = IntegerNetwork.from_arrays(tables, "residual.scales")(arrays["z_q"][0].astype(np.int32))
    np.testing.assert_array_equal(chosen, table_index(arrays["sigma"][0], LAPLACE_SCALES))


def test_all_configurations_are_tried(stored):
    assert replay_dvc.configs(stored) == ["frames", "training"]

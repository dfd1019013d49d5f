"""The published implementation's latents, symbols, likelihoods, motion and pictures are reproduced."""

import sys
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import replay_ssfvc  # noqa: E402
from fixture import Fixture  # noqa: E402

from core.symbols.coder import SymbolEncoder  # noqa: E402
from plugins.ssfvc.plugin import CODEC  # noqa: E402


@pytest.fixture(scope="module")
def stored() -> Fixture:
    return Fixture(HERE / "ssfvc.npz")


@pytest.mark.parametrize("config", ["scale_space_unit", "frames"])
def test_published_tensors(stored, config, either_kernels):
    comparisons = list(replay_ssfvc.replay(stored, config))
    assert comparisons
    assert [c for c in comparisons if not c.holds] == []


def test_graph_mode_gives_the_published_pictures(stored):
    network = replay_ssfvc.build(192)
    frames = stored.arrays["frames_u8"][None, :2].astype(np.float32) / np.float32(255)
    reconstructions, _ = ms.jit(network.construct)(Tensor(frames))
    for time in range(2):
        expected = stored.arrays[f"f{time}_x_hat"]
        np.testing.assert_allclose(reconstructions[0, time].asnumpy(), expected, rtol=1e-4, atol=2e-5)


def test_payloads_are_as_long_as_published_strings(stored):
    """Every published string ends in 8 bytes of the coder's state, which ours does not need."""
    network, arrays = replay_ssfvc.build(192), stored.arrays
    tables = CODEC.tables(network)
    latents = {"img": ("image", ""), "motion": ("motion", "_motion"), "res": ("residual", "_residual")}
    for prefix in ("f0_img", "f1_motion", "f1_res", "f2_motion", "f2_res"):
        frame, part = prefix.split("_")
        name, published = latents[part]
        z, y = (Tensor(arrays[f"{prefix}_sym_{latent}"][None].astype(np.float32)) for latent in "zy")
        encoder = SymbolEncoder()
        getattr(network, name).hyperprior.coder(tables, name).encode((z, y), encoder)
        length = sum(arrays[f"bs_{frame}{published}_{latent}"].size - 8 for latent in "zy")
        assert len(encoder.finish()) == pytest.approx(length, rel=0.005)


def test_all_configurations_are_tried(stored):
    assert replay_ssfvc.configs(stored) == ["scale_space_unit", "frames"]

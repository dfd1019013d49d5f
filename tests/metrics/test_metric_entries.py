"""The metrics as MindSpore sees them, and their entries without it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from core.metrics.channels import Channels
from core.metrics.entries import METRICS, MS_SSIM, PSNR, SSIM, MsSsimConfig, PsnrConfig, SsimConfig
from core.metrics.quality import as_stored, ms_ssim, psnr, ssim


@pytest.mark.heavy
def test_entries_do_not_import_mindspore() -> None:
    code = "import sys, core.metrics.entries; assert 'mindspore' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_entries_have_names_and_configs_of_their_own() -> None:
    better = {entry.name: entry.higher_is_better for entry in METRICS}
    lower = dict.fromkeys(("gmsd", "ms_gmsd", "checkerboard"), False)
    assert better == {"psnr": True, "ssim": True, "ms_ssim": True} | lower
    assert len({entry.config for entry in METRICS}) == len(METRICS)


def test_metrics_average_the_values_of_all_pictures() -> None:
    import mindspore as ms

    rng = np.random.default_rng(0)
    truth = rng.random((3, 3, 170, 176), dtype=np.float32)
    prediction = (truth + 0.1 * rng.standard_normal(truth.shape)).astype(np.float32)
    rounded = as_stored(prediction), as_stored(truth)
    for entry, config, measure in (
        (PSNR, PsnrConfig(), psnr), (SSIM, SsimConfig(), ssim), (MS_SSIM, MsSsimConfig(), ms_ssim),
    ):  # fmt: skip
        metric = entry.build(config)
        metric.clear()
        metric.update(ms.Tensor(prediction[:2]), ms.Tensor(truth[:2]))
        metric.update(prediction[2:], truth[2:])
        assert metric.eval() == pytest.approx(float(np.mean(measure(*rounded))), abs=1e-12)
        metric.clear()
        with pytest.raises(RuntimeError, match="before it was updated"):
            metric.eval()


def test_options_reach_the_measure() -> None:
    rng = np.random.default_rng(1)
    truth, prediction = rng.random((2, 2, 3, 12, 16), dtype=np.float32)
    metric = PSNR.build(PsnrConfig(on=Channels.Y, rounded=False))
    metric.update(prediction, truth)
    assert metric.eval() == pytest.approx(float(np.mean(psnr(prediction, truth, on="y"))), abs=1e-12)


def test_equal_pictures_do_not_make_the_mean_infinite() -> None:
    picture = np.full((2, 3, 8, 8), 0.25, np.float32)
    metric = PSNR.build(PsnrConfig())
    metric.update(picture, picture)
    assert metric.eval() == 100.0


def test_clips_count_frame_by_frame() -> None:
    clip = np.zeros((2, 4, 3, 8, 8), np.float32)
    metric = PSNR.build(PsnrConfig())
    metric.update(clip + 0.5, clip)
    assert len(metric.values) == 8

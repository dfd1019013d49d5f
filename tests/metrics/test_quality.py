"""The measures agree with scikit-image and pytorch-msssim, whose values are stored in reference.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import core.data
from core.errors import MindvideoError
from core.media.colour import Matrix
from core.media.samples import eight_bits
from core.metrics.quality import (
    PSNR_CAP,
    as_stored,
    mean_psnr,
    ms_ssim,
    psnr,
    samples_psnr,
    ssim,
    stored_psnr,
)

EMBEDDED = Path(core.data.__file__).parent / "embedded"
CASES = json.loads(Path(__file__).with_name("reference.json").read_text())["cases"]


def load(name: str, height: int, width: int) -> NDArray[np.float64]:
    picture = np.asarray(Image.open(EMBEDDED / f"{name}.jpg").convert("RGB"))
    return picture[:height, :width].transpose(2, 0, 1) / 255.0


def distort(picture: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    height, width = picture.shape[1:]
    if kind == "box":
        padded = np.pad(picture, ((0, 0), (1, 1), (1, 1)), mode="edge")
        return sum(padded[:, i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9
    if kind == "wave":
        y, x = np.mgrid[:height, :width]
        return np.clip(picture + 0.08 * np.sin(0.9 * x + 0.37 * y), 0, 1)
    if kind == "coarse":
        return np.rint(picture * 7) / 7
    assert kind == "inverted"
    return 1 - picture


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['picture']}-{case['distortion']}")
def test_references(case: dict[str, Any]) -> None:
    truth = load(case["picture"], case["height"], case["width"])
    prediction = distort(truth, case["distortion"])
    # The same formulas in float64 and another order of summation.
    assert psnr(prediction, truth) == pytest.approx(case["psnr"], abs=1e-9)
    assert ssim(prediction, truth) == pytest.approx(case["ssim"], abs=1e-9)
    assert ssim(prediction, truth) == pytest.approx(case["ssim_msssim"], abs=1e-9)
    assert ms_ssim(prediction, truth) == pytest.approx(case["ms_ssim"], abs=1e-9)


def test_psnr_by_hand() -> None:
    truth = np.full((3, 4, 4), 0.5)
    assert psnr(truth + 0.1, truth) == pytest.approx(20.0, abs=1e-12)
    assert psnr(truth, truth) == np.inf
    # An error of 0.1 in green alone is 0.7152 * 0.1 in BT.709 luma and 0.587 * 0.1 in BT.601 luma.
    green = truth.copy()
    green[1] += 0.1
    assert psnr(green, truth, on="y") == pytest.approx(-20 * np.log10(0.07152), abs=1e-9)
    assert psnr(green, truth, on="y", matrix=Matrix.BT601) == pytest.approx(-20 * np.log10(0.0587), abs=1e-9)


def test_batches_give_a_value_for_each_picture() -> None:
    truth = np.stack([load("chelsea", 180, 200), load("coffee", 180, 200)])
    prediction = np.stack([distort(picture, "wave") for picture in truth]).astype(np.float32)
    for measure in (psnr, ssim, ms_ssim):
        values = measure(prediction, truth)
        assert values.shape == (2,)
        singles = [measure(a, b) for a, b in zip(prediction, truth, strict=True)]
        np.testing.assert_allclose(values, singles, rtol=1e-13)


def test_equal_pictures() -> None:
    picture = load("rocket", 170, 190)
    assert ssim(picture, picture) == pytest.approx(1.0, abs=1e-12)
    assert ms_ssim(picture, picture) == pytest.approx(1.0, abs=1e-12)
    assert ssim(picture, picture, on="y") == pytest.approx(1.0, abs=1e-12)


def test_the_mean_of_psnr_counts_equal_frames_as_100_db() -> None:
    assert mean_psnr([30.0, np.inf]) == 65.0
    assert mean_psnr([30.0, 40.0]) == 35.0


def test_stored_pictures_are_clamped_and_rounded() -> None:
    np.testing.assert_array_equal(as_stored(np.array([-1.0, 0.5, 2.0])), [0.0, 128 / 255, 1.0])


def test_small_pictures_and_wrong_shapes_are_refused() -> None:
    with pytest.raises(MindvideoError, match="MS-SSIM needs pictures of 161x161 pixels at least"):
        ms_ssim(np.zeros((3, 160, 200)), np.zeros((3, 160, 200)))
    with pytest.raises(MindvideoError, match="SSIM needs pictures of 11x11"):
        ssim(np.zeros((3, 10, 20)), np.zeros((3, 10, 20)))
    with pytest.raises(ValueError, match="must both be"):
        psnr(np.zeros((3, 4, 4)), np.zeros((3, 4, 5)))
    with pytest.raises(ValueError, match="not a valid Channels"):
        psnr(np.zeros((3, 4, 4)), np.zeros((3, 4, 4)), on="luma")


def test_psnr_in_single_precision_is_that_of_stored_pictures() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((3, 40, 50), dtype=np.float32)
    prediction = truth + rng.normal(0, 0.02, truth.shape).astype(np.float32)
    wanted = float(psnr(as_stored(prediction), as_stored(truth)))
    assert stored_psnr(prediction, truth) == pytest.approx(wanted, abs=1e-9)
    assert stored_psnr(truth, truth) == PSNR_CAP == samples_psnr(eight_bits(truth), eight_bits(truth))

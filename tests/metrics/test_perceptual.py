"""GMSD, MS-GMSD and the checkerboard measure beside their definitions."""

import numpy as np
import pytest

from core.errors import MindvideoError
from core.media.colour import Matrix, luma
from core.metrics.entries import METRICS
from core.metrics.perceptual import MS_GMSD_WEIGHTS, checkerboard, gmsd, ms_gmsd

PREWITT = np.array([[1, 0, -1]] * 3) / 3


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(5)
    truth = np.kron(rng.random((2, 3, 8, 9)), np.ones((4, 4)))
    return np.clip(truth + 0.1 * rng.standard_normal(truth.shape), 0, 1), truth


def by_definition(prediction, truth):
    """The deviation of one scale, pixel by pixel: planes in [0,1], here of 255 steps as in the paper."""
    maps = []
    for plane in (prediction, truth):
        padded = np.pad(255 * plane, 1)
        height, width = plane.shape
        windows = [[padded[y : y + 3, x : x + 3] for x in range(width)] for y in range(height)]
        maps.append([[np.hypot((w * PREWITT).sum(), (w * PREWITT.T).sum()) for w in row] for row in windows])
    a, b = np.array(maps)
    similarity = (2 * a * b + 170) / (a**2 + b**2 + 170)
    return np.sqrt(((similarity - similarity.mean()) ** 2).mean())


def halved(plane):
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


def test_gmsd_is_its_definition(pair):
    values = gmsd(*pair)
    for value, prediction, truth in zip(values, *pair, strict=True):
        planes = [halved(luma(picture, Matrix.BT709)) for picture in (prediction, truth)]
        assert value == pytest.approx(by_definition(*planes), rel=1e-9)
        assert gmsd(prediction, truth) == pytest.approx(value, rel=1e-12)


def test_ms_gmsd_weighs_four_scales(pair):
    prediction, truth = (luma(pictures[0], Matrix.BT709) for pictures in pair)
    total = 0.0
    for weight in MS_GMSD_WEIGHTS:
        total += weight * by_definition(prediction, truth) ** 2
        prediction, truth = (
            halved(p[: p.shape[0] // 2 * 2, : p.shape[1] // 2 * 2]) for p in (prediction, truth)
        )
    assert ms_gmsd(*pair)[0] == pytest.approx(np.sqrt(total), rel=1e-9)
    assert sum(MS_GMSD_WEIGHTS) == pytest.approx(1)


def test_equal_pictures_are_perfect_and_worse_ones_worse(pair):
    prediction, truth = pair
    for metric in (gmsd, ms_gmsd):
        np.testing.assert_array_equal(metric(truth, truth), [0, 0])
    worse = truth + 2 * (prediction - truth)
    assert (gmsd(worse, truth) > gmsd(prediction, truth)).all()
    assert (ms_gmsd(worse, truth) > ms_gmsd(prediction, truth)).all()


def test_the_checkerboard_measure_finds_grids(pair):
    truth = pair[1]
    rows, columns = np.indices(truth.shape[2:])
    smooth = 0.05 * np.sin(rows / 5)
    noise = 0.05 * np.random.default_rng(6).standard_normal((2, 1, *rows.shape))
    board = 0.01 * (-1.0) ** (rows + columns)
    np.testing.assert_array_equal(checkerboard(truth, truth), [1, 1])
    assert (checkerboard(truth + smooth, truth) <= 1).all()
    np.testing.assert_allclose(checkerboard(truth + noise, truth), 1, atol=0.6)
    blurred = (truth + np.roll(truth, 1, 2) + np.roll(truth, 1, 3) + np.roll(truth, (1, 1), (2, 3))) / 4
    assert (checkerboard(blurred, truth) < 1).all()
    for grid in (board, 0.01 * (-1.0) ** columns, 0.01 * (-1.0) ** rows):
        values = [checkerboard(truth + error + grid, truth) for error in (smooth, noise / 10)]
        assert min(v.min() for v in values) > 20


def test_pictures_must_be_large_enough_and_alike():
    for metric, least in ((gmsd, 4), (ms_gmsd, 16), (checkerboard, 16)):
        small = np.zeros((3, least, least - 1))
        with pytest.raises(MindvideoError, match=f"{least}x{least} pixels at least, not {least - 1}x{least}"):
            metric(small, small)
        with pytest.raises(ValueError, match="must both be"):
            metric(small, np.zeros((3, 30, 20)))


def test_metrics_are_means_over_pictures(pair):
    for name, function in (("gmsd", gmsd), ("ms_gmsd", ms_gmsd), ("checkerboard", checkerboard)):
        entry = next(entry for entry in METRICS if entry.name == name)
        metric = entry.build(entry.config(rounded=False))
        metric.update(*pair)
        assert metric.eval() == pytest.approx(function(*pair).mean(), rel=1e-6)

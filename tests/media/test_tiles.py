"""Tiles cover every picture, have one shape, and blend without a trace."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from core.errors import ConfigError
from core.media.tiles import plan_tiles

SIZES = [(5, 7), (64, 64), (65, 64), (97, 131), (101, 200), (270, 480), (127, 64), (64, 509)]
PLANS = [
    {"tile": 64, "overlap": 16, "alignment": 8},
    {"tile": 50, "overlap": 13, "alignment": 1},
    {"tile": 48, "overlap": 16, "alignment": 4},
]


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("options", PLANS)
def test_tiles_are_aligned_overlap_and_cover(height: int, width: int, options: dict[str, int]) -> None:
    plan = plan_tiles(height, width, **options)
    for axis, size in ((plan.rows, height), (plan.columns, width)):
        assert axis.tile <= options["tile"] or axis.tile == size
        assert axis.tile % options["alignment"] == size % options["alignment"]
        assert axis.origins[0] == 0 and axis.origins[-1] == size - axis.tile
        assert all(origin % options["alignment"] == 0 for origin in axis.origins)
        shared = [first + axis.tile - second for first, second in pairwise(axis.origins)]
        assert all(options["overlap"] <= length < axis.tile for length in shared)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("scale", [1, 4])
def test_weights_sum_to_one_and_spare_the_borders(height: int, width: int, scale: int) -> None:
    plan = plan_tiles(height, width, tile=64, overlap=16, alignment=8)
    for axis in (plan.rows, plan.columns):
        total = np.zeros(axis.size * scale)
        for number, (origin, weights) in enumerate(zip(axis.origins, axis.weights(scale), strict=True)):
            assert weights.min() >= 0
            total[origin * scale : (origin + axis.tile) * scale] += weights
            if number > 0:
                assert not weights[: 4 * scale].any(), "the outer quarter of an overlap of 16 lacks context"
            if number + 1 < len(axis.origins):
                assert not weights[-4 * scale :].any()
        # Differences of neighbouring ramps telescope; each addition rounds by at most one unit of 2**-53.
        np.testing.assert_allclose(total, 1.0, rtol=0, atol=2e-16)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_local_function_gives_what_the_whole_picture_gives(height: int, width: int) -> None:
    picture = np.random.default_rng(0).random((2, 3, height, width), dtype=np.float32)
    plan = plan_tiles(height, width, tile=64, overlap=16, alignment=8)
    shapes = set()

    def enlarge(tile: np.ndarray) -> np.ndarray:
        shapes.add(tile.shape)
        return tile.repeat(2, axis=-2).repeat(2, axis=-1)

    # Two weights of at most 1 in float32: one rounding each and one of the sum.
    np.testing.assert_allclose(plan.run(enlarge, picture, scale=2), enlarge(picture), rtol=0, atol=2e-7)
    assert shapes == {(2, 3, *plan.tile_shape), picture.shape}


def test_context_of_a_quarter_overlap_is_enough_for_a_filter() -> None:
    picture = np.random.default_rng(1).random((1, 3, 101, 139), dtype=np.float32)

    def blur(tile: np.ndarray) -> np.ndarray:
        padded = np.pad(tile, ((0, 0), (0, 0), (3, 3), (3, 3)), mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(padded, (7, 7), axis=(2, 3))
        return views.mean(axis=(-1, -2))

    plan = plan_tiles(101, 139, tile=48, overlap=16)
    np.testing.assert_allclose(plan.run(blur, picture), blur(picture), rtol=0, atol=1e-6)


def test_two_frames_and_several_outputs() -> None:
    first, second = np.random.default_rng(2).random((2, 1, 3, 70, 90), dtype=np.float32)
    plan = plan_tiles(70, 90, tile=32, overlap=8, alignment=2)
    results = plan.run_named(
        lambda a, b: {"mean": (a + b) / 2, "large": a.repeat(4, axis=2).repeat(4, axis=3)},
        first, second, scales={"mean": 1, "large": 4},
    )  # fmt: skip
    np.testing.assert_allclose(results["mean"], (first + second) / 2, rtol=0, atol=2e-7)
    np.testing.assert_allclose(results["large"], first.repeat(4, axis=2).repeat(4, axis=3), rtol=0, atol=2e-7)


def test_what_lies_in_the_discarded_border_does_not_matter() -> None:
    picture = np.ones((1, 1, 64, 150), np.float32)
    plan = plan_tiles(64, 150, tile=64, overlap=16)

    def spoil(tile: np.ndarray) -> np.ndarray:
        tile = tile.copy()
        tile[..., :4] = tile[..., -4:] = np.nan
        return tile

    inner = plan.run(spoil, picture)[..., 4:-4]
    np.testing.assert_allclose(inner, 1.0, rtol=0, atol=2e-7)


def test_a_small_picture_is_one_tile() -> None:
    assert len(plan_tiles(63, 64, tile=64, overlap=16, alignment=4)) == 1


def test_mistakes_are_named() -> None:
    with pytest.raises(ConfigError, match="use at least 27"):
        plan_tiles(100, 100, tile=20, overlap=20, alignment=4)
    assert len(plan_tiles(100, 103, tile=27, overlap=20, alignment=4)) > 1
    with pytest.raises(ConfigError, match="cannot cut"):
        plan_tiles(100, 100, tile=0, overlap=0)
    with pytest.raises(ValueError, match="came back"):
        plan_tiles(9, 9, tile=8, overlap=2).run(lambda tile: tile[..., 1:], np.zeros((3, 9, 9), np.float32))

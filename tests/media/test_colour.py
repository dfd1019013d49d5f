"""RGB and YUV: known colours, round trips, chroma sampling."""

from __future__ import annotations

import numpy as np
import pytest

from core.media.colour import Chroma, Matrix, Range, Subsampling, chroma_shape, luma, rgb_to_yuv, yuv_to_rgb

RED, GREEN, BLUE, GREY, WHITE = (1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.5, 0.5), (1, 1, 1)

# Codes of the standards' colour bars (100 %), as published for 8 bits.
KNOWN = {
    (Matrix.BT601, Range.LIMITED): {
        RED: (81, 90, 240), GREEN: (145, 54, 34), BLUE: (41, 240, 110), GREY: (126, 128, 128), WHITE: (235, 128, 128)
    },
    (Matrix.BT709, Range.LIMITED): {
        RED: (63, 102, 240), GREEN: (173, 42, 26), BLUE: (32, 240, 118), GREY: (126, 128, 128), WHITE: (235, 128, 128)
    },
    (Matrix.BT601, Range.FULL): {
        RED: (76, 85, 255), GREEN: (150, 44, 21), BLUE: (29, 255, 107), GREY: (128, 128, 128), WHITE: (255, 128, 128)
    },
    (Matrix.BT709, Range.FULL): {
        RED: (54, 99, 255), GREEN: (182, 30, 12), BLUE: (18, 255, 116), GREY: (128, 128, 128), WHITE: (255, 128, 128)
    },
}  # fmt: skip


def constant(colour: tuple[float, ...], height: int = 4, width: int = 6) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, height, width)).copy()


@pytest.mark.parametrize(("matrix", "range"), KNOWN)
def test_known_colours(matrix: Matrix, range: Range) -> None:
    for colour, codes in KNOWN[matrix, range].items():
        planes = rgb_to_yuv(constant(colour), matrix=matrix, range=range)
        assert tuple(int(plane[0, 0]) for plane in planes) == codes
        assert all(np.ptp(plane) == 0 for plane in planes)
        # Half a code of luma and of chroma, the latter magnified by 1.8556 for blue at most: under 2 of 255.
        assert np.abs(yuv_to_rgb(*planes, matrix=matrix, range=range) - constant(colour)).max() < 2 / 255


@pytest.mark.parametrize("matrix", Matrix)
@pytest.mark.parametrize("range", Range)
@pytest.mark.parametrize("depth", [8, 10])
def test_round_trip_of_444_is_bounded_by_rounding(matrix: Matrix, range: Range, depth: int) -> None:
    rgb = np.random.default_rng(0).random((3, 37, 41), dtype=np.float32)
    planes = rgb_to_yuv(rgb, matrix=matrix, range=range, depth=depth, subsampling=Subsampling.YUV444)
    back = yuv_to_rgb(*planes, matrix=matrix, range=range, depth=depth)
    # Blue: half a code of Y, and half a code of Cb times 2 (1 - 0.0593).
    luma_codes, chroma_codes = (219, 224) if range is Range.LIMITED else (255, 255)
    step = 2 ** (depth - 8) if range is Range.LIMITED else (2**depth - 1) / 255
    assert np.abs(back - rgb).max() <= 0.5 / (luma_codes * step) + 0.5 * 1.8814 / (chroma_codes * step) + 1e-6


@pytest.mark.parametrize("subsampling", Subsampling)
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 6), (3, 2)])
def test_odd_sizes_keep_constants(subsampling: Subsampling, size: tuple[int, int]) -> None:
    rgb = constant((0.2, 0.6, 0.4), *size)
    planes = rgb_to_yuv(rgb, matrix=Matrix.BT709, range=Range.LIMITED, depth=10, subsampling=subsampling)
    assert planes[1].shape == planes[2].shape == chroma_shape(*size, subsampling)
    assert planes[0].dtype == np.uint16
    for chroma in Chroma:
        back = yuv_to_rgb(*planes, matrix=Matrix.BT709, range=Range.LIMITED, depth=10, chroma=chroma)
        assert back.dtype == np.float32 and back.shape == rgb.shape
        assert np.abs(back - rgb).max() < 0.002


def test_chroma_down_is_the_mean_and_an_odd_edge_counts_once() -> None:
    red = np.zeros((3, 2, 3), np.float32)
    red[0] = [[0.0, 0.4, 1.0], [0.2, 0.6, 1.0]]
    _, _, v = rgb_to_yuv(red, matrix=Matrix.BT709, range=Range.FULL, depth=10)
    # Cr of pure red r is r / 2 in BT.709: means 0.3 and 1.
    np.testing.assert_array_equal(v, [[round(512 + 0.15 * 1023), 1023]])


def test_chroma_up_by_hand() -> None:
    y = np.full((1, 4), 512, np.uint16)
    v = np.array([[512, 612]], np.uint16)
    u = np.full((1, 2), 512, np.uint16)

    def red(chroma: Chroma) -> np.ndarray:
        rgb = yuv_to_rgb(y, u, v, matrix=Matrix.BT709, range=Range.FULL, depth=10, chroma=chroma)
        return (rgb[0, 0] - 512 / 1023) / 1.5748 * 1023

    np.testing.assert_allclose(red(Chroma.NEAREST), [0, 0, 100, 100], atol=1e-3)
    # Half-pixel positions: a quarter and three quarters of the way between the two centres.
    np.testing.assert_allclose(red(Chroma.BILINEAR), [0, 25, 75, 100], atol=1e-3)


def test_values_outside_are_clamped() -> None:
    planes = rgb_to_yuv(constant((2.0, -1.0, 0.0)), matrix=Matrix.BT601, range=Range.LIMITED)
    assert [int(plane[0, 0]) for plane in planes] == [81, 90, 240]
    bright = [np.full((2, 2), code, np.uint8) for code in (255, 128, 128)]
    white = yuv_to_rgb(*bright, matrix=Matrix.BT709, range=Range.LIMITED)
    assert white.max() == 1.0


def test_luma_weights() -> None:
    np.testing.assert_allclose(luma(constant(GREEN), Matrix.BT601), 0.587, rtol=1e-6)
    np.testing.assert_allclose(luma(constant(GREEN)[None], Matrix.BT2020), 0.678, rtol=1e-6)


def test_planes_that_do_not_belong_together() -> None:
    y = np.zeros((4, 4), np.uint8)
    with pytest.raises(ValueError, match="do not belong"):
        yuv_to_rgb(y, y[:3], y[:3], matrix=Matrix.BT709, range=Range.FULL)
    with pytest.raises(ValueError, match="differ in size"):
        yuv_to_rgb(y, y[:2, :2], y[:2], matrix=Matrix.BT709, range=Range.FULL)

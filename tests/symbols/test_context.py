"""Which positions a context model sees, and which are computed together."""

import numpy as np
import pytest

from core.symbols.context import ContextOrder, visible, waves

SIZES = [(1, 1), (1, 7), (7, 1), (4, 8), (9, 5), (64, 120)]


@pytest.mark.parametrize("order", ContextOrder)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_each_position_comes_once(order, height, width):
    made = np.concatenate(waves(order, height, width, 5))
    np.testing.assert_array_equal(np.sort(made), np.arange(height * width))


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize(("height", "width"), SIZES[:-1])
def test_contexts_are_complete(kernel, height, width):
    """What a position sees has come in an earlier wave, and no position could come in an earlier one."""
    number = np.empty(height * width, int)
    for wave, places in enumerate(waves(ContextOrder.raster, height, width, kernel)):
        number[places] = wave
    number = number.reshape(height, width)
    margin = kernel // 2
    seen = np.argwhere(visible(ContextOrder.raster, kernel)) - margin
    for row in range(height):
        for column in range(width):
            places = [(row + dy, column + dx) for dy, dx in seen]
            before = [number[y, x] for y, x in places if 0 <= y < height and 0 <= x < width]
            assert number[row, column] == max(before, default=-1) + 1


def test_waves_are_as_few_as_published():
    assert len(waves(ContextOrder.raster, 64, 120, 5)) == 120 + 3 * 63
    assert [places.size for places in waves(ContextOrder.checkerboard, 64, 120, 5)] == [3840, 3840]


def test_masks():
    raster, board = visible(ContextOrder.raster, 5), visible(ContextOrder.checkerboard, 5)
    assert raster.sum() == board.sum() == 12
    assert raster[:2].all() and raster[2].tolist() == [True, True, False, False, False]
    assert not board[2, 2] and board[2, 1] and board[1, 2] and not board[0, 0] and board[0, 1]

"""Where time and memory go, cell by cell, and by which power they grow."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.bench.profile import BETWEEN, WHOLE, exponent, profile
from core.nn.conv import Conv2d


class Small(nn.Cell):
    def __init__(self):
        super().__init__()
        self.first = Conv2d(3, 4)
        self.again = nn.SequentialCell([Conv2d(4, 4), nn.ReLU()])

    def construct(self, x):
        return self.again(self.again(self.first(x)))


@pytest.mark.heavy
def test_every_cell_has_its_share():
    network, seen = Small(), []

    def work(width, height):
        seen.append((width, height))
        network(Tensor(np.ones((1, 3, height, width), np.float32)))

    small, large = profile(network, work, [(16, 12), (8, 6)], compiled=True)
    assert [(one.width, one.height) for one in (small, large)] == [(8, 6), (16, 12)]
    assert seen == [(8, 6)] * 5 + [(16, 12)] * 5
    for one in (small, large):
        cells = {cell.name: cell for cell in one.cells}
        assert set(cells) == {WHOLE, BETWEEN, "first", "again", "again.0", "again.1"}
        assert {name: cell.calls for name, cell in cells.items() if name.startswith("again")} == {
            "again": 2, "again.0": 2, "again.1": 2
        }  # fmt: skip
        assert cells["first"].kind == "Conv2d" and cells["first"].output_bytes == 4 * 4 * one.pixels
        assert cells["again.0"].output_bytes == 2 * 4 * 4 * one.pixels
        assert one.multiply_adds == 9 * (3 * 4 + 2 * 4 * 4) * one.pixels
        assert all(cell.seconds >= 0 for cell in one.cells) and one.seconds > 0 and one.compiled_seconds > 0
        assert [cell.seconds for cell in one.cells] == sorted([c.seconds for c in one.cells], reverse=True)
    assert ms.get_context("mode") == ms.PYNATIVE_MODE


@pytest.mark.parametrize("power", [0.5, 1, 2])
def test_the_power_of_growth(power):
    sizes = [100, 300, 900]
    assert exponent(sizes, [7 * size**power for size in sizes]) == pytest.approx(power)


def test_no_power_of_one_size():
    assert exponent([100], [1.0]) is None and exponent([100, 200], [0.0, 1.0]) is None

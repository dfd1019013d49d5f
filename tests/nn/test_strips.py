"""Strips of a picture give what the whole picture gives."""

import numpy as np
import pytest
from mindspore import Tensor, nn

from core.nn import strips
from core.nn.conv import Conv2d
from core.nn.strips import InStrips, plan_strips


class Scales(nn.Cell):
    """A coarse plane and one four times as large to one of each size, by two coarse rows on either side."""

    def __init__(self):
        super().__init__()
        self.fine = Conv2d(2, 3, 9)
        self.down = Conv2d(3, 4, 5, 4)
        self.coarse = Conv2d(2, 4, 3)

    def construct(self, coarse, fine):
        made = self.fine(fine)
        return made, self.down(made) + self.coarse(coarse)


@pytest.mark.parametrize("halo", [1, 3])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (12, 400), (13, 400), (64, 120), (67, 50), (500, 7)])
def test_plans_cover_each_row_once(rows, columns, halo):
    plan = plan_strips(rows, columns, halo)
    assert len({strip.height for strip in plan}) == 1
    assert [strip.first for strip in plan] == [0, *(strip.last for strip in plan[:-1])]
    assert plan[-1].last == rows
    for strip in plan:
        assert strip.origin >= 0 and strip.origin + strip.height <= rows and strip.first < strip.last
        assert strip.first - strip.origin >= halo or strip.origin == 0
        assert strip.origin + strip.height - strip.last >= halo or strip.last == rows
    assert plan[0].height * columns <= strips.POSITIONS or len(plan) == 1 or plan[0].height <= 4 * halo


def test_a_large_picture_is_cut_into_nine():
    assert len(plan_strips(64, 120, 3)) == 9


def test_strips_give_the_whole(monkeypatch, either_kernels):
    rng = np.random.default_rng(1)
    coarse = Tensor(rng.standard_normal((1, 2, 19, 6)).astype(np.float32))
    fine = Tensor(rng.standard_normal((1, 2, 76, 24)).astype(np.float32))
    cell = Scales()
    expected = [tensor.asnumpy() for tensor in cell(coarse, fine)]
    monkeypatch.setattr(strips, "POSITIONS", 60)
    assert len(plan_strips(19, 6, 2)) > 2
    for ours, whole in zip(InStrips(cell, 2)(coarse, fine), expected, strict=True):
        np.testing.assert_allclose(ours.asnumpy(), whole, rtol=0, atol=5e-6)


def test_the_coarsest_plane_may_be_a_result(monkeypatch):
    rng = np.random.default_rng(2)
    fine = Tensor(rng.standard_normal((1, 2, 76, 24)).astype(np.float32))
    conv = Conv2d(2, 3, 5, 4)
    expected = conv(fine).asnumpy()
    monkeypatch.setattr(strips, "POSITIONS", 60)
    (ours,) = InStrips(lambda x: (conv(x),), 1, unit=4)(fine)
    np.testing.assert_allclose(ours.asnumpy(), expected, rtol=0, atol=1e-6)

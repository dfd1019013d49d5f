"""Multiply-adds, against numbers counted by hand."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.nn.blocks import PreActivationBlock, ResidualTrunk
from core.nn.chain import ConvChain
from core.nn.conv import ConcatConv1x1, Conv2d, ConvTranspose2d, LeakyConv2d
from core.nn.counting import counting
from core.nn.deform import DeformableConv2d
from core.nn.gdn import GDN, InverseGDN
from core.nn.nearest import NearestConv2d

pytestmark = pytest.mark.usefixtures("either_kernels")


def picture(channels, height=6, width=8, batch=2):
    values = np.random.default_rng(1).random((batch, channels, height, width), dtype=np.float32)
    return Tensor(values)


def counted(cell, *inputs):
    cell.set_train(False)
    with counting() as counter:
        cell(*inputs)
    return counter.multiply_adds


PIXELS = 2 * 6 * 8


@pytest.mark.parametrize(
    ("make", "channels", "expected"),
    [
        (lambda: Conv2d(3, 5, 3), 3, PIXELS * 5 * 3 * 9),
        (lambda: Conv2d(3, 5, 5, 2), 3, PIXELS // 4 * 5 * 3 * 25),
        (lambda: Conv2d(4, 2, (1, 3)), 4, PIXELS * 2 * 4 * 3),
        (lambda: LeakyConv2d(3, 5), 3, PIXELS * 5 * 3 * 9),
        (lambda: ConvTranspose2d(4, 20, 5), 4, PIXELS * 20 * 4 * 25),
        (lambda: ConvTranspose2d(4, 3, 5), 4, PIXELS * 3 * 4 * 25),
        (lambda: NearestConv2d(4, 3), 4, 4 * PIXELS * 3 * 4 * 9),
        (lambda: GDN(6), 6, PIXELS * 6 * 6),
        (lambda: InverseGDN(6), 6, PIXELS * 6 * 6),
        (lambda: PreActivationBlock(4), 4, PIXELS * 2 * 4 * 4 * 9),
        (lambda: ResidualTrunk(4, 3), 4, PIXELS * 3 * 2 * 4 * 4 * 9),
        (
            lambda: ConvChain(
                [Conv2d(3, 4, 5, 2), GDN(4), Conv2d(4, 6), nn.ReLU(), ConvTranspose2d(6, 3, 5)]
            ),
            3,
            PIXELS // 4 * (4 * 3 * 25 + 4 * 4 + 6 * 4 * 9 + 3 * 6 * 25),
        ),
    ],
)
def test_cells(make, channels, expected):
    assert counted(make(), picture(channels)) == expected


def test_deformable_convolutions():
    cell = DeformableConv2d(4, 6, 2)
    offsets, mask = picture(2 * 2 * 9), picture(2 * 9)
    assert counted(cell, picture(4), offsets, mask) == PIXELS * 6 * 4 * 9


def test_dense_layers():
    assert counted(nn.Dense(7, 5), Tensor(np.ones((3, 7), np.float32))) == 3 * 7 * 5


def test_convolutions_of_parts():
    cell = ConcatConv1x1(4, 3, 5)
    with counting() as counter:
        for part in range(3):
            cell.part(picture(4), part)
    assert counter.multiply_adds == PIXELS * 5 * 12


def test_nothing_is_counted_afterwards():
    cell = Conv2d(3, 5)
    with counting() as counter:
        cell(picture(3))
    before = counter.multiply_adds
    cell(picture(3))
    assert counter.multiply_adds == before
    with pytest.raises(RuntimeError), counting():
        raise RuntimeError
    assert "observer" not in Conv2d.convolve.__qualname__
    assert ms.get_context("mode") == ms.PYNATIVE_MODE

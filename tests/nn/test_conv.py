"""Convolutions: PyTorch's sizes, layout and initial distribution."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.backend import Backend
from core.nn import precision
from core.nn.activation import LeakyReLU
from core.nn.blocks import PreActivationBlock, ResidualBlock, ResidualTrunk
from core.nn.chain import ConvChain
from core.nn.conv import ConcatConv1x1, Conv2d, ConvTranspose2d, LeakyConv2d
from core.nn.pad import crop_like, replicate_to_multiple, zero_margin


def random(*shape):
    return np.random.default_rng(2).standard_normal(shape).astype(np.float32)


def transposed(x, weight, bias, stride, padding):
    """PyTorch's transposed convolution to exactly stride times the size: every input spreads its kernel."""
    batch, _, height, width = x.shape
    _, out, kernel_height, kernel_width = weight.shape
    full = np.zeros((batch, out, height * stride[0] + kernel_height, width * stride[1] + kernel_width))
    for r, c in np.ndindex(height, width):
        top, left = r * stride[0], c * stride[1]
        spread = np.einsum("nc,cokl->nokl", x[:, :, r, c], weight)
        full[:, :, top : top + kernel_height, left : left + kernel_width] += spread
    rows = slice(padding[0], padding[0] + height * stride[0])
    columns = slice(padding[1], padding[1] + width * stride[1])
    return full[:, :, rows, columns] + bias[None, :, None, None]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"),
    [
        ((3, 3), (2, 2), (1, 1)),
        ((1, 3), (1, 2), (0, 1)),
        ((5, 5), (2, 2), (2, 2)),
        ((3, 3), (1, 1), (1, 1)),
    ],
)
def test_transposed_convolution_computes_its_last_row_and_column(kernel, stride, padding):
    conv = ConvTranspose2d(2, 4, kernel, stride)
    x, weight, bias = random(2, 2, 5, 6), random(2, 4, *kernel), random(4)
    conv.weight.set_data(Tensor(weight))
    conv.bias.set_data(Tensor(bias))
    np.testing.assert_allclose(
        conv(Tensor(x)).asnumpy(), transposed(x, weight, bias, stride, padding), atol=1e-5
    )


@pytest.mark.parametrize(("size", "halved"), [((6, 8), (3, 4)), ((5, 7), (3, 4))])
def test_strided_convolution_rounds_up(size, halved):
    assert Conv2d(3, 4, stride=2)(Tensor(random(1, 3, *size))).shape == (1, 4, *halved)


def test_initial_weights_are_pytorchs():
    ms.set_seed(1)
    for conv, fan_in in ((Conv2d(64, 64), 576), (ConvTranspose2d(64, 64), 576)):
        for values in (conv.weight.asnumpy(), conv.bias.asnumpy()):
            assert np.abs(values).max() <= fan_in**-0.5 * 1.0001
            assert np.abs(values).max() > fan_in**-0.5 * 0.9


def test_residual_blocks_start_near_identity():
    ms.set_seed(1)
    block = ResidualBlock(64)
    assert block.conv1.weight.asnumpy().std() == pytest.approx(0.1 * (2 / 576) ** 0.5, rel=0.02)
    assert not block.conv2.bias.asnumpy().any()


def test_convolution_entry_by_entry_equals_that_of_the_concatenation():
    conv = ConcatConv1x1(4, 3, 6)
    entries = [Tensor(random(2, 4, 5, 5) + i) for i in range(3)]
    whole = conv(ops.concat(entries, 1)).asnumpy()
    parts = sum(conv.part(entry, i).asnumpy() for i, entry in enumerate(entries))
    np.testing.assert_allclose(parts, whole, atol=2e-6)


def test_leaky_relu_and_its_gradient():
    x = Tensor(np.array([-2.0, -0.5, 0.5, 3.0], np.float32))
    np.testing.assert_allclose(LeakyReLU()(x).asnumpy(), [-0.2, -0.05, 0.5, 3.0], rtol=1e-6)
    np.testing.assert_allclose(ms.grad(LeakyReLU())(x).asnumpy(), [0.1, 0.1, 1, 1], rtol=1e-6)


def test_padding():
    x = random(1, 2, 5, 7)
    padded = replicate_to_multiple(Tensor(x), 4)
    np.testing.assert_array_equal(padded.asnumpy(), np.pad(x, ((0, 0), (0, 0), (0, 3), (0, 1)), "edge"))
    np.testing.assert_array_equal(crop_like(padded, Tensor(x)).asnumpy(), x)
    np.testing.assert_array_equal(
        zero_margin(Tensor(x), 2).asnumpy(), np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)))
    )


class Chain(ConvChain):
    """Convolutions of every kind, with a cell between that works element by element."""

    def __init__(self):
        super().__init__(
            [
                *(Conv2d(3, 16, 5, 2), nn.ReLU(), Conv2d(16, 24), nn.Sigmoid()),
                *(ConvTranspose2d(24, 8, 5), LeakyReLU(), ConvTranspose2d(8, 3, 5)),
            ]
        )


class Fused(nn.Cell):
    """The sum of squares of a cell's results."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def construct(self, x):
        return ops.square(self.network(x)).sum()


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE], ids=["graph", "pynative"])
@pytest.mark.parametrize(
    "build",
    [
        Chain,
        lambda: ResidualTrunk(3, 2),
        lambda: LeakyConv2d(3, 8, stride=2),
        lambda: ConvTranspose2d(3, 2, 5),
    ],
    ids=["chain", "trunk", "leaky", "few outputs"],
)
def test_what_our_kernels_compute_together_is_the_same(kernels, build, mode):
    """The same parameters by name; values and gradients within what rounding explains."""
    ms.set_context(mode=mode)
    ms.set_seed(4)
    fused = build()
    with Backend():
        plain = build()
    assert list(plain.parameters_dict()) == list(fused.parameters_dict())
    ms.load_param_into_net(plain, fused.parameters_dict())
    x = Tensor(random(2, 3, 12, 20))
    np.testing.assert_allclose(fused(x).asnumpy(), plain(x).asnumpy(), rtol=1e-5, atol=1e-5)
    weights = list(fused.trainable_params()), list(plain.trainable_params())
    ours, theirs = (
        ops.value_and_grad(Fused(cell), 0, parameters)(x)[1]
        for cell, parameters in zip((fused, plain), weights, strict=True)
    )
    for mine, other in zip((ours[0], *ours[1]), (theirs[0], *theirs[1]), strict=True):
        scale = np.abs(other.asnumpy()).max()
        np.testing.assert_allclose(mine.asnumpy(), other.asnumpy(), atol=1e-5 * scale)


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE], ids=["graph", "pynative"])
@pytest.mark.parametrize("build", [Chain, lambda: ResidualTrunk(3, 2)], ids=["chain", "trunk"])
def test_convolutions_hand_on_bfloat16_to_each_other(kernels, build, mode):
    """Where the backend computes in it; what goes into the whole and comes out is float32."""
    ms.set_context(mode=mode)
    full = build().set_train(False)
    with Backend(kernels, low=ms.bfloat16):
        low = build().set_train(False)
    ms.load_param_into_net(low, full.parameters_dict())
    x = Tensor(random(2, 3, 12, 20))
    expected, made = full(x).asnumpy(), low(x)
    assert made.dtype == ms.float32
    error = np.abs(made.asnumpy() - expected).max() / expected.std()
    assert 1e-5 < error < 0.03


@pytest.mark.parametrize(
    ("kernel", "stride"), [((3, 3), (2, 2)), ((5, 5), (2, 2)), ((1, 3), (1, 2)), ((5, 5), (3, 3))]
)
def test_few_outputs_between_the_inputs(kernels, kernel, stride):
    conv = ConvTranspose2d(4, 1, kernel, stride)
    x, weight, bias = random(2, 4, 5, 6), random(4, 1, *kernel), random(1)
    conv.weight.set_data(Tensor(weight))
    conv.bias.set_data(Tensor(bias))
    assert type(conv.convolution).__name__ == "SubpixelConvolution"
    padding = kernel[0] // 2, kernel[1] // 2
    np.testing.assert_allclose(
        conv(Tensor(x)).asnumpy(), transposed(x, weight, bias, stride, padding), atol=1e-5
    )


def test_mixed_precision_computes_in_the_lower_type_and_gives_float32():
    """Where a convolution hands its result to another, it stays in the lower type; what is kept full is float32."""
    x = Tensor(np.random.default_rng(1).standard_normal((1, 4, 6, 6)).astype(np.float32))
    full = Conv2d(4, 4)
    with Backend(low=ms.float16):
        mixed, block = Conv2d(4, 4), PreActivationBlock(4)
        with precision.full_precision():
            kept = Conv2d(4, 4)
    for cell in (mixed, kept):
        cell.weight.set_data(full.weight)
        cell.bias.set_data(full.bias)
    assert mixed(x).dtype == block(x).dtype == ms.float32
    assert block.conv1(x).dtype == ms.float16 and block.conv2.low == ms.float16
    np.testing.assert_array_equal(kept(x).asnumpy(), full(x).asnumpy())
    error = np.abs(mixed(x).asnumpy() - full(x).asnumpy()).max()
    assert 0 < error < 5e-3  # float16 has 11 bits

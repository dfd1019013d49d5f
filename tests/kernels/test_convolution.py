"""Kernels: values and gradients of every kind of convolution, with sizes known or not, on any number of threads."""

from dataclasses import replace

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.kernels import library
from core.kernels.convolution import Convolution, ConvolutionSum, TransposedConvolution
from tests.kernels.reference import Case

CASES = [
    Case(16, 24, kernel=(1, 1)),
    Case(16, 8, kernel=(1, 1), stride=(2, 2)),
    Case(16, 16, padding=(1, 1, 1, 1)),
    Case(8, 24, stride=(2, 2), padding=(1, 1, 1, 1)),
    Case(24, 8, kernel=(5, 5), stride=(2, 2), padding=(2, 2, 2, 2), size=(16, 20)),
    Case(8, 32, kernel=(7, 7), padding=(3, 3, 3, 3)),
    Case(3, 64, padding=(1, 1, 1, 1)),
    Case(64, 3, kernel=(5, 5), padding=(2, 2, 2, 2)),
    Case(1, 1, kernel=(2, 2), size=(4, 4)),
    Case(16, 16, padding=(2, 2, 2, 2), dilation=(2, 2)),
    Case(16, 16, padding=(1, 1, 1, 1), groups=16),
    Case(12, 18, padding=(1, 0, 2, 0), stride=(2, 1), groups=3),
    Case(6, 10, kernel=(1, 3), padding=(0, 0, 1, 1), stride=(1, 2)),
    Case(64, 64, padding=(1, 1, 1, 1), size=(40, 48)),
    Case(16, 16, kernel=(5, 5), stride=(2, 2), padding=(2, 1, 2, 1), transposed=True),
    Case(24, 3, kernel=(5, 5), stride=(2, 2), padding=(2, 1, 2, 1), transposed=True),
    Case(8, 16, kernel=(4, 4), stride=(2, 2), padding=(1, 1, 1, 1), transposed=True),
    Case(16, 8, kernel=(6, 6), stride=(2, 2), padding=(2, 2, 2, 2), transposed=True),
    Case(8, 8, padding=(1, 1, 1, 1), transposed=True),
    Case(8, 8, stride=(3, 3), transposed=True),
    Case(8, 8, padding=(1, 1, 2, 2), dilation=(1, 2), transposed=True),
    Case(16, 16, stride=(2, 2), padding=(1, 0, 1, 0), groups=16, transposed=True),
    Case(12, 18, kernel=(1, 3), stride=(1, 2), padding=(0, 0, 1, 0), groups=3, transposed=True),
    # More rows and columns than any kernel position reaches: they hold the bias alone.
    Case(8, 8, kernel=(1, 1), stride=(2, 2), padding=(0, -1, 0, -1), transposed=True),
]

MODES = pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE], ids=["graph", "pynative"])


class Weighted(nn.Cell):
    """Sum of a convolution's results times given weights, whose gradients are those of the convolution alone."""

    def __init__(self, convolution):
        super().__init__()
        self.convolution = convolution

    def construct(self, x, weight, bias, dout):
        return (self.convolution(x, weight, bias) * dout).sum()


class Gradients(nn.Cell):
    """The gradients as a cell of its own, which can be told that sizes vary."""

    def __init__(self, network):
        super().__init__()
        self.network = network
        self.gradient = ops.GradOperation(get_all=True)

    def construct(self, x, weight, bias, dout):
        return self.gradient(self.network)(x, weight, bias, dout)


class BuiltIn(nn.Cell):
    """MindSpore's own convolution."""

    def construct(self, x, weight, bias):
        return ops.conv2d(x, weight, bias, 2, "pad", 2)


class Branches(nn.Cell):
    """Two convolutions that differ in nothing but their stride."""

    def __init__(self):
        super().__init__()
        self.whole, self.half = Convolution((1, 1)), Convolution((2, 2))

    def construct(self, x, weight, bias):
        return self.whole(x, weight, bias), self.half(x, weight, bias)


class OneOf(nn.Cell):
    """One of several results, weighted and summed."""

    def __init__(self, branches, which):
        super().__init__()
        self.branches, self.which = branches, which

    def construct(self, x, weight, bias, dout):
        return (self.branches(x, weight, bias)[self.which] * dout).sum()


class OfViews(nn.Cell):
    """A convolution of parts of a transposed picture and of larger weights."""

    def __init__(self):
        super().__init__()
        self.convolution = Convolution()

    def construct(self, x, weight, bias):
        return self.convolution(x.swapaxes(2, 3)[:, :, 1:], weight[:4, 1:3], bias)


class Summed(nn.Cell):
    """A convolution plus an addend, and the sum of that times given weights."""

    def __init__(self, padding):
        super().__init__()
        self.convolution = ConvolutionSum(padding=padding)

    def construct(self, x, weight, bias, addend, dout):
        return (self.convolution(x, weight, bias, addend) * dout).sum()


def cell(case, **options):
    kind = TransposedConvolution if case.transposed else Convolution
    return kind(case.stride, case.padding, case.dilation, case.groups, **options)


def last(array):
    """N,C,H,W -> N,H,W,C."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1))


def first(array):
    """N,H,W,C -> N,C,H,W."""
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def tensors(arrays):
    return [Tensor(array.astype(np.float32)) for array in arrays]


def assert_close(result, expected, magnitude, terms):
    """Within what rounding to float32 explains.

    A sum of n products, whose magnitudes add up to m, is off by at most n * u * m with the rounding unit u = 2**-24.
    Roundings are as good as independent, which makes it about sqrt(n) * u * m; twice that is allowed.
    """
    assert result.dtype == ms.float32
    assert result.shape == expected.shape
    allowed = 2 * np.sqrt(terms) * 2.0**-24 * magnitude
    np.testing.assert_array_less(np.abs(result.asnumpy() - expected), allowed + 1e-30)


def assert_values(case, result, arrays):
    magnitude = case.forward(*map(np.abs, arrays[:3]))
    assert_close(result, case.forward(*arrays[:3]), magnitude, case.terms()[0])


def assert_gradients(case, results, arrays):
    x, weight, _, dout = arrays
    expected, magnitudes = case.gradients(x, weight, dout), case.gradients(*map(np.abs, (x, weight, dout)))
    for i in range(2):
        assert_close(results[i], expected[i], magnitudes[i], case.terms()[1 + i])
    # Summed in float64, so rounded once.
    np.testing.assert_allclose(results[2].asnumpy(), expected[2], rtol=2.0**-24, atol=1e-12)


@MODES
@pytest.mark.parametrize("case", CASES, ids=str)
def test_values_and_gradients(kernels, case, mode):
    ms.set_context(mode=mode)
    arrays = case.arrays()
    inputs = tensors(arrays)
    convolution = cell(case)
    assert_values(case, convolution(*inputs[:3]), arrays)
    assert_gradients(case, ms.grad(Weighted(convolution), (0, 1, 2))(*inputs), arrays)


@MODES
@pytest.mark.parametrize("case", [CASES[i] for i in (0, 2, 4, 6, 7, 11, 13, 14, 15, 20)], ids=str)
def test_channels_last(kernels, case, mode):
    ms.set_context(mode=mode)
    x, weight, bias, dout = arrays = case.arrays()
    inputs = tensors([last(x), weight, bias, last(dout)])
    convolution = cell(case, channels_last=True)
    result = convolution(*inputs[:3])
    assert_values(case, Tensor(first(result.asnumpy())), arrays)
    of_x, *rest = ms.grad(Weighted(convolution), (0, 1, 2))(*inputs)
    assert_gradients(case, [Tensor(first(of_x.asnumpy())), *rest], arrays)


@MODES
@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("case", [CASES[3], CASES[14], CASES[18]], ids=str)
def test_activations(kernels, case, slope, mode):
    ms.set_context(mode=mode)
    x, weight, bias, dout = arrays = case.arrays()
    inputs = tensors(arrays)
    convolution = cell(case, slope=slope)
    before = cell(case)(*inputs[:3]).asnumpy()
    result = convolution(*inputs[:3]).asnumpy()
    np.testing.assert_allclose(result, np.where(before > 0, before, np.float32(slope) * before), rtol=1e-6)
    passed = (dout * np.where(before > 0, 1, np.float32(slope))).astype(np.float32).astype(np.float64)
    assert_gradients(case, ms.grad(Weighted(convolution), (0, 1, 2))(*inputs), (x, weight, bias, passed))


@MODES
def test_the_sum_with_an_addend(kernels, mode):
    ms.set_context(mode=mode)
    case = Case(16, 24, padding=(1, 1, 1, 1), size=(12, 10))
    x, weight, bias, dout = case.arrays()
    addend = np.random.default_rng(4).standard_normal(dout.shape).astype(np.float32)
    inputs = tensors([last(x), weight, bias, last(addend), last(dout)])
    result = ConvolutionSum(padding=case.padding)(*inputs[:4]).asnumpy()
    np.testing.assert_allclose(first(result), case.forward(x, weight, bias) + addend, atol=1e-4)
    of_x, of_weight, of_bias, of_addend = ms.grad(Summed(case.padding), (0, 1, 2, 3))(*inputs)
    assert_gradients(case, [Tensor(first(of_x.asnumpy())), of_weight, of_bias], (x, weight, bias, dout))
    np.testing.assert_array_equal(of_addend.asnumpy(), last(dout).astype(np.float32))


def test_kept_weights_are_noticed_when_they_change(kernels):
    """In place, in one element, as an optimizer or a user may change them between two calls."""
    ms.set_context(mode=ms.GRAPH_MODE)
    case = CASES[13]
    x, weight, bias, _ = case.arrays()
    parameter = ms.Parameter(Tensor(weight.astype(np.float32)), name="weight")
    convolution = cell(case)
    arguments = [Tensor(array.astype(np.float32)) for array in (x, bias)]
    for element in [None, (0, 0, 0, 0), (63, 63, 2, 2), (5, 7, 1, 0), None]:
        if element is not None:
            weight = weight.copy()
            weight[element] += 1
            parameter.set_data(Tensor(weight.astype(np.float32)))
        result = convolution(arguments[0], parameter, arguments[1])
        assert_values(case, result, (x, weight.astype(np.float32).astype(np.float64), bias))


@MODES
def test_the_built_in_operator_gives_the_same(kernels, mode):
    ms.set_context(mode=mode)
    case = Case(16, 24, kernel=(5, 5), stride=(2, 2), padding=(2, 2, 2, 2), size=(20, 24))
    arrays = case.arrays()
    for convolution in (cell(case), BuiltIn()):
        inputs = tensors(arrays)
        assert_values(case, convolution(*inputs[:3]), arrays)
        gradients = ms.grad(Weighted(convolution), (0, 1))(*inputs)
        assert_gradients(case, (*gradients, Tensor(arrays[3].sum((0, 2, 3)).astype(np.float32))), arrays)


@pytest.mark.parametrize("case", [CASES[4], CASES[14]], ids=str)
def test_sizes_that_vary_are_compiled_once(kernels, case):
    ms.set_context(mode=ms.GRAPH_MODE)
    forward, backward = cell(case), Gradients(Weighted(cell(case)))
    x, dout = (Tensor(shape=[None, n, None, None], dtype=ms.float32) for n in (case.inputs, case.outputs))
    fixed = tensors(case.arrays()[1:3])
    forward.set_inputs(x, *fixed)
    backward.set_inputs(x, *fixed, dout)
    phases = set()
    for size in ((16, 20), (12, 8), (16, 20), (30, 6)):
        sized = replace(case, size=size)
        arrays = sized.arrays()
        inputs = tensors(arrays)
        assert_values(sized, forward(*inputs[:3]), arrays)
        assert_gradients(sized, backward(*inputs), arrays)
        phases.add((forward.phase, backward.phase))
    assert len(phases) == 1


@MODES
def test_convolutions_that_differ_in_stride_alone_are_told_apart(kernels, mode):
    ms.set_context(mode=mode)
    case = Case(4, 6)
    x, weight, bias, _ = tensors(case.arrays())
    whole, half = Branches()(x, weight, bias)
    np.testing.assert_array_equal(whole.asnumpy()[:, :, ::2, ::2], half.asnumpy())
    for branch, stride in ((0, (1, 1)), (1, (2, 2))):
        of_branch = replace(case, stride=stride)
        arrays = of_branch.arrays()
        gradients = ms.grad(OneOf(Branches(), branch), (0, 1, 2))(*tensors(arrays))
        assert_gradients(of_branch, gradients, arrays)


@MODES
def test_parts_of_tensors(kernels, mode):
    ms.set_context(mode=mode)
    case = Case(2, 4)
    arrays = x, weight, bias, _ = case.arrays()
    turned = np.pad(x.swapaxes(2, 3), ((0, 0), (0, 0), (0, 0), (1, 0)))
    wide = np.pad(weight, ((0, 5), (1, 2), (0, 0), (0, 0)))
    assert_values(case, OfViews()(*tensors([turned, wide, bias])), arrays)


@pytest.mark.parametrize("case", [CASES[0], CASES[9], CASES[13], CASES[14], CASES[17]], ids=str)
def test_the_number_of_threads_changes_no_bit(kernels, case):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    inputs = tensors(case.arrays())
    results = []
    for threads in (1, 2, 3, 2):
        library.start(threads)
        convolution = cell(case)
        gradients = ms.grad(Weighted(convolution), (0, 1, 2))(*inputs)
        results.append(b"".join(t.asnumpy().tobytes() for t in (convolution(*inputs[:3]), *gradients)))
    assert len(set(results)) == 1


def test_impossible_settings_are_refused(kernels):
    with pytest.raises(ValueError, match=r"stride=\(0, 1\)"):
        Convolution((0, 1))
    with pytest.raises(ValueError, match=r"padding=\(0, 0, -1, 0\)"):
        TransposedConvolution(padding=(0, 0, -1, 0))


def test_without_the_library_there_are_no_cells():
    with pytest.raises(ValueError, match="not in use"):
        Convolution()


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (((1, 5, 8, 8), (4, 4, 3, 3), (4,)), "do not fit each other"),
        (((1, 4, 8, 8), (4, 4, 3, 3), (5,)), "do not fit each other"),
        (((1, 4, 2, 8), (4, 4, 3, 3), (4,)), "nothing is left"),
        (((4, 8, 8), (4, 4, 3, 3), (4,)), "do not fit each other"),
    ],
)
def test_shapes_that_do_not_fit(kernels, shapes, said):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    with pytest.raises(RuntimeError, match=said):
        Convolution()(*[Tensor(np.zeros(shape, np.float32)) for shape in shapes])


def test_other_types_are_refused(kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    x, weight, bias, _ = tensors(Case(4, 4).arrays())
    with pytest.raises(TypeError, match=r"float32, not Tensor\[Float16\]"):
        Convolution()(x.astype(ms.float16), weight, bias)

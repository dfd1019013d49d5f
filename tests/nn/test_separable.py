"""The depthwise-separable block: its definition, names, start, cost and gradients, with either kernels."""

import mindspore as ms
import numpy as np
import onnxruntime
import pytest
from mindspore import Tensor, nn, ops

from core.backend import Backend
from core.export import mindir
from core.export.translate import translate
from core.kernels import library
from core.nn import ConvChain, SeparableBlock, init
from core.nn.counting import counting

FORMS = {
    "reference": {"in_channels": 8, "out_channels": 8},
    "narrow": {"in_channels": 12, "out_channels": 8, "mid": 4, "shortcut": True},
    "forced": {"in_channels": 8, "out_channels": 8, "mid": 6, "adaptor": True},
    "leaky": {"in_channels": 6, "out_channels": 8, "expand": 2, "activation": "leaky"},
}


def pointwise(x, weights, name):
    """A 1x1 convolution."""
    weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return np.einsum("oi,nihw->nohw", weight[:, :, 0, 0], x) + bias[:, None, None]


def depthwise(x, weight, bias):
    """3x3, channel by channel, zeros around."""
    height, width = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    shifted = (
        padded[:, :, r : r + height, c : c + width] * weight[:, 0, r, c, None, None]
        for r, c in np.ndindex(3, 3)
    )
    return sum(shifted) + bias[:, None, None]


def wsilu(x):
    return x / (1 + np.exp(-4 * x))


def leaky(x):
    return np.where(x > 0, x, 0.1 * x)


def defined(x, weights, activation="wsilu4", shortcut=False, **_):
    """The block as it is defined."""
    x = pointwise(x, weights, "adaptor") if "adaptor.weight" in weights else x
    inner = pointwise(x, weights, "dc.0")
    inner = wsilu(inner) if activation == "wsilu4" else leaky(inner)
    a = x + pointwise(depthwise(inner, weights["dc.2.weight"], weights["dc.2.bias"]), weights, "dc.3")
    wide = pointwise(a, weights, "ffn.0")
    if activation == "wsilu4":
        activated = wsilu(wide)
        wide = sum(activated[:, j::4] for j in range(4))
    else:
        wide = leaky(wide)
    return a + pointwise(wide, weights, "ffn.2") + (x if shortcut else 0)


def randomised(**form):
    """A block whose weights are all of one size, and these weights in float64."""
    block = SeparableBlock(**form)
    generator = np.random.default_rng(3)
    for parameter in block.get_parameters():
        size = 1 / np.sqrt(np.prod(parameter.shape[1:]))
        parameter.set_data(Tensor((size * generator.standard_normal(parameter.shape)).astype(np.float32)))
    return block, {p.name: p.asnumpy().astype(np.float64) for p in block.get_parameters()}


def random(*shape):
    return np.random.default_rng(2).standard_normal(shape).astype(np.float32)


class Weighted(nn.Cell):
    """The sum of a cell's results times ``weights``, whose gradient checks each of them."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def construct(self, x, weights):
        return (weights * self.cell(x)).sum()


@pytest.mark.parametrize("mode", [ms.GRAPH_MODE, ms.PYNATIVE_MODE], ids=["graph", "pynative"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_block_computes_its_definition(either_kernels, mode, form):
    ms.set_context(mode=mode)
    block, weights = randomised(**form)
    x = random(2, form["in_channels"], 5, 7)
    np.testing.assert_allclose(block(Tensor(x)).asnumpy(), defined(x, weights, **form), atol=1e-5)


@pytest.mark.parametrize("form", [FORMS["narrow"], FORMS["leaky"]], ids=["narrow", "leaky"])
def test_gradients_are_those_of_the_definition(either_kernels, form):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    found, expected = slopes(*randomised(**form), form)
    assert found == pytest.approx(expected, rel=1e-4)


def slopes(block, weights, form):
    """Along one random direction through the input and all parameters: by the gradients, and by central differences of
    the definition in float64."""
    x, scale = random(2, form["in_channels"], 5, 7).astype(np.float64), random(2, form["out_channels"], 5, 7)
    generator = np.random.default_rng(5)
    along = {name: generator.standard_normal(value.shape) for name, value in weights.items()}
    along_x = generator.standard_normal(x.shape)

    def at(step):
        moved = {name: value + step * along[name] for name, value in weights.items()}
        return (scale * defined(x + step * along_x, moved, **form)).sum()

    expected = (at(1e-6) - at(-1e-6)) / 2e-6
    parameters = list(block.get_parameters())
    of_x, of_parameters = ops.grad(Weighted(block), 0, parameters)(
        Tensor(x.astype(np.float32)), Tensor(scale)
    )
    slope = (of_x.asnumpy() * along_x).sum()
    slope += sum(
        (gradient.asnumpy() * along[parameter.name.removeprefix("cell.")]).sum()
        for gradient, parameter in zip(of_parameters, parameters, strict=True)
    )
    return slope, expected


def test_in_a_chain_blocks_hand_on_their_results_with_the_channels_last(either_kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    first, of_first = randomised(**FORMS["narrow"])
    second, of_second = randomised(**FORMS["reference"])
    chain = ConvChain([first, second])
    assert next(iter(chain.parameters_dict())) == "0.adaptor.weight"
    x = random(2, 12, 5, 7)
    expected = defined(defined(x, of_first, **FORMS["narrow"]), of_second, **FORMS["reference"])
    np.testing.assert_allclose(chain(Tensor(x)).asnumpy(), expected, atol=1e-5)


def test_pictures_that_are_computed_some_rows_at_a_time(kernels):
    """Each but the first and the last needs rows of its neighbours."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    form = {"in_channels": 32, "out_channels": 32, "shortcut": True}
    block, weights = randomised(**form)
    x = random(2, 32, 41, 300)
    np.testing.assert_allclose(block(Tensor(x)).asnumpy(), defined(x, weights, **form), atol=3e-5)


@pytest.mark.parametrize("form", [FORMS["reference"], FORMS["leaky"]], ids=["gated", "leaky"])
def test_in_bfloat16_results_and_gradients_have_its_digits(kernels, form):
    """Some 8 bits of each number that is handed on inside; what comes in and goes out is float32."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    with Backend(kernels, low=ms.bfloat16):
        block, weights = randomised(**form)
    x = random(2, form["in_channels"], 5, 7)
    made, expected = block(Tensor(x)), defined(x, weights, **form)
    assert made.dtype == ms.float32
    error = np.abs(made.asnumpy() - expected).max() / expected.std()
    assert 1e-4 < error < 0.04
    found, true = slopes(block, weights, form)
    assert found == pytest.approx(true, rel=0.02)


def test_bits_do_not_depend_on_threads(kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    block, _ = randomised(in_channels=16, out_channels=16)
    x = Tensor(random(1, 16, 40, 50))

    def results():
        of_x, of_parameters = ops.grad(Weighted(block), 0, list(block.get_parameters()))(x, x)
        return [tensor.asnumpy() for tensor in (block(x), of_x, *of_parameters)]

    on_two = results()
    try:
        library.start(1)
        on_one = results()
    finally:
        library.start(2)
    for one, two in zip(on_one, on_two, strict=True):
        np.testing.assert_array_equal(one, two)


def test_parameters_that_do_not_fit_are_refused(kernels, capfd):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    block, _ = randomised(**FORMS["reference"])
    with pytest.raises(RuntimeError):
        block(Tensor(random(1, 6, 5, 7))).asnumpy()


def test_parameters_have_the_names_of_published_weights():
    names = {p.name: p.shape for p in SeparableBlock(12, 8, mid=4).get_parameters()}
    assert names == {
        **{"adaptor.weight": (8, 12, 1, 1), "adaptor.bias": (8,)},
        **{"dc.0.weight": (4, 8, 1, 1), "dc.0.bias": (4,), "dc.2.weight": (4, 1, 3, 3), "dc.2.bias": (4,)},
        **{"dc.3.weight": (8, 4, 1, 1), "dc.3.bias": (8,)},
        **{
            "ffn.0.weight": (16, 8, 1, 1),
            "ffn.0.bias": (16,),
            "ffn.2.weight": (8, 4, 1, 1),
            "ffn.2.bias": (8,),
        },
    }
    assert SeparableBlock(8, 8, expand=2, activation="leaky").ffn[2].weight.shape == (8, 16, 1, 1)


def test_a_fresh_block_is_near_identity():
    ms.set_seed(1)
    x = random(1, 64, 6, 6)
    change = SeparableBlock(64, 64)(Tensor(x)).asnumpy() - x
    assert 0 < change.std() < 0.1 * x.std()


def test_depthwise_convolutions_start_by_the_inputs_that_they_see():
    ms.set_seed(1)
    depthwise_convolution = SeparableBlock(64, 64).dc[2]
    largest = np.abs(depthwise_convolution.weight.asnumpy()).max()
    assert 0.9 / 3 < largest <= 1.0001 / 3
    assert init.fan_in(depthwise_convolution) == 9


def test_multiply_adds_are_counted(either_kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    with counting() as counter:
        SeparableBlock(12, 8, mid=4)(Tensor(random(1, 12, 5, 7)))
    assert counter.multiply_adds == 5 * 7 * (12 * 8 + 8 * 4 + 9 * 4 + 4 * 8 + 8 * 16 + 4 * 8)


def test_other_runtimes_compute_it():
    block, weights = randomised(**FORMS["narrow"])
    x = random(1, 12, 5, 7)
    model = translate(mindir.read(block, [x.shape]), "block", ["x"], ["y"]).model
    (made,) = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(made, defined(x, weights, **FORMS["narrow"]), atol=1e-5)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"activation": "gelu"}, "one of wsilu4, leaky"),
        ({"expand": 2}, "expand must be 4, not 2"),
        ({"adaptor": False}, "6 channels cannot become 8"),
    ],
)
def test_impossible_forms_are_refused(form, said):
    with pytest.raises(ValueError, match=said):
        SeparableBlock(6, 8, **form)

"""Operators: tensors whose shapes do not fit each other are an error, never memory of others."""

import ctypes
import re
from dataclasses import dataclass, field

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.kernels import building, library
from core.kernels.grid_sample import SamplePicture
from core.kernels.integers import IntegerMatrix
from core.kernels.operator import operator

GROUPS = 3
GEOMETRY = (1, 1, 1, 1, 1, 1, 0, 1, GROUPS)
"""Of stride and dilation 1, with zeros above, below and to the right."""
PLAIN = (0, 0, 0, 0, 0)
"""Without an activation, weights that are kept, and bfloat16."""


def geometry(channels_last):
    return {"geometry": (*GEOMETRY, int(channels_last), *PLAIN)}


def resizing(channels_last):
    return {"resizing": (3, 2, 2, 1, 0, int(channels_last))}


def placed(channels_last, images, channels, *sides):
    return (images, *sides, channels) if channels_last else (images, channels, *sides)


@dataclass(frozen=True)
class Use:
    """An operator, shapes that it takes, and the axes (input, axis) that nothing else says the size of."""

    name: str
    inputs: tuple
    free: frozenset = frozenset()
    results: int = 1
    attributes: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.name} {self.inputs[0]}"

    def operator(self):
        return operator(self.name, self.results, **self.attributes)

    def axes(self):
        """Of all inputs, those of which another size is wrong."""
        return [
            (i, axis)
            for i, shape in enumerate(self.inputs)
            for axis in range(len(shape))
            if (i, axis) not in self.free
        ]


def free(*axes):
    return frozenset(axes)


PICTURE, STACK, FLOW, DEPTH, SAMPLES = (
    (2, 3, 9, 11),
    (2, 3, 4, 9, 11),
    (2, 2, 7, 8),
    (2, 1, 7, 8),
    (2, 3, 7, 8),
)
X, OFFSETS, MASK, COLUMNS = (2, 5, 6, 12), (2, 5, 6, 54), (2, 5, 6, 27), (2, 5, 6, 108)
EPSILON = {"epsilon": 1e-3}
LUMA, BLOCKS, VECTORS = (2, 1, 32, 48), (2, 3, 32, 48), (2, 2, 2, 3)
SEARCH = {"sides": (3, 9, 7), "step_price": 0.1, "rest_price": 0.1, "rest_share": 0.9, "certain": 0.1}
BLOCK = ((4, 6, 1, 1), (4,), (4, 1, 3, 3), (4,), (6, 4, 1, 1), (6,), (16, 6, 1, 1), (16,), (6, 4, 1, 1), (6,))
"""Parameters of a gated separable block of 6 channels and 4 within."""
GATED = {"separable": (1, 0, 0, 0), "slope": 4.0}


def convolutions(last):
    """Of 6 to 9 channels, 8x10 to 8x8 pixels; transposed, of 9 to 6 channels, 8x8 to 8x10 or so."""
    given = geometry(last)
    x, weights, y = placed(last, 2, 6, 8, 10), (9, 2, 3, 4), placed(last, 2, 9, 8, 8)
    sides = [(0, axis) for axis in range(4) if axis != (3 if last else 1)]
    kernel = [(1, 2), (1, 3)]
    yield Use("Convolution", (x, weights, (9,)), free(*sides, *kernel), 1, given)
    yield Use("ConvolutionInputGradient", (y, weights, x), free(), 1, given)
    yield Use("ConvolutionWeightsGradient", (x, y, weights), free(), 2, given)
    x, y = placed(last, 2, 9, 8, 8), placed(last, 2, 6, 8, 10)
    yield Use("TransposedConvolution", (x, weights, (6,)), free(*sides, *kernel), 1, given)
    yield Use("TransposedConvolutionInputGradient", (y, weights, x), free(), 1, given)
    yield Use("TransposedConvolutionWeightsGradient", (x, y, weights), free(), 2, given)


USES = [
    *convolutions(False),
    *convolutions(True),
    Use(
        "ConvolutionSum",
        ((2, 8, 10, 6), (9, 6, 3, 4), (9,), (2, 8, 8, 9)),
        attributes={"geometry": (*GEOMETRY[:-1], 1, 1, *PLAIN)},
    ),
    Use("RectifierGradient", ((2, 3, 4), (2, 3, 4)), attributes={"slope": 0.1}),
    Use("SumOfSquares", ((2, 3),), free((0, 0), (0, 1))),
    Use("SamplePicture", (PICTURE, FLOW), free((0, 1), (0, 2), (0, 3), (1, 2), (1, 3))),
    Use("SamplePictureGradient", (PICTURE, FLOW, SAMPLES), free((0, 2), (0, 3))),
    Use("SamplePictureFlowGradient", (PICTURE, FLOW, SAMPLES), free((0, 2), (0, 3))),
    Use("SampleStack", (STACK, FLOW, DEPTH), free((0, 1), (0, 2), (0, 3), (0, 4))),
    Use("SampleStackGradient", (STACK, FLOW, DEPTH, SAMPLES), free((0, 2), (0, 3), (0, 4))),
    Use("SampleStackMotionGradient", (STACK, FLOW, DEPTH, SAMPLES), free((0, 2), (0, 3), (0, 4)), 2),
    *(
        use
        for last in (False, True)
        for use in (
            Use("Resize", (placed(last, 2, 3, 8, 5),), free(*((0, i) for i in range(4))), 1, resizing(last)),
            Use(
                "ResizeGradient",
                (placed(last, 2, 3, 8, 5), placed(last, 2, 3, 12, 10)),
                free(),
                1,
                resizing(last),
            ),
        )
    ),
    Use("Normalise", (X, (12,), (12,)), free((0, 0), (0, 1), (0, 2)), attributes=EPSILON),
    Use("NormaliseGradient", (X, (12,), X), attributes=EPSILON),
    Use("NormaliseScaleGradients", (X, (12,), X), results=2, attributes=EPSILON),
    Use("DeformedColumns", (X, OFFSETS, MASK)),
    Use("DeformedColumnsGradient", (X, OFFSETS, MASK, COLUMNS)),
    Use("DeformedColumnsMotionGradient", (X, OFFSETS, MASK, COLUMNS), results=2),
    Use("SearchMiddle", (LUMA, LUMA), attributes=SEARCH),
    Use("SearchBlocks", (LUMA, LUMA, (2,))),
    Use("DisplaceBlocks", (BLOCKS, VECTORS), free((0, 1))),
    Use("DisplaceBlocksGradient", (VECTORS, BLOCKS), free((1, 1))),
    Use("SeparableBlock", ((2, 6, 5, 7), *BLOCK), free((0, 0), (0, 2), (0, 3)), attributes=GATED),
    Use("SeparableBlockGradient", ((2, 6, 5, 7), *BLOCK, (2, 6, 5, 7)), results=11, attributes=GATED),
]
EACH = pytest.mark.parametrize("use", USES, ids=str)


def computed(use, shapes, dtype=np.float32):
    """All results, once they are there."""
    made = use.operator()(*[Tensor(np.ones(shape, dtype)) for shape in shapes])
    return [result.asnumpy() for result in (made if isinstance(made, tuple) else [made])]


def changed(shapes, which, axis, by):
    return [
        (*shape[:axis], shape[axis] + by, *shape[axis + 1 :]) if i == which else shape
        for i, shape in enumerate(shapes)
    ]


def test_the_table_names_every_operator():
    source = (building.SOURCES / "operators.cc").read_text("utf-8")
    names = set(re.findall(r"^OPERATOR\((\w+)\)", source, re.MULTILINE))
    assert names == set(re.findall(r"^RESULT_SHAPES?\((\w+)\)", source, re.MULTILINE))
    assert names == {use.name for use in USES}


@EACH
def test_shapes_that_fit(kernels, use):
    assert all(np.isfinite(result).all() for result in computed(use, use.inputs))
    for which, axis in use.free:
        assert computed(use, changed(use.inputs, which, axis, 1))


@EACH
def test_another_size_of_any_axis_is_an_error(kernels, use):
    for which, axis in use.axes():
        for by in (1, -1):
            with pytest.raises(RuntimeError, match=r"do not fit|groups|squares|other channels"):
                computed(use, changed(use.inputs, which, axis, by))


@EACH
def test_more_or_fewer_axes_are_an_error(kernels, use):
    for which, shape in enumerate(use.inputs):
        if use.name == "SumOfSquares":
            continue
        for other in (shape[:-1], (*shape, 1)):
            with pytest.raises(RuntimeError, match="do not fit"):
                computed(use, [other if i == which else given for i, given in enumerate(use.inputs)])


@EACH
def test_another_type_of_any_input_is_an_error(kernels, use):
    tensors = [Tensor(np.ones(shape, np.float32)) for shape in use.inputs]
    for which in range(len(tensors)):
        with pytest.raises(TypeError, match="float32, not"):
            use.operator()(*[t.astype(ms.float16) if i == which else t for i, t in enumerate(tensors)])


def test_the_error_names_the_shapes(kernels):
    said = (
        r"SamplePicture of tensors of shapes \(2, 3, 64, 64\), \(1, 2, 64, 64\): they do not fit each other as "
        r"\(N C H W\), \(N 2 h w\)"
    )
    with pytest.raises(RuntimeError, match=said):
        SamplePicture()(
            Tensor(np.ones((2, 3, 64, 64), np.float32)), Tensor(np.ones((1, 2, 64, 64), np.float32))
        )


def test_sizes_that_vary_are_checked_when_they_are_known(kernels):
    ms.set_context(mode=ms.GRAPH_MODE)
    sample = SamplePicture()
    sample.set_inputs(*(Tensor(shape=[None, n, None, None], dtype=ms.float32) for n in (3, 2)))
    pictures, flow = np.ones((2, 3, 8, 8), np.float32), np.zeros((2, 2, 8, 8), np.float32)
    np.testing.assert_array_equal(sample(Tensor(pictures), Tensor(flow)).asnumpy(), pictures)
    with pytest.raises(RuntimeError, match="do not fit"):
        sample(Tensor(pictures), Tensor(flow[:1])).asnumpy()


@pytest.mark.parametrize("use", [use for use in USES if not use.attributes], ids=str)
def test_what_computes_checks_as_well(kernels, use, capfd):
    """Not only what infers the results' shapes, which MindSpore need not know beforehand."""
    results = computed(use, use.inputs)
    function = getattr(kernels.functions, use.name)

    def call(inputs):
        arrays = [np.ones(shape, np.float32) for shape in inputs] + [np.empty_like(r) for r in results]
        count = len(arrays)
        data = (ctypes.c_void_p * count)(*(array.ctypes.data for array in arrays))
        ranks = (ctypes.c_int * count)(*(array.ndim for array in arrays))
        sizes = [(ctypes.c_int64 * array.ndim)(*array.shape) for array in arrays]
        shapes = (ctypes.c_void_p * count)(*map(ctypes.addressof, sizes))
        return function(count, data, ranks, shapes, None, None, None), arrays[len(inputs) :]

    status, made = call(use.inputs)
    assert status == 0
    for mine, other in zip(made, results, strict=True):
        np.testing.assert_array_equal(mine, other)
    for which, axis in use.axes():
        assert call(changed(use.inputs, which, axis, 1))[0] == 1
    assert capfd.readouterr().err.count("A kernel of mindvideo: ") == len(use.axes())


@pytest.mark.parametrize(
    ("name", "inputs", "attributes", "said"),
    [
        ("SamplePicture", ((1, 1, 1, 2**24 + 1), (1, 2, 1, 1)), {}, "sides are from 1 to 16777216"),
        ("DeformedColumns", (X, (2, 5, 6, 0), (2, 5, 6, 0)), {}, "groups"),
        ("Normalise", ((1, 2, 2, 1), (1,), (1,)), EPSILON, "fewer than two channels"),
        ("Resize", ((1, 1, 2, 2),), {"resizing": (1, 1, 0, 1, 0, 0)}, "positive"),
        ("Resize", ((1, 1, 2, 2),), {"resizing": (1, 1, 3, 1, 0, 0)}, "sides are from 1"),
        ("Resize", ((1, 1, 2, 2),), {"resizing": (1, 1)}, "other entries"),
        (
            "Convolution",
            ((1, 1, 4, 4), (1, 1, 1, 1), (1,)),
            {"geometry": (0, 1, 1, 1, 0, 0, 0, 0, 1, 0, *PLAIN)},
            "positive",
        ),
        (
            "Convolution",
            ((1, 1, 4, 4), (1, 1, 1, 1), (1,)),
            {"geometry": (1, 1, 1, 1, 0, 0, 0, 0, 0, 0, *PLAIN)},
            "at least one group",
        ),
        ("Convolution", ((1, 1, 4, 4), (1, 1, 1, 1), (1,)), {"geometry": (1, 1)}, "other entries"),
    ],
)
def test_what_cannot_be_computed(kernels, name, inputs, attributes, said):
    with pytest.raises(RuntimeError, match=said):
        computed(Use(name, inputs, attributes=attributes), inputs)


@pytest.mark.parametrize(
    "columns", [np.zeros((3, 2)), np.zeros((2, 2), np.float32), np.zeros(2), np.zeros((2, 2), np.int64)]
)
@pytest.mark.parametrize("built_in", [False, True])
def test_integers_of_other_shapes_or_types(kernels, columns, built_in, monkeypatch):
    if built_in:
        monkeypatch.setattr(library, "_started", None)
    with pytest.raises(ValueError, match=r"\(2, count\) of float64"):
        IntegerMatrix(np.zeros((16, 2), np.int16)) @ columns


def test_a_matrix_of_another_type():
    with pytest.raises(ValueError, match="int16"):
        IntegerMatrix(np.zeros((16, 2), np.int32))

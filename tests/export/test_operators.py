"""Operators that ONNX lacks and that are composed of others, and what is said of operators that are not known."""

import mindspore as ms
import numpy as np
import onnx
import onnxruntime
import pytest
from mindspore import Tensor, nn, ops
from scipy import special

from core.errors import ExportError
from core.export import mindir
from core.export.translate import translate


class Special(nn.Cell):
    """What losses, priors and warps use beside convolutions."""

    def construct(self, x):
        positive = ops.abs(x) + 1e-6
        return (
            ops.erfc(x),
            ops.expm1(x),
            ops.log1p(positive),
            ops.xlogy(1.0, positive),
            ops.round(x),
            ops.rsqrt(positive),
            ops.where(x < 1.0, x, ops.zeros_like(x)),
            ops.clamp(x, -0.5, 0.25),
            ops.where(ops.isfinite(ops.exp(100 * x)), x, ops.zeros_like(x)),
        )


class Layouts(nn.Cell):
    """Parts, joins and repetitions."""

    def construct(self, x):
        first, second = ops.split(x, (1, 3), 1)
        halves = ops.chunk(x, 2, 1)
        return (
            ops.concat((second, first), 1),
            ops.stack(halves, 0),
            x[:, 1],
            x[:, :, ::2, 1:-1],
            x[:, :, -1:],
            ops.tile(first, (1, 2, 1, 3)),
            ops.transpose(x, (0, 2, 3, 1)).sum((1, 2), keepdims=True),
            ops.unstack(x, 1)[3],
            x.reshape(2, -1),
        )


class Inner(nn.Cell):
    def construct(self, x):
        return ops.cumsum(x, 1)


class Outer(nn.Cell):
    """Something that no exporter knows, two cells deep."""

    def __init__(self):
        super().__init__()
        self.inner = Inner()

    def construct(self, x):
        return self.inner(ops.relu(x))


class Branching(nn.Cell):
    def construct(self, x):
        if x.sum() > 0:
            return ops.relu(x)
        return ops.tanh(x)


def _both(cell, x):
    """Results of onnxruntime and of MindSpore."""
    model = translate(mindir.read(cell, [x.shape]), "cell").model
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"input_0": x}), [part.asnumpy() for part in cell(Tensor(x))]


def test_special_functions():
    x = np.concatenate((np.linspace(-6, 6, 97), [0.0, 1e-7, -1e-7, 0.5, 1.5, 2.5])).astype(np.float32)
    ours, theirs = _both(Special(), x)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    # Where it is small, the complement of the error function keeps its digits, but for those that float32 loses in x².
    np.testing.assert_allclose(ours[0], special.erfc(x.astype(np.float64)), rtol=1e-5)
    np.testing.assert_allclose(ours[1], np.expm1(x.astype(np.float64)), rtol=2e-6)
    np.testing.assert_allclose(ours[2], np.log1p(np.abs(x.astype(np.float64)) + 1e-6), rtol=2e-6)


def test_layouts():
    x = np.random.default_rng(0).random((2, 4, 6, 5), dtype=np.float32)
    for ours, theirs in zip(*_both(Layouts(), x), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_unknown_operator_is_named_with_its_cell():
    with pytest.raises(ExportError, match=r"CumSum in cell/inner cannot be written as ONNX"):
        translate(mindir.read(Outer(), [(2, 3)]), "outer")


def test_branches_are_refused():
    with pytest.raises(ExportError, match="branches"):
        translate(mindir.read(Branching(), [(2, 3)]), "branching")


def test_mindir_computes_the_same(tmp_path):
    cell = Layouts()
    path = tmp_path / "layouts.mindir"
    mindir.export(cell, [(2, 4, 6, 5)], path)
    x = Tensor(np.random.default_rng(0).random((2, 4, 6, 5), dtype=np.float32))
    ms.set_context(mode=ms.GRAPH_MODE)
    loaded = nn.GraphCell(ms.load(str(path)))
    for ours, theirs in zip(loaded(x), cell(x), strict=True):
        np.testing.assert_array_equal(ours.asnumpy(), theirs.asnumpy())

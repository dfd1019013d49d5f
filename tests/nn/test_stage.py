"""Stages: computed operator by operator at first, compiled when that pays, to the same bits."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn

from core.backend import Backend
from core.nn import Conv2d, Stage
from core.nn.stage import executed_in


class Halved(Stage):
    """A convolution's result over 3, which a compiler might compute otherwise."""

    def construct(self, x):
        return self.network(x) / 3 * 0.7


@pytest.fixture
def compiled(monkeypatch):
    """Of every call of a cell in graph mode, the shape of its first input."""
    shapes, compile_and_run = [], nn.Cell.compile_and_run

    def noting(cell, *inputs, **named):
        shapes.append(inputs[0].shape)
        return compile_and_run(cell, *inputs, **named)

    monkeypatch.setattr(nn.Cell, "compile_and_run", noting)
    return shapes


def picture(*size):
    return Tensor(np.random.default_rng(1).standard_normal((1, 3, *size)).astype(np.float32))


def test_a_stage_is_compiled_when_it_was_called_often_enough_with_one_size(kernels, compiled):
    x, other = picture(6, 8), picture(8, 8)
    with executed_in(ms.GRAPH_MODE):
        with Backend(kernels, interpreted=2):
            stage = Halved(Conv2d(3, 4).set_train(False))
        made = [stage(x).asnumpy() for _ in range(2)]
        assert compiled == []
        stage(other)
        made += [stage(x).asnumpy() for _ in range(2)]
        assert compiled == [x.shape] * 2
        assert ms.get_context("mode") == ms.GRAPH_MODE
    for later in made[1:]:
        np.testing.assert_array_equal(later, made[0])


def test_a_stage_that_takes_long_is_compiled_sooner(kernels, compiled, monkeypatch):
    monkeypatch.setattr("core.nn.stage._PATIENCE", 0.0)
    x = picture(6, 8)
    with executed_in(ms.GRAPH_MODE):
        with Backend(kernels, interpreted=8):
            stage = Halved(Conv2d(3, 4).set_train(False))
        made = [stage(x).asnumpy() for _ in range(2)]
    assert compiled == [x.shape]
    np.testing.assert_array_equal(*made)


def test_by_default_a_stage_is_compiled_at_once(compiled):
    with executed_in(ms.GRAPH_MODE):
        Halved(Conv2d(3, 4))(picture(4, 4))
    assert compiled == [(1, 3, 4, 4)]


def test_the_mode_comes_back_after_an_error():
    with executed_in(ms.GRAPH_MODE):
        with Backend(interpreted=1):
            stage = Halved(Conv2d(3, 4))
        with pytest.raises(RuntimeError):
            stage(Tensor(np.zeros((1, 2, 4, 4), np.float32)))
        assert ms.get_context("mode") == ms.GRAPH_MODE

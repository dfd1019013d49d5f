import mindspore as ms
import numpy as np
import pytest
from mindvideo_edge_loss import plugin
from mindvideo_edge_loss.config import EdgeErrorConfig, EdgeLossConfig


def picture(seed):
    return np.random.default_rng(seed).random((2, 3, 8, 10), np.float32)


@pytest.fixture(params=[ms.PYNATIVE_MODE, ms.GRAPH_MODE], ids=["pynative", "graph"])
def mode(request):
    before = ms.get_context("mode")
    ms.set_context(mode=request.param)
    yield
    ms.set_context(mode=before)


@pytest.mark.usefixtures("mode")
def test_loss_follows_its_formula():
    output, target = picture(0), picture(1)
    loss = plugin.LOSS.build(EdgeLossConfig(weight=0.25))

    value = loss((ms.Tensor(output), ms.Tensor(target)), (ms.Tensor(target), ms.Tensor(target)))

    def charbonnier(difference):
        return np.sqrt(difference.astype(np.float64) ** 2 + 1 / 255**2).mean()

    difference = output - target
    edges = charbonnier(np.diff(difference, axis=3)) + charbonnier(np.diff(difference, axis=2))
    expected = (charbonnier(difference) + 0.25 * edges + 1 / 255 + 0.25 * 2 / 255) / 2
    # Both sums are of float32 values of order 1: the relative error is that of float32.
    assert float(value.asnumpy()) == pytest.approx(expected, rel=2e-6)


def test_negative_weight_is_refused():
    with pytest.raises(ValueError, match="weight is -1"):
        EdgeLossConfig(weight=-1)


def test_metric_sees_edges_only():
    metric = plugin.METRIC.build(EdgeErrorConfig())
    truth = picture(2)
    metric.update(truth + np.float32(0.125), truth)
    assert metric.eval() == pytest.approx(0, abs=1e-4)  # a change of brightness moves no edge

    stripe = np.zeros((1, 3, 8, 8), np.float32)
    stripe[..., 4:] = 1.0
    metric.clear()
    metric.update(stripe, np.zeros_like(stripe))
    assert metric.eval() == pytest.approx(255 / 7 / 2)  # one of seven horizontal differences, no vertical one

"""The running mean of weights: what it counts, where it is applied, and that it goes on from a checkpoint."""

import numpy as np
import pytest
from mindspore import Tensor, nn

from core.training.averaging import AVERAGE, WeightAverage
from core.training.state import TrainingState


@pytest.fixture
def network():
    return nn.Dense(2, 1, weight_init="zeros")


def stepped(average, state, network, value):
    """Ten more steps, after which all weights are this."""
    for parameter in network.get_parameters():
        parameter.set_data(Tensor(np.full(parameter.shape, value, np.float32)))
    for _ in range(10):
        state.step += 1
        average.on_train_step_end(None)


def weights(network):
    return network.weight.asnumpy()


def test_it_is_the_mean_of_what_was_seen(network):
    state = TrainingState(100, 10, 0)
    average = WeightAverage(network, 0.9, state)
    stepped(average, state, network, 1.0)
    first = 1 - (11 / 20) ** 10
    with average.applied():
        np.testing.assert_allclose(weights(network), first, rtol=1e-6)
    np.testing.assert_array_equal(weights(network), 1.0)
    stepped(average, state, network, 3.0)
    kept = (21 / 30) ** 10
    with average.applied():
        np.testing.assert_allclose(weights(network), kept * first + (1 - kept) * 3, rtol=1e-6)


def test_it_goes_on_from_what_a_checkpoint_kept(network):
    state = TrainingState(100, 10, 0)
    average = WeightAverage(network, 0.5, state)
    stepped(average, state, network, 2.0)
    kept = {name.removeprefix(AVERAGE): value.copy() for name, value in average.tensors().items()}
    other = WeightAverage(network, 0.5, state)
    other.restore(kept)
    with average.applied():
        expected = weights(network)
    with other.applied():
        np.testing.assert_array_equal(weights(network), expected)


def test_of_an_older_checkpoint_it_begins_with_the_weights(network):
    average = WeightAverage(network, 0.5, TrainingState(100, 10, 0))
    network.weight.set_data(Tensor(np.full(network.weight.shape, 5, np.float32)))
    average.restore({})
    with average.applied():
        np.testing.assert_array_equal(weights(network), 5.0)

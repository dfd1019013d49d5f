"""A network small enough for seconds, with random weights, that the tests of cheng2020-anchor share."""

import numpy as np
import pytest
from mindspore import Tensor

from plugins.cheng2020.cells import Cheng2020
from plugins.cheng2020.config import Cheng2020Config


def build_network(seed=7, channels=6):
    """The network for a seed, in evaluation mode."""
    network = Cheng2020(Cheng2020Config(channels=channels)).set_train(False)
    rng = np.random.default_rng(seed)
    for parameter in network.get_parameters():
        if parameter.name.endswith("weight"):
            spread = np.prod(parameter.shape[1:]) ** -0.5
            _set(parameter, spread * rng.standard_normal(parameter.shape))
        elif "bias" in parameter.name or "factors" in parameter.name:
            _set(parameter, 0.02 * rng.standard_normal(parameter.shape))
    _set(network.analysis[-1].weight, 4 * network.analysis[-1].weight.asnumpy())
    _set(network.synthesis[-2].weight, 0.05 * network.synthesis[-2].weight.asnumpy())
    _set(network.synthesis[-2].bias, np.full(12, 0.5))
    last = network.prior.parameters_of[-1]
    _set(last.weight, 0.3 * last.weight.asnumpy())
    _set(last.bias, np.repeat([0, 2], channels))  # scales that no bound holds
    return network


def _set(parameter, values):
    parameter.set_data(Tensor(values.astype(np.float32)))


@pytest.fixture(scope="session")
def make():
    return build_network

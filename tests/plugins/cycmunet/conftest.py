"""Networks small enough for seconds, and frames, that the tests of CycMuNet+ share."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from plugins.cycmunet.config import CycMuNetConfig, Format
from plugins.cycmunet.interface import VideoCycMuNet

SMALL = {"features": 8, "groups": 2, "levels": 2, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}


@pytest.fixture(scope="session")
def fresh():
    """Makes a small network as training starts it."""

    def make(**options):
        ms.set_seed(1)
        return VideoCycMuNet(CycMuNetConfig(**{**SMALL, "format": Format.rgb, **options}))

    return make


@pytest.fixture(scope="session")
def randomised(fresh):
    """Makes a small network whose every weight is far from zero."""

    def make(**options):
        network = fresh(**options)
        rng = np.random.default_rng(7)
        for parameter in network.get_parameters():
            scale = np.prod(parameter.shape[1:]) ** -0.5 if parameter.ndim > 1 else 0.05
            parameter.set_data(Tensor((scale * rng.standard_normal(parameter.shape)).astype(np.float32)))
        return network

    return make


@pytest.fixture(scope="session")
def frames():
    """Two frames of odd size, batch 2."""
    return tuple(np.random.default_rng(8).random((2, 2, 3, 9, 13), dtype=np.float32))

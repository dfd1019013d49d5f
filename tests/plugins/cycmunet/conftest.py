"""A network small enough for seconds, with weights that make every part count."""

import numpy as np
import pytest
from mindspore import Tensor

from plugins.cycmunet.interface import VideoCycMuNet
from plugins.cycmunet.plugin import CycMuNetConfig, Format


def small(**options):
    fields = {"features": 8, "groups": 2, "levels": 2, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}
    return CycMuNetConfig(**{**fields, "format": Format.rgb, **options})


def randomised(config):
    """A network whose every weight is far from zero."""
    network = VideoCycMuNet(config)
    rng = np.random.default_rng(7)
    for parameter in network.get_parameters():
        scale = np.prod(parameter.shape[1:]) ** -0.5 if parameter.ndim > 1 else 0.05
        parameter.set_data(Tensor((scale * rng.standard_normal(parameter.shape)).astype(np.float32)))
    return network


@pytest.fixture(scope="session")
def frames():
    """Two frames of odd size, batch 2."""
    return tuple(np.random.default_rng(8).random((2, 2, 3, 9, 13), dtype=np.float32))

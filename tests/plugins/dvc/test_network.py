"""What is DVC's own of its network; the rest is tried with all codecs in tests/plugins/codecs."""

import mindspore as ms
import numpy as np

from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig

from .conftest import NETWORK


def test_the_residual_improves_the_prediction(make):
    reconstruction, _, _, prediction, *_ = NETWORK.run(make(), *NETWORK.inputs)
    frame = NETWORK.inputs[0].asnumpy()
    errors = [np.abs(picture - frame).mean() for picture in (reconstruction, prediction)]
    assert errors[0] < errors[1]


def test_the_start_gives_pictures_and_costs():
    ms.set_seed(1)
    network = Dvc(DvcConfig(hidden=8, latent=8, motion=8, refinement=8, flow=8)).set_train()
    made = NETWORK.run(network, *NETWORK.inputs)
    assert all(np.isfinite(array).all() for array in made)
    reconstruction, flow, warped, prediction = made[:4]
    assert np.abs(flow).max() < 4
    assert np.abs(prediction - warped).mean() < 0.2 and np.abs(reconstruction - prediction).mean() < 0.2

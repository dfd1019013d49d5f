"""The step of codecs, compiled, on a toy network: it learns, it keeps optimizers apart, and it resumes exactly."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops

from core.entropy.conditional import GaussianConditional, bits
from core.entropy.factorized import FactorizedPrior
from core.errors import ConfigError
from core.losses.entries import RATE_DISTORTION as LOSS
from core.losses.entries import RateDistortionConfig
from core.nn.conv import Conv2d, ConvTranspose2d
from core.training.checkpoint import assign, tensors_of
from core.training.steps import RATE_DISTORTION as STEP
from core.training.steps import RateDistortionStepConfig

pytestmark = pytest.mark.heavy

SHAPE = (2, 3, 3, 16, 24)
"""Two clips of three frames."""


class ToyCodec(nn.Cell):
    """Each frame by itself: a latent of a quarter of the size under a mean-scale hyperprior."""

    def __init__(self):
        super().__init__()
        self.analysis = Conv2d(3, 4, 5, 2)
        self.hyper_analysis = Conv2d(4, 4, 3, 2)
        self.means = ConvTranspose2d(4, 4, 4, 2)
        self.scales = ConvTranspose2d(4, 4, 4, 2)
        self.synthesis = ConvTranspose2d(4, 3, 4, 2)
        self.prior = FactorizedPrior(4)
        self.conditional = GaussianConditional()

    def construct(self, frames):
        reconstructions, total = (), 0.0
        for time in range(frames.shape[1]):
            y = 4 * self.analysis(frames[:, time])
            z_hat, z_likelihood = self.prior(self.hyper_analysis(y))
            y_hat, y_likelihood = self.conditional(y, ops.exp(self.scales(z_hat)), self.means(z_hat))
            reconstructions = reconstructions + (self.synthesis(y_hat),)
            total = total + bits(y_likelihood) + bits(z_likelihood)
        return ops.stack(reconstructions, 1), total


@pytest.fixture(scope="module", autouse=True)
def _graph_mode():
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.fixture(scope="module")
def frames():
    rng = np.random.default_rng(0)
    coarse = rng.random((*SHAPE[:3], 2, 3), dtype=np.float32)
    return Tensor(np.kron(coarse, np.ones((8, 8), np.float32)))


def make(seed=3, **options):
    """Network and step as a run builds them."""
    ms.set_seed(seed)
    network = ToyCodec()
    own = {id(p) for p in STEP.own_parameters(network)}
    optimizer = nn.Adam([p for p in network.trainable_params() if id(p) not in own], 1e-2)
    loss = LOSS.build(RateDistortionConfig())
    return network, STEP.build(RateDistortionStepConfig(**options), network, loss, optimizer)


def steps(step, frames, count):
    return [tuple(float(v.asnumpy()) for v in step(frames)) for _ in range(count)]


@pytest.fixture(scope="module")
def trained(frames):
    """A step that ran 22 times, what it gave, and its parameters after the first 9 and at the end."""
    network, step = make()
    before = tensors_of(network, "")
    first = steps(step, frames, 9)
    evaluated = [[float(v.asnumpy()) for v in step.network.set_train(False)(frames)] for _ in range(2)]
    step.network.set_train(True)
    middle = tensors_of(step, "")
    last = steps(step, frames, 13)
    return network, step, before, (first + last, evaluated), middle, tensors_of(step, "")


def test_a_step_lowers_the_loss(trained):
    _, step, _, (values, _), _, _ = trained
    assert step.outputs == ("loss", "mse", "bpp", "auxiliary")
    assert values[-1][0] < 0.5 * values[0][0]
    assert values[-1][3] < values[0][3]
    for loss, mse, bpp, _ in values:
        assert loss == pytest.approx(0.013 * 255**2 * mse + bpp, rel=1e-5)
    assert len({bpp for _, _, bpp, _ in values}) == len(values)


def test_gradients_reach_every_parameter(trained):
    network, _, before, _, _, after = trained
    for parameter in network.trainable_params():
        assert not np.array_equal(before[parameter.name], after[parameter.name]), parameter.name


def test_one_compilation_serves_training_and_one_evaluation(trained):
    _, step, *_ = trained
    assert len(step.compile_cache) == 1
    assert len(step.network.compile_cache) == 1


def test_evaluation_rounds(trained, frames):
    """The objective in evaluation has no noise in it, and is that of the rounded latents."""
    _, _, _, (_, (first, second)), middle, _ = trained
    assert first == second
    network, step = make()
    assign(step, middle, "state")
    network.set_train(False)
    reconstructions, total = network(frames)
    mse = np.square(reconstructions.asnumpy() - frames.asnumpy()).mean()
    assert first[1] == pytest.approx(mse, rel=1e-5)
    assert first[2] == pytest.approx(float(total.asnumpy()) / (6 * 16 * 24), rel=1e-6)


def test_state_has_a_name_for_everything(trained):
    _, step, *_ = trained
    parameters = list(step.get_parameters())
    names = {p.name for p in parameters}
    assert len(names) == len(parameters)
    assert {
        "noise_seed",
        "noise_step",
        "moment1.prior.matrices.0",
        "auxiliary.moment1.prior.quantiles",
    } <= names
    assert {"auxiliary.learning_rate", "auxiliary.beta1_power", "beta1_power", "prior.quantiles"} <= names
    assert "moment1.prior.quantiles" not in names


def test_a_resumed_training_is_the_uninterrupted_one(trained, frames):
    """Also beyond the fifth run, where some of MindSpore's operators begin to round otherwise."""
    _, _, _, (values, _), middle, end = trained
    _, step = make(seed=4)
    assign(step, middle, "state")
    assert steps(step, frames, 13) == values[9:]
    for name, value in tensors_of(step, "").items():
        np.testing.assert_array_equal(value, end[name], err_msg=name)


def test_quantiles_move_by_the_auxiliary_loss_alone(frames):
    """With the main optimizer's rate at 0 nothing else moves; the quantiles' first Adam step is the rate itself."""
    network, step = make(auxiliary_lr=0.125)
    step.optimizer.learning_rate.set_data(Tensor(0.0, ms.float32))
    before = tensors_of(network, "")
    steps(step, frames, 1)
    after = tensors_of(network, "")
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {"prior.quantiles"}
    distance = np.abs(after["prior.quantiles"] - before["prior.quantiles"])
    np.testing.assert_allclose(distance, 0.125, rtol=1e-4)


def test_parts_that_do_not_fit_are_refused():
    network = nn.Dense(2, 2)
    with pytest.raises(ConfigError, match="choose a model"):
        STEP.own_parameters(network)
    for loss in (None, nn.MSELoss()):
        with pytest.raises(ConfigError, match="loss=rate_distortion"):
            STEP.build(RateDistortionStepConfig(), ToyCodec(), loss, nn.Adam(network.trainable_params()))


@pytest.mark.parametrize("wrong", [{"clip_norm": -1}, {"auxiliary_lr": 0}])
def test_bad_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RateDistortionStepConfig(**wrong)

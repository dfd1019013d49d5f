"""The training steps of codecs: noise in place of rounding; and, where priors have quantiles, their optimizer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops
from mindspore.communication import get_group_size, get_rank

from core.entropy.factorized import FactorizedPrior
from core.entropy.quantize import seed_noise
from core.errors import ConfigError
from core.hooks import NamesOutputs
from core.training.step import TrainStep
from core.training.steps import RateDistortionStepConfig


class RateDistortionObjective(nn.Cell):
    """The loss of a codec network on a batch: ``construct(frames)``, N,T,3,H,W, gives what the loss gives.

    ``network(frames)`` gives reconstructions and bits; ``loss(frames, reconstructions, bits)`` gives scalars, first
    the loss. After ``set_train(False)`` latents are rounded instead of noisy.
    """

    def __init__(self, network: nn.Cell, loss: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.loss = loss

    def construct(self, frames: Tensor) -> tuple[Tensor, ...]:
        reconstructions, bits = self.network(frames)
        return self.loss(frames, reconstructions, bits)


class AuxiliaryObjective(nn.Cell):
    """How far the quantiles of a codec network's priors are from where they should be, summed over the priors."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.priors = nn.CellList(_priors(network), auto_prefix=False)

    def construct(self) -> Tensor:
        total = 0.0
        for prior in self.priors:
            total = total + prior.auxiliary_loss()
        return total


class CodecStep(TrainStep):
    """A step whose objective sees noise (`core.entropy.quantize.add_noise`).

    The noise of a step depends on ``noise_seed`` and on ``steps_done``, a `step_counter` of those before it, which are
    parameters of this cell: a training resumed from a checkpoint sees the noise it would have seen. With several ranks
    each clip sees the noise that it would see in one process. The other arguments are those of `TrainStep`.
    """

    def __init__(
        self,
        objective: nn.Cell,
        optimizer: nn.Optimizer,
        outputs: Sequence[str],
        steps_done: Parameter,
        clip_norm: float = 0.0,
        clip_value: float = 0.0,
    ) -> None:
        super().__init__(objective, optimizer, clip_norm, outputs, clip_value)
        self.noise_seed = _number("noise_seed", (ms.get_seed() or 0) % 2**31)
        self.steps_done = steps_done
        self.rank = get_rank() if self.reducer_flag else 0
        self.world = get_group_size() if self.reducer_flag else 1
        self.set_train()

    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        return self.optimise_under_noise(*columns)

    def optimise_under_noise(self, *columns: Tensor) -> tuple[Tensor, ...]:
        """`optimise` with the noise of this step."""
        seed_noise(self.noise_seed, self.steps_done, self.rank, self.world)
        values = self.optimise(*columns)
        return ops.depend(values, ops.assign_add(self.steps_done, Tensor(1, ms.int32)))


class RateDistortionStep(CodecStep):
    """One step: ``optimizer`` moves its parameters on the objective, then ``auxiliary_optimizer`` the quantiles."""

    def __init__(
        self,
        network: nn.Cell,
        loss: nn.Cell,
        optimizer: nn.Optimizer,
        auxiliary_optimizer: nn.Optimizer,
        clip_norm: float,
        outputs: Sequence[str],
    ) -> None:
        objective = RateDistortionObjective(network, loss)
        super().__init__(objective, optimizer, (*outputs, "auxiliary"), step_counter(), clip_norm)
        self.auxiliary_optimizer = prefix_state(auxiliary_optimizer, "auxiliary.")
        quantiles = auxiliary_optimizer.parameters
        self.auxiliary_value_and_grad = ops.value_and_grad(AuxiliaryObjective(network), None, quantiles)

    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        values = self.optimise_under_noise(*columns)
        auxiliary, gradients = self.auxiliary_value_and_grad()
        return ops.depend(values, self.auxiliary_optimizer(gradients)) + (auxiliary,)


def step_counter() -> Parameter:
    """Steps done, for a `CodecStep` and an objective that depends on them."""
    return _number("noise_step", 0)


def _number(name: str, value: int) -> Parameter:
    return Parameter(Tensor(value, ms.int32), name=name, requires_grad=False)


def prefix_state(optimizer: nn.Optimizer, prefix: str) -> nn.Optimizer:
    """The optimizer with a prefix to the names of its state, which are those of every optimizer's."""
    trained = {id(parameter) for parameter in optimizer.parameters}
    for parameter in optimizer.get_parameters():
        if id(parameter) not in trained:
            parameter.name = prefix + parameter.name
    return optimizer


def quantiles(network: nn.Cell) -> Collection[Parameter]:
    """The parameters that the step trains by an optimizer of its own: the quantiles of the network's priors.

    Raises `ConfigError` where there are none.
    """
    found = [prior.quantiles for prior in _priors(network)]
    if not found:
        raise ConfigError("step=rate_distortion trains codecs: choose a model that is one, or another step.")
    return found


def _priors(network: nn.Cell) -> list[FactorizedPrior]:
    return [cell for _, cell in network.cells_and_names() if isinstance(cell, FactorizedPrior)]


def build(
    config: RateDistortionStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> RateDistortionStep:
    """The step; raises `ConfigError` for another network or loss."""
    if not isinstance(loss, NamesOutputs):
        raise ConfigError(
            "step=rate_distortion needs a loss of rate and distortion: give loss=rate_distortion."
        )
    auxiliary = nn.Adam(list(quantiles(network)), config.auxiliary_lr)
    return RateDistortionStep(network, loss, optimizer, auxiliary, config.clip_norm, loss.outputs)

"""The training step of codecs: one optimizer on rate and distortion, another on the priors' quantiles."""

from __future__ import annotations

from collections.abc import Sequence

import mindspore as ms
from mindspore import Parameter, Tensor, nn, ops
from mindspore.communication import get_rank

from core.entropy.quantize import seed_noise
from core.training.step import TrainStep


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
    """How far the quantiles of a codec network's priors are from where they should be."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self) -> Tensor:
        return self.network.auxiliary_loss()


class RateDistortionStep(TrainStep):
    """One step: ``optimizer`` moves its parameters on the objective, then ``auxiliary_optimizer`` the quantiles.

    The noise of a step depends on ``noise_seed`` and on the number of steps before it, which are parameters of this
    cell: a training resumed from a checkpoint sees the noise it would have seen. Ranks see noise of their own.
    """

    def __init__(
        self,
        network: nn.Cell,
        loss: nn.Cell,
        optimizer: nn.Optimizer,
        auxiliary_optimizer: nn.Optimizer,
        clip_norm: float,
        outputs: Sequence[str],
    ) -> None:
        super().__init__(
            RateDistortionObjective(network, loss), optimizer, clip_norm, (*outputs, "auxiliary")
        )
        self.auxiliary_optimizer = _renamed(auxiliary_optimizer, "auxiliary.")
        quantiles = auxiliary_optimizer.parameters
        self.auxiliary_value_and_grad = ops.value_and_grad(AuxiliaryObjective(network), None, quantiles)
        self.noise_seed = _counter("noise_seed", (ms.get_seed() or 0) % 2**31)
        self.noise_step = _counter("noise_step", 0)
        self.rank = get_rank() if self.reducer_flag else 0
        self.set_train()

    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        seed_noise(self.noise_seed + self.rank, self.noise_step)
        values = super().construct(*columns)
        auxiliary, gradients = self.auxiliary_value_and_grad()
        values = ops.depend(values, self.auxiliary_optimizer(gradients))
        values = ops.depend(values, ops.assign_add(self.noise_step, Tensor(1, ms.int32)))
        return values + (auxiliary,)


def _counter(name: str, value: int) -> Parameter:
    return Parameter(Tensor(value, ms.int32), name=name, requires_grad=False)


def _renamed(optimizer: nn.Optimizer, prefix: str) -> nn.Optimizer:
    """The optimizer with a prefix to the names of its state, which are those of every optimizer's."""
    trained = {id(parameter) for parameter in optimizer.parameters}
    for parameter in optimizer.get_parameters():
        if id(parameter) not in trained:
            parameter.name = prefix + parameter.name
    return optimizer

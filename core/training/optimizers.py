"""Optimizers as entries: MindSpore's own, each with a learning-rate schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.hooks import OptimizerEntry
from core.training.schedule import Schedule

if TYPE_CHECKING:
    from mindspore import Parameter, nn


@dataclass
class OptimizerConfig:
    """What all optimizers have in common."""

    lr: float = 1e-4
    """Learning rate that the schedule starts from."""
    beta1: float = 0.9
    """How much of the mean of gradients is kept at each step, 0 to below 1."""
    beta2: float = 0.999
    """The same of the mean of their squares, or of their largest size."""
    eps: float = 1e-8
    """What is added to the divisor, above 0."""
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        if self.lr <= 0:
            raise ValueError(f"lr={self.lr} is not above 0.")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and self.eps > 0):
            raise ValueError("beta1 and beta2 must be in [0,1) and eps above 0.")

    def rates(self, total_steps: int) -> list[float]:
        """Learning rate of each step."""
        return self.schedule.rates(self.lr, total_steps).tolist()


@dataclass
class AdamConfig(OptimizerConfig):
    """Adam (Kingma and Ba 2015)."""


@dataclass
class AdamWConfig(OptimizerConfig):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    weight_decay: float = 1e-2
    """Share of the weights, times the learning rate, that is taken off at each step."""


@dataclass
class AdaMaxConfig(OptimizerConfig):
    """Adam under the infinity norm (Kingma and Ba 2015, section 7.1)."""

    lr: float = 1e-3


def _adam(config: AdamConfig, parameters: Sequence[Parameter], total_steps: int) -> nn.Optimizer:
    from mindspore import nn

    return nn.Adam(
        parameters, config.rates(total_steps), beta1=config.beta1, beta2=config.beta2, eps=config.eps
    )


def _adamw(config: AdamWConfig, parameters: Sequence[Parameter], total_steps: int) -> nn.Optimizer:
    from mindspore import nn

    return nn.AdamWeightDecay(
        parameters,
        config.rates(total_steps),
        beta1=config.beta1,
        beta2=config.beta2,
        eps=config.eps,
        weight_decay=config.weight_decay,
    )


def _adamax(config: AdaMaxConfig, parameters: Sequence[Parameter], total_steps: int) -> nn.Optimizer:
    from mindspore import nn

    return nn.AdaMax(
        parameters, config.rates(total_steps), beta1=config.beta1, beta2=config.beta2, eps=config.eps
    )


ADAM = OptimizerEntry("adam", AdamConfig, _adam)
ADAMW = OptimizerEntry("adamw", AdamWConfig, _adamw)
ADAMAX = OptimizerEntry("adamax", AdaMaxConfig, _adamax)

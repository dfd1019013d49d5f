"""Optimizers as entries: MindSpore's own, each with a learning-rate schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from core.hooks import OptimizerEntry
from core.options import Options, option
from core.training.schedule import Schedule

if TYPE_CHECKING:
    from mindspore import Parameter, nn


@dataclass
class OptimizerConfig(Options):
    """Options of all optimizers."""

    lr: float = option(1e-4, above=0)
    """Learning rate that the schedule starts from."""
    beta1: float = option(0.9, at_least=0, below=1)
    """The share of the mean of gradients that is kept at each step, 0 to below 1."""
    beta2: float = option(0.999, at_least=0, below=1)
    """The same of the mean of their squares, or of their largest size."""
    eps: float = option(1e-8, above=0)
    """Term of the divisor, above 0."""
    schedule: Schedule = field(default_factory=Schedule)

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


def _build(
    name: str, config: OptimizerConfig, parameters: Sequence[Parameter], total_steps: int
) -> nn.Optimizer:
    """MindSpore's optimizer of this name."""
    from mindspore import nn

    own = {option: value for option, value in vars(config).items() if option not in ("lr", "schedule")}
    return getattr(nn, name)(parameters, config.rates(total_steps), **own)


ADAM = OptimizerEntry("adam", AdamConfig, partial(_build, "Adam"))
ADAMW = OptimizerEntry("adamw", AdamWConfig, partial(_build, "AdamWeightDecay"))
ADAMAX = OptimizerEntry("adamax", AdaMaxConfig, partial(_build, "AdaMax"))
OPTIMIZERS = (ADAM, ADAMW, ADAMAX)

"""Training steps as entries; their cells are imported when one is built."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.hooks import StepEntry

if TYPE_CHECKING:
    from mindspore import Parameter, nn


@dataclass
class RateDistortionStepConfig:
    """One step of a codec's training; the defaults are those of CompressAI."""

    clip_norm: float = 1.0
    """Bound on the global norm of the gradients; 0 leaves them as they are."""
    auxiliary_lr: float = 1e-3
    """Learning rate of the Adam that trains the priors' quantiles."""

    def __post_init__(self) -> None:
        if self.clip_norm < 0:
            raise ValueError(f"step.clip_norm is {self.clip_norm}; it must be 0 (no bound) or more.")
        if self.auxiliary_lr <= 0:
            raise ValueError(f"step.auxiliary_lr is {self.auxiliary_lr}; it must be above 0.")


def _quantiles(network: nn.Cell) -> Collection[Parameter]:
    if not hasattr(network, "quantiles"):
        raise ConfigError("step=rate_distortion trains codecs: choose a model that is one, or another step.")
    return network.quantiles()


def _rate_distortion(
    config: RateDistortionStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> nn.TrainOneStepCell:
    from mindspore import nn

    from core.training.rate_distortion import RateDistortionStep

    if loss is None or not hasattr(loss, "outputs"):
        raise ConfigError(
            "step=rate_distortion needs a loss of rate and distortion: give loss=rate_distortion."
        )
    auxiliary = nn.Adam(list(_quantiles(network)), config.auxiliary_lr)
    return RateDistortionStep(network, loss, optimizer, auxiliary, config.clip_norm, loss.outputs)


RATE_DISTORTION = StepEntry(
    "rate_distortion", RateDistortionStepConfig, _rate_distortion, own_parameters=_quantiles
)
STEPS = (RATE_DISTORTION,)

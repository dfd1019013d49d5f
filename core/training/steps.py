"""Training steps as entries; their cells are imported when one is built."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
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


class Reference(Enum):
    """What a frame is coded under in training."""

    original = "original"
    """The frame before it in the clip."""
    decoded = "decoded"
    """What was decoded of that frame; in the warm-up, and of the first frame, the frame itself."""


@dataclass
class InterStepConfig:
    """One step of a codec's training that codes one frame under another."""

    reference: Reference = Reference.original
    """What a frame is coded under."""
    clip_value: float = 0.5
    """Bound on the magnitude of each element of the gradients; 0 leaves them as they are."""
    clip_norm: float = 0.0
    """Bound on the gradients' global norm; 0 leaves them as they are."""

    def __post_init__(self) -> None:
        for name in ("clip_value", "clip_norm"):
            if getattr(self, name) < 0:
                raise ValueError(f"step.{name} is {getattr(self, name)}; it must be 0 (no bound) or more.")


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

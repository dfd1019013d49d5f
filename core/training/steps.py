"""Training steps as entries; their cells are imported when one is built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.hooks import StepEntry, lazy
from core.options import Options, option


@dataclass
class RateDistortionStepConfig(Options):
    """One step of a codec's training; the defaults are those of CompressAI."""

    clip_norm: float = option(1.0, at_least=0)
    """Bound on the global norm of the gradients; 0 leaves them as they are."""
    auxiliary_lr: float = option(1e-3, above=0)
    """Learning rate of the Adam that trains the priors' quantiles."""


class Reference(Enum):
    """The reference of a frame in training."""

    original = "original"
    """The frame before it in the clip."""
    decoded = "decoded"
    """The decoded frame before; in the warm-up, and after the first frame, that frame itself."""


@dataclass
class InterStepConfig(Options):
    """One step of a codec's training that codes one frame under another."""

    reference: Reference = Reference.original
    """The reference of a frame."""
    clip_value: float = option(0.5, at_least=0)
    """Bound on the magnitude of each element of the gradients; 0 leaves them as they are."""
    clip_norm: float = option(0.0, at_least=0)
    """Bound on the gradients' global norm; 0 leaves them as they are."""


RATE_DISTORTION = StepEntry(
    "rate_distortion",
    RateDistortionStepConfig,
    lazy(".rate_distortion:build"),
    own_parameters=lazy(".rate_distortion:quantiles"),
)
STEPS = (RATE_DISTORTION,)

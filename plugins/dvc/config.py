"""Options of DVC."""

from __future__ import annotations

from dataclasses import dataclass

from core.codec import InterCodecConfig
from core.hooks import Options, option
from core.training import Distortion, InterStepConfig, Phases, RateDistortionConfig


@dataclass
class DvcConfig(Options):
    """The network; the defaults are those of the published checkpoints (4,754,064 parameters)."""

    hidden: int = option(64, at_least=1)
    """Channels of the residual's transforms, and of its hyper-latent (N)."""
    latent: int = option(96, at_least=1)
    """Channels of the residual's latent (M)."""
    motion: int = option(128, at_least=1)
    """Channels of the motion's transforms and latent."""
    refinement: int = option(64, at_least=1)
    """Channels of the network that refines the warped reference."""
    flow: int = option(64, at_least=4, multiple_of=4)
    """Channels of the widest layers of the flow's networks."""


@dataclass
class DvcLossConfig(RateDistortionConfig):
    """lmbda * (distortion + w * (errors of the warped reference and of the prediction)) + bits per pixel."""

    lmbda: float = 2048.0
    peak: int = 1
    warp_weight: float = option(0.1, at_least=0)
    """w: weight of the mean squared errors of the warped reference and of the prediction."""
    warp_steps: int = option(500_000, at_least=0)
    """Steps after which w is 0."""
    flow_steps: int = option(0, at_least=0)
    """Warm-up: steps in which only the flow learns, from how well it warps the reference."""
    motion_steps: int = option(0, at_least=0)
    """Steps after these in which flow, motion's coding and refinement learn, from both errors and motion's rate."""

    def __post_init__(self) -> None:
        super().__post_init__()
        helped = self.warp_weight * self.warp_steps + self.flow_steps + self.motion_steps
        if self.distortion is not Distortion.mse and helped > 0:
            raise ValueError(
                "loss.distortion=ms_ssim is for fine-tuning: set loss.warp_weight, loss.flow_steps and "
                "loss.motion_steps to 0."
            )

    @property
    def phases(self) -> Phases:
        """What learns at which step."""
        return Phases.of_lengths(self.flow_steps, self.motion_steps, names=("flow", "motion", "all"))


@dataclass
class DvcStepConfig(InterStepConfig):
    """One training step."""


@dataclass
class DvcCodecConfig(InterCodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

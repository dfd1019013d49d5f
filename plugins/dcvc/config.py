"""Options of DCVC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.codec import ContextOrder, InterCodecConfig
from core.hooks import Options, option
from core.training import Distortion, InterStepConfig, Phases, RateDistortionConfig


@dataclass
class DcvcConfig(Options):
    """The network; the defaults are those of the published checkpoints (7,944,448 parameters)."""

    features: int = option(64, at_least=3)
    """Channels of contexts and of the transforms of content."""
    latent: int = option(96, at_least=1)
    """Channels of the content's latent y."""
    motion: int = option(128, at_least=1)
    """Channels of the motion's transforms and latent."""
    refinement: int = option(64, at_least=1)
    """Channels of the motion's refinement."""
    hyper: int = option(64, at_least=2, multiple_of=2)
    """Channels of the hyper-latents of motion and content."""
    flow: int = option(64, at_least=4, multiple_of=4)
    """Channels of the widest layers of the flow's networks."""
    context: ContextOrder = ContextOrder.raster
    """Positions that the context models see; published: ``raster``."""
    portable: bool = False
    """Leave the temporal prior out of the content's entropy model, so that streams decode on every machine."""


@dataclass
class DcvcLossConfig(RateDistortionConfig):
    """lmbda * distortion + bits per pixel, after stages in which parts of it count alone."""

    lmbda: float = 2048.0
    peak: int = 1
    flow_steps: int = option(0, at_least=0)
    """Steps in which only the flow learns, from how well it warps the reference."""
    motion_steps: int = option(0, at_least=0)
    """Steps after these in which flow and motion's coding learn, from the warped reference and motion's rate."""
    distortion_steps: int = option(0, at_least=0)
    """Steps after these in which all but the motion learns, from the distortion."""
    content_steps: int = option(0, at_least=0)
    """Steps after these in which the same learns from the distortion and content's rate."""
    rate_ramp: int = option(0, at_least=0)
    """Steps in which content's rate grows from nothing to its full weight."""
    guard: bool = True
    """Stop a training whose distortion grows tenfold or whose motion falls silent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distortion is not Distortion.mse and self.flow_steps + self.motion_steps > 0:
            raise ValueError(
                "loss.distortion=ms_ssim is for fine-tuning: set loss.flow_steps and loss.motion_steps to 0."
            )

    @property
    def phases(self) -> Phases:
        """What learns at which step."""
        lengths = self.flow_steps, self.motion_steps, self.distortion_steps, self.content_steps
        return Phases.of_lengths(*lengths, names=("flow", "motion", "distortion", "content", "all"))


@dataclass
class DcvcStepConfig(InterStepConfig):
    """One training step."""


class Quantize(Enum):
    """How latents are quantised in streams: the published code estimates in one way and codes in another."""

    codec = "codec"
    """round(y - mean) + mean, as the published code writes streams."""
    forward = "forward"
    """round(y), the latents of the published numbers; what is coded is round(y) - round(mean)."""


@dataclass
class DcvcCodecConfig(InterCodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""

    quantize: Quantize = Quantize.codec
    """How latents are quantised; packets say it, so a decoder needs no option."""

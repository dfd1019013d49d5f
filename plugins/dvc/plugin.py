"""DVC: an end-to-end deep video compression framework."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.codec.options import InterCodecConfig
from core.errors import ConfigError
from core.hooks import (
    Codec,
    CodecEntry,
    Coding,
    Components,
    LossEntry,
    ModelEntry,
    Part,
    PublishedWeights,
    StepEntry,
    Supervision,
    Tables,
    hookimpl,
)
from core.losses.entries import Distortion, RateDistortionConfig
from core.training.steps import InterStepConfig

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 2


@dataclass
class DvcConfig:
    """The network; the defaults are those of the published checkpoints (4,754,064 parameters)."""

    hidden: int = 64
    """Channels of the residual's transforms, and of its hyper-latent (N)."""
    latent: int = 96
    """Channels of the residual's latent (M)."""
    motion: int = 128
    """Channels of the motion's transforms and latent."""
    refinement: int = 64
    """Channels of the network that refines the warped reference."""
    flow: int = 64
    """Channels of the widest layers of the flow's networks; a multiple of 4."""

    def __post_init__(self) -> None:
        for name in ("hidden", "latent", "motion", "refinement", "flow"):
            if getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least 1.")
        if self.flow % 4:
            raise ValueError(f"model.flow is {self.flow}; it must be a multiple of 4.")


@dataclass
class DvcLossConfig(RateDistortionConfig):
    """lmbda * (distortion + w * (errors of the warped reference and of the prediction)) + bits per pixel."""

    lmbda: float = 2048.0
    peak: int = 1
    warp_weight: float = 0.1
    """w: weight of the mean squared errors of the warped reference and of the prediction."""
    warp_steps: int = 500_000
    """Steps after which w is 0."""
    flow_steps: int = 0
    """Warm-up: steps in which only the flow learns, from how well it warps the reference."""
    motion_steps: int = 0
    """Steps after these in which flow, motion's coding and refinement learn, from both errors and motion's rate."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("warp_weight", "warp_steps", "flow_steps", "motion_steps"):
            if getattr(self, name) < 0:
                raise ValueError(f"loss.{name} is {getattr(self, name)}; it must be 0 or more.")
        helped = self.warp_weight * self.warp_steps + self.flow_steps + self.motion_steps
        if self.distortion is not Distortion.mse and helped > 0:
            raise ValueError(
                "loss.distortion=ms_ssim is for fine-tuning: set loss.warp_weight, loss.flow_steps and "
                "loss.motion_steps to 0."
            )


@dataclass
class DvcStepConfig(InterStepConfig):
    """One training step."""


@dataclass
class DvcCodecConfig(InterCodecConfig):
    """Coding with a trained network. Intra frames are coded by a picture codec (``intra=``)."""


def _network(config: DvcConfig) -> nn.Cell:
    from .cells import Dvc

    return Dvc(config)


def _parts(network: nn.Cell) -> Sequence[Part]:
    from .parts import parts

    return parts(network)


def _published(config: DvcConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


def _loss(config: DvcLossConfig) -> nn.Cell:
    from .loss import DvcLoss

    return DvcLoss(config)


def _step(
    config: DvcStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> nn.TrainOneStepCell:
    from core.training.inter import InterStep
    from core.training.rate_distortion import counter

    from .cells import Dvc
    from .loss import DvcLoss
    from .step import DvcObjective

    if not isinstance(network, Dvc) or not isinstance(loss, DvcLoss):
        raise ConfigError("step=dvc trains model=dvc by loss=dvc: give these, or another step.")
    objective = DvcObjective(network, loss, counter(), config.reference)
    return InterStep(config, objective, optimizer, loss.outputs)


def _codec(config: DvcCodecConfig, components: Components) -> Codec:
    from .codec import DvcCodec

    return DvcCodec(config, components.network, components.tables, components.intra)


def _tables(network: nn.Cell) -> Tables:
    from .latents import tables

    return tables(network)


MODEL = ModelEntry("dvc", DvcConfig, _network, published=_published, parts=_parts)
LOSS = LossEntry("dvc", DvcLossConfig, _loss)
STEP = StepEntry("dvc", DvcStepConfig, _step)
CODEC = CodecEntry(
    "dvc",
    DvcCodecConfig,
    _codec,
    needs={"network", "intra"},
    tables=_tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.OBJECTIVE,
)


@hookimpl
def models() -> Iterable[ModelEntry[DvcConfig]]:
    return [MODEL]


@hookimpl
def losses() -> Iterable[LossEntry[DvcLossConfig]]:
    return [LOSS]


@hookimpl
def steps() -> Iterable[StepEntry[DvcStepConfig]]:
    return [STEP]


@hookimpl
def codecs() -> Iterable[CodecEntry[DvcCodecConfig]]:
    return [CODEC]


@hookimpl
def config_package() -> str:
    return "plugins.dvc.conf"

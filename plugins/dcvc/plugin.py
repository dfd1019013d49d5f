"""DCVC: deep contextual video compression."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
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
from core.symbols.order import ContextOrder
from core.training.steps import InterStepConfig

if TYPE_CHECKING:
    from mindspore import nn
    from mindspore.train import Callback

    from core.run import Run

HOOK_API = 2


@dataclass
class DcvcConfig:
    """The network; the defaults are those of the published checkpoints (7,944,448 parameters)."""

    features: int = 64
    """Channels of contexts and of the transforms of content."""
    latent: int = 96
    """Channels of the content's latent y."""
    motion: int = 128
    """Channels of the motion's transforms and latent."""
    refinement: int = 64
    """Channels of the motion's refinement."""
    hyper: int = 64
    """Channels of the hyper-latents of motion and content; a multiple of 2."""
    flow: int = 64
    """Channels of the widest layers of the flow's networks; a multiple of 4."""
    context: ContextOrder = ContextOrder.raster
    """Which positions the context models see; published: ``raster``."""
    portable: bool = False
    """Expect of the content what its own symbols tell, without the temporal prior, so that they decode everywhere."""

    def __post_init__(self) -> None:
        least = {"features": 3, "latent": 1, "motion": 1, "refinement": 1, "hyper": 1, "flow": 1}
        for name, value in least.items():
            if getattr(self, name) < value:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least {value}.")
        for name, multiple in (("hyper", 2), ("flow", 4)):
            if getattr(self, name) % multiple:
                raise ValueError(
                    f"model.{name} is {getattr(self, name)}; it must be a multiple of {multiple}."
                )


@dataclass
class DcvcLossConfig(RateDistortionConfig):
    """lmbda * distortion + bits per pixel, after stages in which parts of it count alone."""

    lmbda: float = 2048.0
    peak: int = 1
    flow_steps: int = 0
    """Steps in which only the flow learns, from how well it warps the reference."""
    motion_steps: int = 0
    """Steps after these in which flow and motion's coding learn, from the warped reference and motion's rate."""
    distortion_steps: int = 0
    """Steps after these in which all but the motion learns, from the distortion."""
    content_steps: int = 0
    """Steps after these in which the same learns from the distortion and content's rate."""
    rate_ramp: int = 0
    """Steps in which content's rate grows from nothing to its full weight."""
    guard: bool = True
    """Stop a training whose distortion grows tenfold or whose motion falls silent."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in (*_STAGE_LENGTHS, "rate_ramp"):
            if getattr(self, name) < 0:
                raise ValueError(f"loss.{name} is {getattr(self, name)}; it must be 0 or more.")
        if self.distortion is not Distortion.mse and self.flow_steps + self.motion_steps > 0:
            raise ValueError(
                "loss.distortion=ms_ssim is for fine-tuning: set loss.flow_steps and loss.motion_steps to 0."
            )

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """Steps after which flow, motion, distortion and content have had their stages."""
        return tuple(accumulate(getattr(self, name) for name in _STAGE_LENGTHS))


_STAGE_LENGTHS = ("flow_steps", "motion_steps", "distortion_steps", "content_steps")


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


def _network(config: DcvcConfig) -> nn.Cell:
    from .cells import Dcvc

    return Dcvc(config)


def _parts(network: nn.Cell) -> Sequence[Part]:
    from .parts import parts

    return parts(network)


def _published(config: DcvcConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


def _loss(config: DcvcLossConfig) -> nn.Cell:
    from .loss import DcvcLoss

    return DcvcLoss(config)


def _step(
    config: DcvcStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> nn.TrainOneStepCell:
    from core.training.inter import InterStep
    from core.training.rate_distortion import counter

    from .cells import Dcvc
    from .loss import DcvcLoss
    from .step import DcvcObjective

    if not isinstance(network, Dcvc) or not isinstance(loss, DcvcLoss):
        raise ConfigError("step=dcvc trains model=dcvc by loss=dcvc: give these, or another step.")
    objective = DcvcObjective(network, loss, counter(), config.reference)
    return InterStep(config, objective, optimizer, loss.outputs)


def _codec(config: DcvcCodecConfig, components: Components) -> Codec:
    from .codec import DcvcCodec

    return DcvcCodec(config, components.network, components.tables, components.intra)


def _tables(network: nn.Cell) -> Tables:
    from .latents import tables

    return tables(network)


MODEL = ModelEntry("dcvc", DcvcConfig, _network, published=_published, parts=_parts)
LOSS = LossEntry("dcvc", DcvcLossConfig, _loss)
STEP = StepEntry("dcvc", DcvcStepConfig, _step)
CODEC = CodecEntry(
    "dcvc",
    DcvcCodecConfig,
    _codec,
    needs={"network", "intra"},
    tables=_tables,
    coding=Coding.CONDITIONAL,
    supervision=Supervision.OBJECTIVE,
)


@hookimpl
def models() -> Iterable[ModelEntry[DcvcConfig]]:
    return [MODEL]


@hookimpl
def losses() -> Iterable[LossEntry[DcvcLossConfig]]:
    return [LOSS]


@hookimpl
def steps() -> Iterable[StepEntry[DcvcStepConfig]]:
    return [STEP]


@hookimpl
def codecs() -> Iterable[CodecEntry[DcvcCodecConfig]]:
    return [CODEC]


@hookimpl
def callbacks(run: Run) -> Iterable[Callback]:
    """Stops a training that is lost."""
    loss = run.settings.section("loss")
    if not isinstance(loss, DcvcLossConfig) or not loss.guard:
        return []
    from .guard import Guard

    return [Guard(loss, getattr(run.device, "fetch_every", 1))]


@hookimpl
def config_package() -> str:
    return "plugins.dcvc.conf"

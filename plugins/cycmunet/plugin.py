"""CycMuNet+: space-time video super-resolution with cycle-projected mutual learning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from core.errors import ConfigError
from core.hooks import (
    Components,
    LossEntry,
    ModelEntry,
    Part,
    PublishedWeights,
    StepEntry,
    Upscaler,
    UpscalerEntry,
    hookimpl,
)

if TYPE_CHECKING:
    from mindspore import nn

HOOK_API = 2


class Format(Enum):
    """Colour planes that the network works on."""

    rgb = "rgb"
    yuv444 = "yuv444"
    yuv422 = "yuv422"
    yuv420 = "yuv420"


class MiddleResidual(Enum):
    """Which frame's residual an up-projection adds to the middle frame.

    The published code adds the last frame's, most likely by a slip, and its weights were trained so.
    """

    last = "last"
    own = "own"


class Deformable(Enum):
    """How deformable convolutions are computed."""

    auto = "auto"
    """What suits the device: a kernel of ours or ``gather`` on CPU, ``sampler`` on cards."""
    operator = "operator"
    """MindSpore's operator, which a later MindSpore may not have any more."""
    gather = "gather"
    """Our own form, from gathered neighbours."""
    sampler = "sampler"
    """Our own form, from MindSpore's grid sampler."""


@dataclass
class CycMuNetConfig:
    """The network; the defaults are those of the published code (9,370,819 parameters)."""

    features: int = 64
    """Channels of every hidden layer; a multiple of ``groups``."""
    groups: int = 8
    """Groups of channels with offsets of their own in deformable convolutions."""
    scale: int = 2
    """Spatial factor: 2, 3 or 4. It changes no parameter."""
    format: Format = Format.yuv420
    """Colour planes that the network works on."""
    levels: int = 4
    """Pyramid levels of the alignment."""
    cycles: int = 3
    """Up- and down-projections in each of the two passes of mutual learning."""
    front_blocks: int = 5
    """Residual blocks that extract features."""
    trunk_blocks: int = 40
    """Residual blocks that reconstruct each output."""
    all_frames: bool = True
    """False: only the first and the middle high-resolution frame."""
    middle_residual: MiddleResidual = MiddleResidual.last
    """Which frame's residual an up-projection adds to the middle frame: the last one's, as published, or its own."""
    floor: bool = False
    """Add the bicubically enlarged inputs (their mean for the middle) to the outputs, and start from them."""
    zero_offsets: bool = False
    """Start deformable convolutions as ordinary ones; the published code starts with random offsets."""
    deformable: Deformable = Deformable.auto
    """How deformable convolutions are computed."""

    def __post_init__(self) -> None:
        for name in ("features", "groups", "levels", "cycles", "front_blocks", "trunk_blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"model.{name} is {getattr(self, name)}; it must be at least 1.")
        if self.features % self.groups:
            raise ValueError(
                f"model.features is {self.features}, which is not a multiple of model.groups, {self.groups}."
            )
        if self.scale not in (2, 3, 4):
            raise ValueError(f"model.scale is {self.scale}; choose 2, 3 or 4.")


class Distance(Enum):
    """How two pictures are compared in training."""

    charbonnier = "charbonnier"
    ssim = "ssim"


@dataclass
class CycMuNetLossConfig:
    """Weighted sum over the outputs; the defaults are those of the published code."""

    distance: Distance = Distance.charbonnier
    """``charbonnier``: mean sqrt(d² + (1/255)²); ``ssim``: 1 - SSIM."""
    outer: float = 1.0
    """Weight of the first and of the last high-resolution frame."""
    middle: float = 0.5
    """Weight of the middle high-resolution frame."""
    low_middle: float = 0.5
    """Weight of the middle low-resolution frame."""

    def __post_init__(self) -> None:
        for name in ("outer", "middle", "low_middle"):
            if getattr(self, name) < 0:
                raise ValueError(f"loss.{name} is {getattr(self, name)}; weights must not be negative.")


@dataclass
class CycMuNetStepConfig:
    """One training step."""

    clip_norm: float = 0.0
    """Bound on the global norm of the gradients; 0 leaves them as they are, as the published code does."""

    def __post_init__(self) -> None:
        if self.clip_norm < 0:
            raise ValueError(f"step.clip_norm is {self.clip_norm}; it must be 0 (no bound) or more.")


@dataclass
class CycMuNetUpscalerConfig:
    """Upscaling with a trained network; there is nothing to choose."""


def _network(config: CycMuNetConfig) -> nn.Cell:
    from .interface import VideoCycMuNet

    return VideoCycMuNet(config)


def _parts(network: nn.Cell) -> Sequence[Part]:
    from .parts import parts

    return parts(network)


def _published(config: CycMuNetConfig) -> PublishedWeights:
    from .weights import published

    return published(config)


def _loss(config: CycMuNetLossConfig) -> nn.Cell:
    from .loss import CycMuNetLoss

    return CycMuNetLoss(config)


def _step(
    config: CycMuNetStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> nn.TrainOneStepCell:
    from .step import build_step

    if loss is None:
        raise ConfigError("step=cycmunet needs a loss: give loss=cycmunet.")
    return build_step(network, loss, optimizer, config.clip_norm)


def _upscaler(config: CycMuNetUpscalerConfig, components: Components) -> Upscaler:
    from .upscaler import CycMuNetUpscaler

    return CycMuNetUpscaler(components.network)


MODEL = ModelEntry("cycmunet", CycMuNetConfig, _network, published=_published, parts=_parts)
LOSS = LossEntry("cycmunet", CycMuNetLossConfig, _loss)
STEP = StepEntry("cycmunet", CycMuNetStepConfig, _step)
UPSCALER = UpscalerEntry("cycmunet", CycMuNetUpscalerConfig, _upscaler)


@hookimpl
def models() -> Iterable[ModelEntry[CycMuNetConfig]]:
    return [MODEL]


@hookimpl
def losses() -> Iterable[LossEntry[CycMuNetLossConfig]]:
    return [LOSS]


@hookimpl
def steps() -> Iterable[StepEntry[CycMuNetStepConfig]]:
    return [STEP]


@hookimpl
def upscalers() -> Iterable[UpscalerEntry[CycMuNetUpscalerConfig]]:
    return [UPSCALER]


@hookimpl
def config_package() -> str:
    return "plugins.cycmunet.conf"

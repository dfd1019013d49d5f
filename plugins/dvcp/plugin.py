"""DVC-P: deep video compression with perceptual optimizations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import MISSING

from core.errors import ConfigError
from core.hooks import (
    Codec,
    CodecEntry,
    Coding,
    Components,
    FilePath,
    LossEntry,
    MetricEntry,
    ModelEntry,
    Part,
    PublishedWeights,
    StepEntry,
    Supervision,
    Tables,
    hookimpl,
)
from core.training.steps import Reference
from plugins.dvc.plugin import DvcCodecConfig, DvcConfig, DvcStepConfig

if TYPE_CHECKING:
    from mindspore import nn
    from mindspore.train import Metric

HOOK_API = 2


class Upsampling(Enum):
    """How a synthesis doubles the sides."""

    nearest = "nearest"
    """Pixels are repeated, then convolved: no checkerboard."""
    transposed = "transposed"
    """Transposed convolution, as DVC has it."""


class Normalisation(Enum):
    """What stands between the convolutions of a transform."""

    channel = "channel"
    """`ChannelNorm`, then ReLU."""
    gdn = "gdn"
    """Generalised divisive normalisation, as DVC has it for residuals."""


@dataclass
class DvcpConfig(DvcConfig):
    """DVC's network with other transforms; the defaults are the published widths (5,131,344 parameters)."""

    hidden: int = 128
    latent: int = 128
    upsampling: Upsampling = Upsampling.nearest
    """How the syntheses of motion and residual double the sides."""
    normalisation: Normalisation = Normalisation.channel
    """What stands between the convolutions."""
    kernel: int = 3
    """Side of the convolutions' kernels: 3 or 5."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel not in (3, 5):
            raise ValueError(f"model.kernel is {self.kernel}; choose 3 or 5.")
        least = min(self.hidden, self.motion)
        if self.normalisation is Normalisation.channel and least < 2:
            raise ValueError(
                f"model.hidden is {self.hidden} and model.motion {self.motion}; what is normalised over channels "
                "needs at least 2."
            )


class VggInput(Enum):
    """What the weights of a VGG-19 were trained to see."""

    torchvision = "torchvision"
    """RGB in [0,1], less the mean and over the deviation of ImageNet's channels."""
    caffe = "caffe"
    """BGR in [0,255], less the mean of ImageNet's channels: the original weights."""


@dataclass
class VggConfig:
    """The features of VGG-19 up to conv5_4; only to import weights for ``loss.vgg_file``."""

    channels: int = 64
    """Channels of the first of its five groups; published: 64."""
    input: VggInput = VggInput.torchvision
    """What the weights were trained to see."""

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ValueError(f"model.channels is {self.channels}; it must be at least 1.")


@dataclass
class LpipsConfig:
    """The network of LPIPS on AlexNet; only to import weights for ``metric.lpips.file``."""

    channels: int = 64
    """Channels of the first of its five layers; published: 64."""

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ValueError(f"model.channels is {self.channels}; it must be at least 1.")


@dataclass
class LpipsMetricConfig:
    """A learned distance of pictures."""

    file: FilePath = MISSING
    """Its weights, a checkpoint that ``task=import_weights model=lpips`` has written."""


class Features(Enum):
    """What the perceptual distance is measured on."""

    random_vgg = "random_vgg"
    """A VGG-19 of fixed random weights: needs no file, and its values are comparable with no published ones."""
    vgg = "vgg"
    """VGG-19 with the weights of ``loss.vgg_file``, as published."""
    discriminator = "discriminator"
    """The last features of the discriminator, from its first step on."""


@dataclass
class Stages:
    """The step at which each stage of training begins, before ``scale``. Up to the first, the flow learns alone."""

    motion: int = 0
    """Step from which flow and the coding of motion learn, from how well they warp the reference."""
    prediction: int = 20_000
    """Step from which refinement learns with them, from the prediction."""
    reconstruction: int = 40_000
    """Step from which everything learns, from squared error, perceptual distance and rate."""
    clips: int = 100_000
    """Step from which whole clips are coded; before it, only the second frame of a clip."""
    adversarial: int = 400_000
    """Step from which the discriminator learns, and everything learns from it as well."""
    scale: float = 1.0
    """Factor of all these steps, for shorter trainings."""

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(f"loss.stages.scale is {self.scale}; it must be above 0.")
        if min(self.motion, self.clips) < 0:
            raise ValueError("loss.stages: no stage begins before step 0.")
        order = ("motion", "prediction", "reconstruction", "adversarial")
        begins = [getattr(self, name) for name in order]
        if begins != sorted(begins):
            raise ValueError(
                f"loss.stages begin at {', '.join(f'{n} {b}' for n, b in zip(order, begins, strict=True))}; "
                "none may begin before the one ahead of it."
            )

    def step(self, name: str) -> int:
        """The step at which a stage begins."""
        return round(getattr(self, name) * self.scale)


@dataclass
class DvcpLossConfig:
    """lmbda * (squared error + 0.04 * perceptual distance + 0.1 * adversarial loss) + bits per pixel, in stages."""

    lmbda: float = 2048.0
    """Weight of the distortion; published: 256, 512, 1024, 2048."""
    perceptual_weight: float = 0.04
    """Weight of the perceptual distance within the distortion; 0 leaves it out."""
    adversarial_weight: float = 0.1
    """Weight of the adversarial loss within the distortion; 0 leaves it and the discriminator's training out."""
    features: Features = Features.random_vgg
    """What the perceptual distance is measured on."""
    vgg_file: FilePath | None = None
    """Weights of VGG-19, a checkpoint that ``task=import_weights model=vgg19`` has written."""
    vgg_channels: int = 64
    """Channels of the first group of the random VGG-19; fewer cost less."""
    stages: Stages = field(default_factory=Stages)

    def __post_init__(self) -> None:
        if self.lmbda <= 0:
            raise ValueError(f"loss.lmbda is {self.lmbda}; it must be above 0.")
        for name in ("perceptual_weight", "adversarial_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"loss.{name} is {getattr(self, name)}; it must be 0 or more.")
        if self.vgg_channels < 1:
            raise ValueError(f"loss.vgg_channels is {self.vgg_channels}; it must be at least 1.")
        if self.features is Features.vgg and self.vgg_file is None:
            raise ValueError(
                "loss.features=vgg needs the weights of VGG-19: loss.vgg_file=FILE; without them, "
                "loss.features=random_vgg or discriminator."
            )
        if self.features is not Features.vgg and self.vgg_file is not None:
            raise ValueError(f"loss.vgg_file is for loss.features=vgg, which is {self.features.value}.")
        if self.features is Features.discriminator and self.adversarial_weight == 0:
            raise ValueError(
                "loss.features=discriminator needs one that learns: loss.adversarial_weight must be above 0."
            )


class Head(Enum):
    """How the discriminator comes from a map of features to one score."""

    pool = "pool"
    """Their mean over the picture, then a linear layer: pictures may have any size."""
    flatten = "flatten"
    """A linear layer over all of them, as published: pictures have the size of ``crop``."""


@dataclass
class DiscriminatorConfig:
    """The discriminator; its defaults but for the head are the published ones."""

    channels: int = 64
    """Channels of its first layer; each further one doubles them."""
    head: Head = Head.pool
    """How it comes from features to a score."""
    crop: int = 256
    """Side of the pictures that a flattening head is made for."""

    def __post_init__(self) -> None:
        if self.channels < 1:
            raise ValueError(f"step.discriminator.channels is {self.channels}; it must be at least 1.")
        if self.crop < 16 or self.crop % 16:
            raise ValueError(f"step.discriminator.crop is {self.crop}; it must be a multiple of 16.")


@dataclass
class DvcpStepConfig(DvcStepConfig):
    """One training step: an update of the codec, and one of the discriminator once its stage has begun."""

    reference: Reference = Reference.decoded
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    discriminator_lr: float = 1e-6
    """Learning rate of the discriminator's Adam."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.discriminator_lr <= 0:
            raise ValueError(f"step.discriminator_lr is {self.discriminator_lr}; it must be above 0.")


@dataclass
class DvcpCodecConfig(DvcCodecConfig):
    """DVC's way of coding, with a network that was trained for what is seen."""


def _network(config: DvcpConfig) -> nn.Cell:
    from .cells import Dvcp

    return Dvcp(config)


def _parts(network: nn.Cell) -> Sequence[Part]:
    from plugins.dvc.parts import parts

    return parts(network)


def _vgg(config: VggConfig) -> nn.Cell:
    from .vgg import Vgg19

    return Vgg19(config)


def _vgg_published(config: VggConfig) -> PublishedWeights:
    from .weights import published_vgg

    return published_vgg(config)


def _lpips(config: LpipsConfig) -> nn.Cell:
    from .lpips import Lpips

    return Lpips(config)


def _lpips_published(config: LpipsConfig) -> PublishedWeights:
    from .weights import published_lpips

    return published_lpips()


def _lpips_metric(config: LpipsMetricConfig) -> Metric:
    from .lpips import LpipsMetric

    return LpipsMetric(Path(config.file))


def _loss(config: DvcpLossConfig) -> nn.Cell:
    from .loss import DvcpLoss

    return DvcpLoss(config)


def _step(
    config: DvcpStepConfig, network: nn.Cell, loss: nn.Cell | None, optimizer: nn.Optimizer
) -> nn.TrainOneStepCell:
    from plugins.dvc.cells import Dvc

    from .loss import DvcpLoss
    from .step import DvcpStep

    if not isinstance(network, Dvc) or not isinstance(loss, DvcpLoss):
        raise ConfigError("step=dvcp trains model=dvcp or dvc by loss=dvcp: give these, or another step.")
    return DvcpStep(config, network, loss, optimizer)


def _codec(config: DvcpCodecConfig, components: Components) -> Codec:
    from plugins.dvc.codec import DvcCodec

    return DvcCodec(config, components.network, components.tables, components.intra)


def _tables(network: nn.Cell) -> Tables:
    from plugins.dvc.latents import tables

    return tables(network)


MODEL = ModelEntry("dvcp", DvcpConfig, _network, parts=_parts)
VGG = ModelEntry("vgg19", VggConfig, _vgg, published=_vgg_published)
LPIPS_NETWORK = ModelEntry("lpips", LpipsConfig, _lpips, published=_lpips_published)
LPIPS = MetricEntry("lpips", LpipsMetricConfig, _lpips_metric, higher_is_better=False)
LOSS = LossEntry("dvcp", DvcpLossConfig, _loss)
STEP = StepEntry("dvcp", DvcpStepConfig, _step)
CODEC = CodecEntry(
    "dvcp",
    DvcpCodecConfig,
    _codec,
    needs={"network", "intra"},
    tables=_tables,
    coding=Coding.RESIDUAL,
    supervision=Supervision.PERCEPTUAL,
)


@hookimpl
def models() -> Iterable[ModelEntry[Any]]:
    return [MODEL, VGG, LPIPS_NETWORK]


@hookimpl
def metrics() -> Iterable[MetricEntry[LpipsMetricConfig]]:
    return [LPIPS]


@hookimpl
def losses() -> Iterable[LossEntry[DvcpLossConfig]]:
    return [LOSS]


@hookimpl
def steps() -> Iterable[StepEntry[DvcpStepConfig]]:
    return [STEP]


@hookimpl
def codecs() -> Iterable[CodecEntry[DvcpCodecConfig]]:
    return [CODEC]


@hookimpl
def config_package() -> str:
    return "plugins.dvcp.conf"

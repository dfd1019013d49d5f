"""Options of DVC-P."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from omegaconf import MISSING

from core.hooks import FilePath, Options, option
from core.training import Phases, Reference
from plugins.dvc.config import DvcCodecConfig, DvcConfig, DvcStepConfig


class Upsampling(Enum):
    """How a synthesis doubles height and width."""

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
    """How the syntheses of motion and residual double height and width."""
    normalisation: Normalisation = Normalisation.channel
    """What stands between the convolutions."""
    kernel: int = option(3, one_of=(3, 5))
    """Side of the convolutions' kernels: 3 or 5."""

    def __post_init__(self) -> None:
        super().__post_init__()
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
class VggConfig(Options):
    """The features of VGG-19 up to conv5_4; only to import weights for ``loss.vgg_file``."""

    channels: int = option(64, at_least=1)
    """Channels of the first of its five groups; published: 64."""
    input: VggInput = VggInput.torchvision
    """What the weights were trained to see."""


@dataclass
class LpipsConfig(Options):
    """The network of LPIPS on AlexNet; only to import weights for ``metric.lpips.file``."""

    channels: int = option(64, at_least=1)
    """Channels of the first of its five layers; published: 64."""


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
class Stages(Options):
    """The step at which each stage of training begins, before ``scale``. Up to the first, the flow learns alone."""

    motion: int = option(0, at_least=0)
    """Step from which flow and the coding of motion learn, from how well they warp the reference."""
    prediction: int = 20_000
    """Step from which refinement learns with them, from the prediction."""
    reconstruction: int = 40_000
    """Step from which everything learns, from squared error, perceptual distance and rate."""
    clips: int = option(100_000, at_least=0)
    """Step from which whole clips are coded; before it, only the second frame of a clip."""
    adversarial: int = 400_000
    """Step from which the discriminator learns, and everything learns from it as well."""
    scale: float = option(1.0, above=0)
    """Factor of all these steps, for shorter trainings."""

    def __post_init__(self) -> None:
        super().__post_init__()
        begins = [getattr(self, name) for name in _ORDER]
        if begins != sorted(begins):
            raise ValueError(
                f"loss.stages begin at {', '.join(f'{n} {b}' for n, b in zip(_ORDER, begins, strict=True))}; "
                "none may begin before the one ahead of it."
            )

    def step(self, name: str) -> int:
        """The step at which a stage begins."""
        return round(getattr(self, name) * self.scale)

    @property
    def phases(self) -> Phases:
        """What learns at which step; ``clips`` is beside them."""
        return Phases({"flow": 0} | {name: self.step(name) for name in _ORDER})


_ORDER = ("motion", "prediction", "reconstruction", "adversarial")


@dataclass
class DvcpLossConfig(Options):
    """lmbda * (squared error + 0.04 * perceptual distance + 0.1 * adversarial loss) + bits per pixel, in stages."""

    lmbda: float = option(2048.0, above=0)
    """Weight of the distortion; published: 256, 512, 1024, 2048."""
    perceptual_weight: float = option(0.04, at_least=0)
    """Weight of the perceptual distance within the distortion; 0 leaves it out."""
    adversarial_weight: float = option(0.1, at_least=0)
    """Weight of the adversarial loss within the distortion; 0 leaves it and the discriminator's training out."""
    features: Features = Features.random_vgg
    """What the perceptual distance is measured on."""
    vgg_file: FilePath | None = None
    """Weights of VGG-19, a checkpoint that ``task=import_weights model=vgg19`` has written."""
    vgg_channels: int = option(64, at_least=1)
    """Channels of the first group of the random VGG-19; fewer cost less."""
    stages: Stages = field(default_factory=Stages)

    def __post_init__(self) -> None:
        super().__post_init__()
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
class DiscriminatorConfig(Options):
    """The discriminator; its defaults but for the head are the published ones."""

    channels: int = option(64, at_least=1)
    """Channels of its first layer; each further one doubles them."""
    head: Head = Head.pool
    """How it comes from features to a score."""
    crop: int = option(256, at_least=16, multiple_of=16)
    """Side of the pictures that a flattening head is made for."""


@dataclass
class DvcpStepConfig(DvcStepConfig):
    """One training step: an update of the codec, and one of the discriminator once its stage has begun."""

    reference: Reference = Reference.decoded
    discriminator: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    discriminator_lr: float = option(1e-6, above=0)
    """Learning rate of the discriminator's Adam."""


@dataclass
class DvcpCodecConfig(DvcCodecConfig):
    """DVC's way of coding, with a network that was trained for what is seen."""

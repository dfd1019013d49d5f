"""Options of CycMuNet+."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.hooks import Options, option


class Format(Enum):
    """Colour planes that the network works on."""

    rgb = "rgb"
    yuv444 = "yuv444"
    yuv422 = "yuv422"
    yuv420 = "yuv420"


class MiddleResidual(Enum):
    """The frame whose residual an up-projection adds to the middle frame.

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
class CycMuNetConfig(Options):
    """The network; the defaults are those of the published code (9,370,819 parameters)."""

    features: int = option(64, at_least=1)
    """Channels of every hidden layer; a multiple of ``groups``."""
    groups: int = option(8, at_least=1)
    """Groups of channels with offsets of their own in deformable convolutions."""
    scale: int = option(2, one_of=(2, 3, 4))
    """Spatial factor: 2, 3 or 4. It changes no parameter."""
    format: Format = Format.yuv420
    """Colour planes that the network works on."""
    levels: int = option(4, at_least=1)
    """Pyramid levels of the alignment."""
    cycles: int = option(3, at_least=0)
    """Up- and down-projections in each of the two passes of mutual learning; 0 leaves the last up-projection alone."""
    front_blocks: int = option(5, at_least=1)
    """Residual blocks that extract features."""
    middle_blocks: int = option(0, at_least=0)
    """Residual blocks that refine the first features of the middle frame; the published code has none."""
    trunk_blocks: int = option(40, at_least=0)
    """Residual blocks that reconstruct each output."""
    all_frames: bool = True
    """False: only the first and the middle high-resolution frame."""
    middle_residual: MiddleResidual = MiddleResidual.last
    """The frame whose residual an up-projection adds to the middle frame: the last one's, as published, or its
    own."""
    floor: bool = False
    """Add the bicubically enlarged inputs (their mean for the middle) to the outputs, and start from them."""
    motion: bool = False
    """Search how frames move, without learning it: features are moved to the middle before they are aligned, and the
    middle's floor is made of moved pictures where that is trusted."""
    details: bool = False
    """Add to the enlarged outputs what one sub-pixel convolution (Shi et al. 2016) makes of the features at low
    resolution, which most is learned by in a short training; for ``rgb`` and ``yuv444``."""
    zero_offsets: bool = False
    """Start deformable convolutions as ordinary ones; the published code starts with random offsets."""
    deformable: Deformable = Deformable.auto
    """How deformable convolutions are computed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.motion and not self.floor:
            raise ValueError("model.motion=true moves the floor's pictures: give model.floor=true as well.")
        if self.details and self.format not in (Format.rgb, Format.yuv444):
            raise ValueError("model.details=true needs chroma of the luma's size: give model.format=rgb.")
        if self.features % self.groups:
            raise ValueError(
                f"model.features is {self.features}, which is not a multiple of model.groups, {self.groups}."
            )


class Distance(Enum):
    """How two pictures are compared in training."""

    charbonnier = "charbonnier"
    ssim = "ssim"


@dataclass
class CycMuNetLossConfig(Options):
    """Weighted sum over the outputs; the defaults are those of the published code."""

    distance: Distance = Distance.charbonnier
    """``charbonnier``: mean sqrt(d² + (1/255)²); ``ssim``: 1 - SSIM."""
    outer: float = option(1.0, at_least=0)
    """Weight of the first and of the last high-resolution frame."""
    middle: float = option(0.5, at_least=0)
    """Weight of the middle high-resolution frame."""
    low_middle: float = option(0.5, at_least=0)
    """Weight of the middle low-resolution frame."""


@dataclass
class CycMuNetStepConfig(Options):
    """One training step."""

    clip_norm: float = option(0.0, at_least=0)
    """Bound on the global norm of the gradients; 0 leaves them as they are, as the published code does."""


@dataclass
class CycMuNetUpscalerConfig:
    """Upscaling with a trained network; there is nothing to choose."""

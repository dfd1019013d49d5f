"""The metrics that core offers: ``metric=[psnr,ssim,…]``; MindSpore is imported when one is built."""

from __future__ import annotations

from dataclasses import dataclass

from core.hooks import MetricEntry, lazy
from core.media.colour import Matrix
from core.metrics.channels import Channels


@dataclass
class PictureMetricConfig:
    """Options of metrics of pictures."""

    on: Channels = Channels.RGB
    """The channels that are compared: red, green and blue alike, or luma."""
    matrix: Matrix = Matrix.BT709
    """The weights of luma."""
    rounded: bool = True
    """Clamp and round to 8 bits first, as a file holds pictures."""


@dataclass
class PsnrConfig(PictureMetricConfig):
    """Peak signal-to-noise ratio in dB."""


@dataclass
class SsimConfig(PictureMetricConfig):
    """Structural similarity."""


@dataclass
class MsSsimConfig(PictureMetricConfig):
    """Multi-scale structural similarity."""


@dataclass
class LumaMetricConfig:
    """Options of metrics of luma alone."""

    matrix: Matrix = Matrix.BT709
    """The weights of luma."""
    rounded: bool = True
    """Clamp and round to 8 bits first, as a file holds pictures."""


@dataclass
class GmsdConfig(LumaMetricConfig):
    """Gradient magnitude similarity deviation."""


@dataclass
class MsGmsdConfig(LumaMetricConfig):
    """Multi-scale gradient magnitude similarity deviation."""


@dataclass
class CheckerboardConfig(LumaMetricConfig):
    """The share of the error that has a period of two pixels."""


PSNR = MetricEntry("psnr", PsnrConfig, lazy(".cells:Psnr.of"))
SSIM = MetricEntry("ssim", SsimConfig, lazy(".cells:Ssim.of"))
MS_SSIM = MetricEntry("ms_ssim", MsSsimConfig, lazy(".cells:MsSsim.of"))
GMSD = MetricEntry("gmsd", GmsdConfig, lazy(".cells:Gmsd.of"), higher_is_better=False)
MS_GMSD = MetricEntry("ms_gmsd", MsGmsdConfig, lazy(".cells:MsGmsd.of"), higher_is_better=False)
CHECKERBOARD = MetricEntry(
    "checkerboard", CheckerboardConfig, lazy(".cells:Checkerboard.of"), higher_is_better=False
)
METRICS = (PSNR, SSIM, MS_SSIM, GMSD, MS_GMSD, CHECKERBOARD)

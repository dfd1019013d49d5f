"""The metrics that core offers: ``metric=[psnr,ssim,…]``; MindSpore is imported when one is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.hooks import MetricEntry
from core.media.colour import Matrix
from core.metrics.channels import Channels

if TYPE_CHECKING:
    from mindspore.train import Metric


@dataclass
class PictureMetricConfig:
    """How pictures are compared."""

    on: Channels = Channels.RGB
    """What is compared: red, green and blue alike, or luma."""
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
    """How pictures are compared that are compared by luma alone."""

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
    """How much of the error has a period of two pixels."""


def build_psnr(config: PsnrConfig) -> Metric:
    """The metric `core.metrics.cells.Psnr`."""
    from core.metrics.cells import Psnr

    return Psnr(config.on, config.matrix, config.rounded)


def build_ssim(config: SsimConfig) -> Metric:
    """The metric `core.metrics.cells.Ssim`."""
    from core.metrics.cells import Ssim

    return Ssim(config.on, config.matrix, config.rounded)


def build_ms_ssim(config: MsSsimConfig) -> Metric:
    """The metric `core.metrics.cells.MsSsim`."""
    from core.metrics.cells import MsSsim

    return MsSsim(config.on, config.matrix, config.rounded)


def build_gmsd(config: GmsdConfig) -> Metric:
    """The metric `core.metrics.cells.Gmsd`."""
    from core.metrics.cells import Gmsd

    return Gmsd(matrix=config.matrix, rounded=config.rounded)


def build_ms_gmsd(config: MsGmsdConfig) -> Metric:
    """The metric `core.metrics.cells.MsGmsd`."""
    from core.metrics.cells import MsGmsd

    return MsGmsd(matrix=config.matrix, rounded=config.rounded)


def build_checkerboard(config: CheckerboardConfig) -> Metric:
    """The metric `core.metrics.cells.Checkerboard`."""
    from core.metrics.cells import Checkerboard

    return Checkerboard(matrix=config.matrix, rounded=config.rounded)


PSNR = MetricEntry("psnr", PsnrConfig, build_psnr)
SSIM = MetricEntry("ssim", SsimConfig, build_ssim)
MS_SSIM = MetricEntry("ms_ssim", MsSsimConfig, build_ms_ssim)
GMSD = MetricEntry("gmsd", GmsdConfig, build_gmsd, higher_is_better=False)
MS_GMSD = MetricEntry("ms_gmsd", MsGmsdConfig, build_ms_gmsd, higher_is_better=False)
CHECKERBOARD = MetricEntry("checkerboard", CheckerboardConfig, build_checkerboard, higher_is_better=False)
METRICS = (PSNR, SSIM, MS_SSIM, GMSD, MS_GMSD, CHECKERBOARD)

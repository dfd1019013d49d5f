"""Losses as entries; their cells are imported when one is built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.hooks import LossEntry, lazy
from core.options import Options, option


class Distortion(Enum):
    """Distances of reconstructions from the frames."""

    mse = "mse"
    """Mean squared error."""
    ms_ssim = "ms_ssim"
    """1 - MS-SSIM; height and width of 161 pixels at least."""


@dataclass
class RateDistortionConfig(Options):
    """lmbda * distortion + bits per pixel: the distortion is peak² * MSE, or 1 - MS-SSIM."""

    lmbda: float = option(0.0130, above=0)
    """Weight of the distortion: larger for better pictures and more bits."""
    distortion: Distortion = Distortion.mse
    """The distance of reconstructions from the frames; ``ms_ssim`` is to fine-tune with."""
    peak: int = option(255, one_of=(255, 1))
    """White in the squared error: 255 with CompressAI's lmbda (0.0018 … 0.18), 1 with DVC's (256 … 2048)."""


RATE_DISTORTION = LossEntry(
    "rate_distortion", RateDistortionConfig, lazy(".rate_distortion:RateDistortionLoss")
)
LOSSES = (RATE_DISTORTION,)

"""Losses as entries; their cells are imported when one is built."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from core.hooks import LossEntry

if TYPE_CHECKING:
    from mindspore import nn


class Distortion(Enum):
    """How far reconstructions are from the frames."""

    mse = "mse"
    """Mean squared error."""
    ms_ssim = "ms_ssim"
    """1 - MS-SSIM; sides of 161 pixels at least."""


@dataclass
class RateDistortionConfig:
    """lmbda * distortion + bits per pixel: the distortion is peak² * MSE, or 1 - MS-SSIM."""

    lmbda: float = 0.0130
    """Weight of the distortion: larger for better pictures and more bits."""
    distortion: Distortion = Distortion.mse
    """How far reconstructions are from the frames; ``ms_ssim`` is to fine-tune with."""
    peak: int = 255
    """White in the squared error: 255 with CompressAI's lmbda (0.0018 … 0.18), 1 with DVC's (256 … 2048)."""

    def __post_init__(self) -> None:
        if self.lmbda <= 0:
            raise ValueError(f"loss.lmbda is {self.lmbda}; it must be above 0.")
        if self.peak not in (1, 255):
            raise ValueError(f"loss.peak is {self.peak}; choose 255 or 1.")


def _rate_distortion(config: RateDistortionConfig) -> nn.Cell:
    from core.losses.rate_distortion import RateDistortionLoss

    return RateDistortionLoss(config)


RATE_DISTORTION = LossEntry("rate_distortion", RateDistortionConfig, _rate_distortion)
LOSSES = (RATE_DISTORTION,)

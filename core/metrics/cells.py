"""The measures of `core.metrics.quality` and `.perceptual` as MindSpore metrics, for validation and evaluation."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from mindspore.train import Metric

from core.media.colour import Matrix
from core.metrics.channels import Channels
from core.metrics.entries import LumaMetricConfig, PictureMetricConfig
from core.metrics.perceptual import checkerboard, gmsd, ms_gmsd
from core.metrics.quality import Values, as_stored, mean_psnr, ms_ssim, psnr, ssim


class PictureMetric(Metric):
    """The mean over pictures of a measure, updated with (prediction, truth): (...,3,H,W) in [0,1].

    With ``rounded``, both are clamped and rounded to 8 bits first, as files hold them. ``values`` are the
    single pictures' values so far.
    """

    def __init__(
        self, on: Channels = Channels.RGB, matrix: Matrix = Matrix.BT709, rounded: bool = True
    ) -> None:
        super().__init__()
        self._on, self._matrix, self._rounded = on, matrix, rounded
        self.values: list[float] = []

    @classmethod
    def of(cls, config: PictureMetricConfig | LumaMetricConfig) -> Metric:
        """The metric with these options."""
        return cls(**vars(config))

    def clear(self) -> None:
        """Forget all pictures."""
        self.values = []

    def update(self, *inputs: Any) -> None:
        """Add the pictures of a batch."""
        if len(inputs) != 2:
            raise ValueError(f"a picture metric takes prediction and truth, not {len(inputs)} arrays")
        prediction, truth = (self._pictures(values) for values in inputs)
        self.values.extend(float(value) for value in self._measure(prediction, truth))

    def eval(self) -> float:
        """The mean over all pictures since `clear`."""
        if not self.values:
            raise RuntimeError("a picture metric was evaluated before it was updated")
        return self._mean()

    @abstractmethod
    def _measure(self, prediction: Values, truth: Values) -> Values:
        """One value for each picture (N,3,H,W)."""

    def _mean(self) -> float:
        return float(np.mean(self.values))

    def _pictures(self, values: Any) -> Values:
        array = np.asarray(self._convert_data(values), np.float64)
        array = array.reshape(-1, *array.shape[-3:])
        return as_stored(array) if self._rounded else array


class Psnr(PictureMetric):
    """Peak signal-to-noise ratio in dB; a picture counts as at most `core.metrics.quality.PSNR_CAP`."""

    def _measure(self, prediction: Values, truth: Values) -> Values:
        return psnr(prediction, truth, on=self._on, matrix=self._matrix)

    def _mean(self) -> float:
        return mean_psnr(self.values)


class Ssim(PictureMetric):
    """Structural similarity."""

    def _measure(self, prediction: Values, truth: Values) -> Values:
        return ssim(prediction, truth, on=self._on, matrix=self._matrix)


class MsSsim(PictureMetric):
    """Multi-scale structural similarity; height and width must exceed 160 pixels."""

    def _measure(self, prediction: Values, truth: Values) -> Values:
        return ms_ssim(prediction, truth, on=self._on, matrix=self._matrix)


class Gmsd(PictureMetric):
    """Gradient magnitude similarity deviation, on luma."""

    def _measure(self, prediction: Values, truth: Values) -> Values:
        return gmsd(prediction, truth, self._matrix)


class MsGmsd(PictureMetric):
    """Multi-scale gradient magnitude similarity deviation, on luma."""

    def _measure(self, prediction: Values, truth: Values) -> Values:
        return ms_gmsd(prediction, truth, self._matrix)


class Checkerboard(PictureMetric):
    """The share of the error that has a period of two pixels, on luma."""

    def _measure(self, prediction: Values, truth: Values) -> Values:
        return checkerboard(prediction, truth, self._matrix)

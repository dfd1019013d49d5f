"""PSNR, SSIM and MS-SSIM of pictures, in float64 NumPy.

Pictures are RGB in [0,1], (3,H,W) for one value or (N,3,H,W) for N values. Values are not clamped or rounded
here; `as_stored` does both, as reported numbers should have it. ``on`` chooses the three channels, or luma
by the full-range weights of ``matrix``. A mean over a video is the mean of its frames' values.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from core.errors import MindvideoError
from core.hooks import Picture
from core.media.colour import Matrix, luma
from core.media.samples import eight_bits
from core.metrics.channels import Channels

Pictures = NDArray[np.floating]
Values = NDArray[np.float64]

PSNR_CAP = 100.0
"""The PSNR that counts at most in a mean, dB: that of equal frames is infinite, which has no mean."""

MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (Wang, Simoncelli and Bovik 2003, section 3.2)."""

_WINDOW = 11
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def as_stored(pictures: Pictures) -> Values:
    """Pictures clamped to [0,1] and rounded to 8 bits, as a file would hold them."""
    return eight_bits(pictures) / 255.0


def psnr(
    prediction: Pictures, truth: Pictures, *, on: Channels | str = Channels.RGB, matrix: Matrix = Matrix.BT709
) -> Values:
    """Peak signal-to-noise ratio in dB for a peak of 1, from the mean squared error over all channels.

    Infinite for equal pictures. Raises ValueError when the shapes differ.
    """
    first, second, single = prepare(prediction, truth, on, matrix)
    values = _decibels(np.square(first - second).mean(axis=(1, 2, 3)))
    return values[0] if single else values


def stored_psnr(prediction: Pictures, truth: Pictures) -> float:
    """RGB PSNR in dB of two pictures (3,H,W) as files would hold them, by `samples_psnr`."""
    return samples_psnr(eight_bits(prediction), eight_bits(truth))


def samples_psnr(first: Picture, second: Picture) -> float:
    """PSNR in dB of two arrays of 8-bit samples; at most `PSNR_CAP`, as which equal ones count."""
    error = np.square(np.subtract(first, second, dtype=np.int32)).mean() / 255**2
    return min(float(_decibels(error)), PSNR_CAP)


def mean_psnr(values: Iterable[float]) -> float:
    """Mean of frames' PSNR in dB, each counted as at most `PSNR_CAP`."""
    return float(np.mean(np.minimum(np.asarray(list(values), np.float64), PSNR_CAP)))


def ssim(
    prediction: Pictures, truth: Pictures, *, on: Channels | str = Channels.RGB, matrix: Matrix = Matrix.BT709
) -> Values:
    """Structural similarity (Wang et al. 2004), at most 1, averaged over channels.

    Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01, K2 = 0.03, where the window fits into the picture.
    Raises `MindvideoError` for pictures smaller than the window, ValueError when the shapes differ.
    """
    first, second, single = prepare(prediction, truth, on, matrix)
    require_size(first, _WINDOW, "SSIM")
    values = _similarity(first, second)[0].mean(axis=1)
    return values[0] if single else values


def ms_ssim(
    prediction: Pictures, truth: Pictures, *, on: Channels | str = Channels.RGB, matrix: Matrix = Matrix.BT709
) -> Values:
    """Multi-scale structural similarity (Wang et al. 2003, equation 7) over five scales, 0 to 1.

    Between scales, means over 2 x 2 pixels; an odd side gets a row of zeros ahead of it first, as in the
    widely used PyTorch implementation. Negative terms count as 0. Raises `MindvideoError` for pictures with a
    side of 160 pixels or less, ValueError when the shapes differ.
    """
    first, second, single = prepare(prediction, truth, on, matrix)
    require_size(first, (_WINDOW - 1) * 2 ** (len(MS_SSIM_WEIGHTS) - 1) + 1, "MS-SSIM")
    product = np.ones(first.shape[:2])
    for weight in MS_SSIM_WEIGHTS[:-1]:
        product *= np.maximum(_similarity(first, second)[1], 0.0) ** weight
        first, second = _halve(first), _halve(second)
    product *= np.maximum(_similarity(first, second)[0], 0.0) ** MS_SSIM_WEIGHTS[-1]
    values = product.mean(axis=1)
    return values[0] if single else values


def _decibels(error: Values | np.float64) -> Values:
    """PSNR for a peak of 1 from the mean squared error."""
    with np.errstate(divide="ignore"):
        return np.asarray(-10.0 * np.log10(error))


def prepare(
    prediction: Pictures, truth: Pictures, on: Channels | str, matrix: Matrix
) -> tuple[Values, Values, bool]:
    """Both as float64 (N,C,H,W), and whether they came as a single picture; ValueError when the shapes differ."""
    if prediction.shape != truth.shape or prediction.ndim not in (3, 4) or prediction.shape[-3] != 3:
        raise ValueError(
            f"pictures must both be (3,H,W) or (N,3,H,W), not {prediction.shape} and {truth.shape}"
        )
    single = prediction.ndim == 3
    pair = [
        np.asarray(pictures, np.float64).reshape(-1, *pictures.shape[-3:]) for pictures in (prediction, truth)
    ]
    if Channels(on) is Channels.Y:
        pair = [luma(pictures, matrix)[:, None].astype(np.float64, copy=False) for pictures in pair]
    return pair[0], pair[1], single


def require_size(pictures: Values, least: int, name: str) -> None:
    """Raise `MindvideoError` for pictures that are too small for the measure of this name."""
    height, width = pictures.shape[-2:]
    if min(height, width) < least:
        raise MindvideoError(
            f"{name} needs pictures of {least}x{least} pixels at least, not {width}x{height}"
        )


def _similarity(first: Values, second: Values) -> tuple[Values, Values]:
    """Mean SSIM and mean contrast-structure term of each picture and channel, both (N,C)."""
    mean_first, mean_second = _smooth(first), _smooth(second)
    variances = _smooth(first * first) - mean_first**2 + _smooth(second * second) - mean_second**2
    covariance = _smooth(first * second) - mean_first * mean_second
    contrast = (2 * covariance + _C2) / (variances + _C2)
    brightness = (2 * mean_first * mean_second + _C1) / (mean_first**2 + mean_second**2 + _C1)
    return (brightness * contrast).mean(axis=(2, 3)), contrast.mean(axis=(2, 3))


def _smooth(pictures: Values) -> Values:
    """The Gaussian window's weighted means, where it fits."""
    offsets = np.arange(_WINDOW) - _WINDOW // 2
    window = np.exp(-(offsets**2) / (2 * _SIGMA**2))
    window /= window.sum()
    margin = slice(_WINDOW // 2, -(_WINDOW // 2))
    rows = correlate1d(pictures, window, axis=2, mode="constant")[:, :, margin]
    return correlate1d(rows, window, axis=3, mode="constant")[:, :, :, margin]


def _halve(pictures: Values) -> Values:
    """Means over 2 x 2 pixels; an odd side is led by zeros."""
    height, width = pictures.shape[2:]
    padded = np.pad(pictures, ((0, 0), (0, 0), (height % 2, 0), (width % 2, 0)))
    number, channels, height, width = padded.shape
    return padded.reshape(number, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5))

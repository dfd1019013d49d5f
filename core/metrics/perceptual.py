"""Measures that follow the eye more closely than squared error, and need no trained network; in float64 NumPy.

Pictures are RGB in [0,1], (3,H,W) for one value or (N,3,H,W) for N values, and are measured on luma by the full-range
weights of ``matrix``. For all of them lower is better.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from core.media.colour import Matrix
from core.metrics.quality import Channels, Pictures, Values, prepare, require_size

MS_GMSD_WEIGHTS = (0.096, 0.596, 0.289, 0.019)
"""Weights of the scales, finest first (Zhang, Sun and Xie 2017, section 2.2)."""

_SIMILAR = 170 / 255**2
"""Constant of the gradients' similarity (Xue et al. 2014, equation 4)."""
_BLOCK = 16


def gmsd(prediction: Pictures, truth: Pictures, matrix: Matrix = Matrix.BT709) -> Values:
    """Gradient magnitude similarity deviation (Xue et al. 2014): 0 for equal pictures.

    Gradients by Prewitt's operator on means over 2x2 pixels, with zeros around; the deviation is taken over the whole
    map. Raises `MindvideoError` for a height or width below 4 pixels, ValueError when the shapes differ.
    """
    first, second, single = _prepare(prediction, truth, matrix, 4, "GMSD")
    values = _deviation(_halve(first), _halve(second))
    return values[0] if single else values


def ms_gmsd(prediction: Pictures, truth: Pictures, matrix: Matrix = Matrix.BT709) -> Values:
    """Multi-scale GMSD on luma (Zhang, Sun and Xie 2017, equation 5): 0 for equal pictures.

    Four scales, the first of which is the picture itself; between scales, means over 2x2 pixels. Raises as `gmsd`, for
    a height or width below 16 pixels.
    """
    first, second, single = _prepare(prediction, truth, matrix, 16, "MS-GMSD")
    total = np.zeros(len(first))
    for number, weight in enumerate(MS_GMSD_WEIGHTS):
        if number:
            first, second = _halve(first), _halve(second)
        total += weight * _deviation(first, second) ** 2
    values = np.sqrt(total)
    return values[0] if single else values


def checkerboard(prediction: Pictures, truth: Pictures, matrix: Matrix = Matrix.BT709) -> Values:
    """How far the error's spectrum rises at the period of two pixels, where uneven overlaps leave their grid.

    Power of the error at the three Nyquist frequencies over that at three quarters of them, in blocks of 16x16 pixels
    under Hann's window: 1 for white noise and for equal pictures, below 1 where fine detail is lost or wrong, above 1
    for a grid. Errors count as if noise of rounding to 8 bits were on top. Raises as `gmsd`, for a height or width
    below 16 pixels.
    """
    first, second, single = _prepare(prediction, truth, matrix, _BLOCK, "The checkerboard measure")
    values = np.array([_rise_at_nyquist(error) for error in first - second])
    return values[0] if single else values


def _rise_at_nyquist(error: Values) -> float:
    height, width = (side - side % _BLOCK for side in error.shape)
    blocks = error[:height, :width].reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    line = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_BLOCK) / _BLOCK)
    window = np.outer(line, line)
    spectra = np.fft.fft2(blocks.transpose(0, 2, 1, 3) * window)
    power = (np.abs(spectra) ** 2).mean((0, 1)) + (window**2).sum() / (12 * 255**2)
    nyquist, before = _BLOCK // 2, 3 * _BLOCK // 8
    return float(_corner(power, nyquist) / _corner(power, before))


def _corner(power: Values, at: int) -> float:
    """Power at a frequency across, down and in both directions."""
    return power[at, 0] + power[0, at] + power[at, at]


def _prepare(
    prediction: Pictures, truth: Pictures, matrix: Matrix, least: int, name: str
) -> tuple[Values, Values, bool]:
    """Luma of both (N,H,W), and whether they came as a single picture."""
    first, second, single = prepare(prediction, truth, Channels.Y, matrix)
    require_size(first, least, name)
    return first[:, 0], second[:, 0], single


def _halve(planes: Values) -> Values:
    """Means over 2x2 pixels; an odd last row or column is left out."""
    number, height, width = planes.shape
    planes = planes[:, : height - height % 2, : width - width % 2]
    return planes.reshape(number, height // 2, 2, width // 2, 2).mean((2, 4))


def _deviation(first: Values, second: Values) -> Values:
    """Standard deviation of the gradients' similarity over each plane: (N,H,W) to (N,)."""
    a, b = _gradient(first), _gradient(second)
    similarity = (2 * a * b + _SIMILAR) / (a**2 + b**2 + _SIMILAR)
    return similarity.std((1, 2))


def _gradient(planes: Values) -> Values:
    """Magnitudes by Prewitt's operator."""
    return np.hypot(*(_prewitt(planes, axis) for axis in (1, 2)))


def _prewitt(planes: Values, axis: int) -> Values:
    across = correlate1d(planes, [1 / 3] * 3, axis=3 - axis, mode="constant")
    return correlate1d(across, [-1, 0, 1], axis=axis, mode="constant")

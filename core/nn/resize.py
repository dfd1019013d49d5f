"""Bilinear resizing by whole factors: half-pixel centres, no antialiasing, borders clamped (PyTorch's
``align_corners=False``). What is called aligned keeps the centres of the corner pixels where they are
(``align_corners=True``). Cells compute by our kernels where they are in use, else as the functions do."""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops
from mindspore.ops import constexpr
from numpy.typing import NDArray

from core import backend
from core.kernels.resize import Resize

Factor = int | tuple[int, int]

_DENSE_LIMIT = 128
"""Heights and widths up to this are resized by matrix products, unless operators are to be portable: the gradient of
those is 5-10 times faster on CPU."""


class Upsample(nn.Cell):
    """`upsample`: N,C,H,W -> N,C,factor*H,factor*W, or channels last after `fuse`.

    Without ``by_kernel`` it is that of MindSpore's operators, also where our kernels are in use.
    """

    def __init__(self, factor: Factor, by_kernel: bool = True) -> None:
        super().__init__()
        current = backend.current()
        self.factor, self.portable = factor, current.portable
        self.resize = Resize(enlarge=_pair(factor)) if by_kernel and current.kernels else None

    def fuse(self) -> None:
        """Take and give N,H,W,C from now on; needs our kernels."""
        self.resize = Resize(enlarge=_pair(self.factor), channels_last=True)

    def construct(self, x: Tensor) -> Tensor:
        return upsample(x, self.factor, self.portable) if self.resize is None else self.resize(x)


class AlignedUpsample(nn.Cell):
    """`upsample_aligned`: N,C,H,W -> N,C,factor*H,factor*W, or channels last after `fuse`."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        current = backend.current()
        self.factor, self.portable = factor, current.portable
        self.resize = Resize(enlarge=_pair(factor), aligned=True) if current.kernels else None

    def fuse(self) -> None:
        """See `Upsample.fuse`."""
        self.resize = Resize(enlarge=_pair(self.factor), aligned=True, channels_last=True)

    def construct(self, x: Tensor) -> Tensor:
        if self.resize is None:
            return upsample_aligned(x, self.factor, self.portable)
        return self.resize(x)


class Downsample(nn.Cell):
    """`downsample`: N,C,H,W -> N,C,H/factor,W/factor, or channels last after `fuse`. By 2 it takes means of 2x2."""

    def __init__(self, factor: Factor) -> None:
        super().__init__()
        current = backend.current()
        self.factor, self.portable = factor, current.portable
        self.resize = Resize(reduce=_pair(factor)) if current.kernels else None

    def fuse(self) -> None:
        """See `Upsample.fuse`."""
        self.resize = Resize(reduce=_pair(self.factor), channels_last=True)

    def construct(self, x: Tensor) -> Tensor:
        return downsample(x, self.factor, self.portable) if self.resize is None else self.resize(x)


def upsample(x: Tensor, factor: Factor, portable: bool = False) -> Tensor:
    """Bilinear enlargement: N,C,H,W -> N,C,factor*H,factor*W; a pair of factors is (vertical, horizontal).

    For ``portable`` see `core.backend.Backend`.
    """
    height, width = x.shape[2], x.shape[3]
    if _is_dense(height, width, portable):
        return upsample_dense(x, factor)
    factor_y, factor_x = _pair(factor)
    return ops.interpolate(x, size=(height * factor_y, width * factor_x), mode="bilinear")


def upsample_dense(x: Tensor, factor: Factor) -> Tensor:
    """`upsample` as two matrix products, columns first; the cost grows with the side, the gradient is cheap."""
    factor_y, factor_x = _pair(factor)
    return _stretch(x, bilinear_matrix(x.shape[2], factor_y), bilinear_matrix(x.shape[3], factor_x))


def upsample_aligned(x: Tensor, factor: int, portable: bool = False) -> Tensor:
    """Bilinear enlargement by 2 or more that keeps the corners: output pixel i lies at i (H-1) / (factor*H - 1)."""
    height, width = x.shape[2], x.shape[3]
    if _is_dense(height, width, portable):
        return _stretch(x, aligned_matrix(height, factor), aligned_matrix(width, factor))
    size = (height * factor, width * factor)
    return ops.interpolate(x, size=size, mode="bilinear", align_corners=True)


@constexpr
def aligned_matrix(size: int, factor: int) -> Tensor:
    """Weights (factor*size, size) of `upsample_aligned`."""
    last = size * factor - 1
    # In units of 1 / last input pixels all positions are whole numbers, so none is rounded.
    outputs = (size - 1) * np.arange(size * factor, dtype=np.float32)
    return _tent(outputs, last * np.arange(size, dtype=np.float32), last)


@constexpr
def bilinear_matrix(size: int, factor: int) -> Tensor:
    """Weights (factor*size, size) that enlarge a line: row i holds what output pixel i takes of each input."""
    unit = 2 * factor
    # In units of 1 / unit input pixels all positions are whole numbers, so none is rounded.
    centres = 2 * np.arange(size * factor, dtype=np.float32) + (1 - factor)
    centres = np.clip(centres, 0, unit * (size - 1))
    return _tent(centres, unit * np.arange(size, dtype=np.float32), unit)


def _tent(outputs: NDArray[np.float32], inputs: NDArray[np.float32], unit: int) -> Tensor:
    """Weights that fall from 1 where an input lies to 0 at ``unit`` from it, a row for each output."""
    distances = np.abs(outputs[:, None] - inputs[None, :]) / np.float32(unit)
    return Tensor(np.maximum(1 - distances, 0).astype(np.float32))


def downsample(x: Tensor, factor: Factor, portable: bool = False) -> Tensor:
    """Bilinear reduction: N,C,H,W -> N,C,H/factor,W/factor; height and width must be divisible by their factor.

    The centre of an output pixel lies between two inputs when the factor is even and on one when it is odd,
    so this is the mean of the central 2x2 (or the central pixel) of each factor x factor block.
    """
    factor_y, factor_x = _pair(factor)
    if _is_dense(x.shape[2], x.shape[3], portable):
        return downsample_dense(x, factor)
    return ops.interpolate(x, size=(x.shape[2] // factor_y, x.shape[3] // factor_x), mode="bilinear")


def downsample_dense(x: Tensor, factor: Factor) -> Tensor:
    """`downsample` as two matrix products; see `upsample_dense`."""
    factor_y, factor_x = _pair(factor)
    return _stretch(x, _central_matrix(x.shape[2], factor_y), _central_matrix(x.shape[3], factor_x))


@constexpr
def _central_matrix(size: int, factor: int) -> Tensor:
    """Weights (size/factor, size) that reduce a line: each row takes the middle of its block."""
    centres = 2 * factor * np.arange(size // factor, dtype=np.float32) + (factor - 1)  # in half pixels
    return _tent(centres, 2 * np.arange(size, dtype=np.float32), 2)


def upsample_bicubic(x: Tensor, factor: int) -> Tensor:
    """Bicubic enlargement as Pillow does it (a = -0.5, weights renormalised at borders): N,C,factor*H,factor*W.

    MindSpore's operator takes its weights from a coarse table and is off by 5e-4.
    """
    return _stretch(x, bicubic_matrix(x.shape[2], factor), bicubic_matrix(x.shape[3], factor))


def bicubic_matrix(size: int, factor: int) -> Tensor:
    """Weights (factor*size, size) of Keys' cubic kernel; each row sums to 1."""
    distance = _distances(size, factor, -1.0, size)
    near = (1.5 * distance - 2.5) * distance * distance + 1.0
    far = ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
    weights = ops.where(distance <= 1.0, near, ops.where(distance < 2.0, far, ops.zeros_like(distance)))
    return weights / weights.sum(1, keepdims=True)


def _distances(size: int, factor: int, first: float, last: float) -> Tensor:
    """Distance in input pixels between every output's centre, clamped to first..last, and every input.

    In units of 1 / (2 * factor) input pixels all positions are whole numbers, so none is rounded.
    """
    unit = 2 * factor
    centres = 2 * ops.arange(size * factor).astype(ms.float32) + (1.0 - factor)
    centres = ops.clamp(centres, first * unit, last * unit)
    inputs = unit * ops.arange(size).astype(ms.float32)
    return ops.abs(centres.reshape(-1, 1) - inputs.reshape(1, -1)) / unit


def _stretch(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Every channel of N,C,H,W between two matrices: rows (H',H) and columns (W',W)."""
    batch, channels, height, width = x.shape
    stretched = ops.matmul(x.reshape(-1, width), columns.T).reshape(batch * channels, height, -1)
    return ops.matmul(rows, stretched).reshape(batch, channels, rows.shape[0], columns.shape[0])


def _is_dense(height: int, width: int, portable: bool) -> bool:
    return max(height, width) <= _DENSE_LIMIT and not portable


def _pair(factor: Factor) -> tuple[int, int]:
    return (factor, factor) if isinstance(factor, int) else factor

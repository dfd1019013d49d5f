"""RGB to YUV and back: the one place where matrix, range, bit depth and chroma sampling are applied.

Planes are what video files hold: ``y`` (H,W) and ``u``, ``v`` of the same or half the size (rounded up for
odd sizes), uint8 for 8 bits and uint16 above. RGB is float32 (3,H,W) in [0,1], non-linear as in the file:
transfer curves and primaries are left alone. Chroma is taken to lie at the centre of the luma samples that
it covers.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.float32]
Plane = NDArray[np.uint8] | NDArray[np.uint16]
Planes = tuple[Plane, Plane, Plane]


class Matrix(Enum):
    """The weights of red, green and blue in luma (BT.2020: non-constant luminance)."""

    BT601 = "bt601"
    BT709 = "bt709"
    BT2020 = "bt2020"


class Range(Enum):
    """The codes in use: of 8 bits, limited is 16-235 for luma and 16-240 for chroma; full is 0-255."""

    LIMITED = "limited"
    FULL = "full"


class Chroma(Enum):
    """How chroma is brought to the size of luma: linearly between centres, or by repetition."""

    BILINEAR = "bilinear"
    NEAREST = "nearest"


class Subsampling(Enum):
    """How many luma samples share a chroma sample: one, two in a row, or two by two."""

    YUV444 = "444"
    YUV422 = "422"
    YUV420 = "420"


LUMA_WEIGHTS: dict[Matrix, tuple[float, float, float]] = {
    Matrix.BT601: (0.299, 0.587, 0.114),
    Matrix.BT709: (0.2126, 0.7152, 0.0722),
    Matrix.BT2020: (0.2627, 0.6780, 0.0593),
}
"""Weights of R, G, B in luma: ITU-R BT.601, BT.709 and BT.2020."""

_FACTORS = {Subsampling.YUV444: (1, 1), Subsampling.YUV422: (1, 2), Subsampling.YUV420: (2, 2)}


def chroma_shape(height: int, width: int, subsampling: Subsampling) -> tuple[int, int]:
    """Height and width of the chroma planes of a picture, rounded up for odd sizes."""
    down, across = _FACTORS[subsampling]
    return -(-height // down), -(-width // across)


def luma(rgb: NDArray[np.floating], matrix: Matrix = Matrix.BT709) -> NDArray[np.floating]:
    """Full-range luma (...,H,W) in [0,1] of RGB (...,3,H,W) in [0,1], in the precision of ``rgb``."""
    red, green, blue = LUMA_WEIGHTS[matrix]
    return red * rgb[..., 0, :, :] + green * rgb[..., 1, :, :] + blue * rgb[..., 2, :, :]


def yuv_to_rgb(
    y: Plane,
    u: Plane,
    v: Plane,
    *,
    matrix: Matrix,
    range: Range,
    depth: int = 8,
    chroma: Chroma = Chroma.BILINEAR,
) -> Rgb:
    """RGB of the planes of a picture: float32 (3,H,W), clamped to [0,1].

    The subsampling (4:4:4, 4:2:2 or 4:2:0) follows from the shapes of the planes; ``depth`` is the number
    of bits of a sample. Raises ValueError when the planes do not belong together.
    """
    if u.shape != v.shape:
        raise ValueError(f"the chroma planes differ in size: {u.shape} and {v.shape}")
    down, across = _FACTORS[subsampling_of(y.shape, u.shape)]
    offset, luma_span, chroma_span = _levels(range, depth)
    centre = float(1 << (depth - 1))
    red_weight, green_weight, blue_weight = LUMA_WEIGHTS[matrix]
    blue_difference, red_difference = (
        _enlarge((plane.astype(np.float32) - centre) / chroma_span, down, across, chroma, y.shape)
        for plane in (u, v)
    )
    bright = (y.astype(np.float32) - offset) / luma_span
    rgb = np.empty((3, *y.shape), np.float32)
    np.multiply(red_difference, 2 * (1 - red_weight), out=rgb[0])
    np.multiply(blue_difference, 2 * (1 - blue_weight), out=rgb[2])
    # Green is what is left of luma: Y = r R + g G + b B with R = Y + rgb[0] and B = Y + rgb[2].
    np.multiply(rgb[0], -red_weight / green_weight, out=rgb[1])
    rgb[1] -= (blue_weight / green_weight) * rgb[2]
    rgb += bright
    return np.clip(rgb, 0.0, 1.0, out=rgb)


def rgb_to_yuv(
    rgb: NDArray[np.floating],
    *,
    matrix: Matrix,
    range: Range,
    depth: int = 8,
    subsampling: Subsampling = Subsampling.YUV420,
) -> Planes:
    """Planes of RGB (3,H,W) in [0,1] (clamped): rounded, uint8 for 8 bits, else uint16.

    Chroma is the mean of the luma samples that it covers; at an odd edge, of those that exist.
    """
    rgb = np.clip(rgb, 0.0, 1.0, dtype=np.float32)
    bright = luma(rgb, matrix)
    down, across = _FACTORS[subsampling]
    offset, luma_span, chroma_span = _levels(range, depth)
    centre = float(1 << (depth - 1))
    red_weight, _, blue_weight = LUMA_WEIGHTS[matrix]
    differences = ((rgb[2] - bright) / (2 * (1 - blue_weight)), (rgb[0] - bright) / (2 * (1 - red_weight)))
    u, v = (_codes(_shrink(plane, down, across) * chroma_span + centre, depth) for plane in differences)
    return _codes(bright * luma_span + offset, depth), u, v


def subsampling_of(luma_shape: tuple[int, ...], chroma_shape_: tuple[int, ...]) -> Subsampling:
    """The subsampling that the shapes of a luma and a chroma plane show, or ValueError."""
    height, width = luma_shape
    for subsampling in Subsampling:
        if chroma_shape(height, width, subsampling) == tuple(chroma_shape_):
            return subsampling
    raise ValueError(f"chroma planes of {chroma_shape_} do not belong to a luma plane of {luma_shape}")


def _levels(range: Range, depth: int) -> tuple[float, float, float]:
    """Code of black, codes from black to white, and codes of the whole width of chroma."""
    if range is Range.FULL:
        return 0.0, float((1 << depth) - 1), float((1 << depth) - 1)
    step = float(1 << (depth - 8))
    return 16 * step, 219 * step, 224 * step


def _codes(values: Rgb, depth: int) -> Plane:
    """Values rounded to the nearest code of ``depth`` bits."""
    np.rint(values, out=values)
    np.clip(values, 0, (1 << depth) - 1, out=values)
    return values.astype(np.uint8) if depth == 8 else values.astype(np.uint16)


def _shrink(plane: Rgb, down: int, across: int) -> Rgb:
    """Means over blocks of ``down`` x ``across`` samples; an odd edge is repeated."""
    height, width = plane.shape
    plane = (
        np.pad(plane, ((0, height % down), (0, width % across)), mode="edge") if down * across > 1 else plane
    )
    if down == 2:
        plane = (plane[0::2] + plane[1::2]) * np.float32(0.5)
    if across == 2:
        plane = (plane[:, 0::2] + plane[:, 1::2]) * np.float32(0.5)
    return plane


def _enlarge(plane: Rgb, down: int, across: int, chroma: Chroma, shape: tuple[int, ...]) -> Rgb:
    """The plane at ``down`` x ``across`` times its size, cut to ``shape``."""
    if chroma is Chroma.NEAREST:
        plane = plane.repeat(down, axis=0).repeat(across, axis=1)
    else:
        plane = _double_rows(plane) if down == 2 else plane
        plane = _double_rows(plane.T).T if across == 2 else plane
    return plane[: shape[0], : shape[1]]


def _double_rows(plane: Rgb) -> Rgb:
    """Twice the rows, at a quarter to either side of each old one; the edges are repeated."""
    above, below = np.concatenate((plane[:1], plane[:-1])), np.concatenate((plane[1:], plane[-1:]))
    rows = np.empty((2 * plane.shape[0], plane.shape[1]), np.float32)
    near, far = np.float32(0.75), np.float32(0.25)
    rows[0::2] = near * plane + far * above
    rows[1::2] = near * plane + far * below
    return rows

"""The planes and colour tags of libav's pictures, and their way to RGB.

Tags rule; a picture without tags is taken to be limited range and, by the usual convention, BT.601 below
720 rows and BT.709 from there on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

import av
import numpy as np
from av.sidedata.sidedata import SideData, Type
from numpy.typing import NDArray

from core.errors import MediaError
from core.media.colour import Chroma, Matrix, Plane, Range, Rgb, Subsampling, yuv_to_rgb
from core.media.presentation import UNSPECIFIED, Presentation

UNTAGGED_BT709_FROM_HEIGHT = 720

# Codes of ITU-T H.273: matrix coefficients and full-range flag as libav numbers them.
_MATRICES = {1: Matrix.BT709, 5: Matrix.BT601, 6: Matrix.BT601, 9: Matrix.BT2020}
_UNSPECIFIED_MATRICES = {0, 2, 3}
_RANGES = {1: Range.LIMITED, 2: Range.FULL}
_UNSUPPORTED_MATRICES = {4: "FCC", 7: "SMPTE 240M", 8: "YCgCo", 10: "BT.2020 constant luminance", 14: "ICtCp"}

_PLANAR = re.compile(r"(yuvj?(?P<subsampling>420|422|444)p|gray)(\d+)?(le|be)?")


def untagged_matrix(height: int) -> Matrix:
    """The matrix that a picture without tags is taken to have."""
    return Matrix.BT709 if height >= UNTAGGED_BT709_FROM_HEIGHT else Matrix.BT601


def tagged_matrix(frame: av.VideoFrame) -> Matrix:
    """The matrix that the tags, or else the height, tell; `MediaError` when it is not one of ours."""
    code = int(frame.colorspace)
    if code in _UNSPECIFIED_MATRICES:
        return untagged_matrix(frame.height)
    if code not in _MATRICES:
        name = _UNSUPPORTED_MATRICES.get(code, f"number {code}")
        raise MediaError(f"its colour matrix ({name}) is not supported: state the matrix to assume")
    return _MATRICES[code]


def tagged_range(frame: av.VideoFrame, untagged: Range = Range.LIMITED) -> Range:
    """The range that the picture's tags tell, or else ``untagged`` (full for the yuvj formats and RGB)."""
    full = frame.format.name.startswith("yuvj") or frame.format.is_rgb
    return _RANGES.get(int(frame.color_range), Range.FULL if full else untagged)


def depth_of(frame: av.VideoFrame) -> int:
    """Bits of a sample."""
    if frame.format.has_palette:
        return 8
    return max(8, *(component.bits for component in frame.format.components))


def side_data(frame: av.VideoFrame, kind: Type) -> bytes | None:
    """The side data of this kind that libav attached to the picture; none where PyAV does not know all kinds that
    are there."""
    try:
        attached = cast(Iterable[SideData], frame.side_data)  # PyAV's type says that it is one of them
        return next((bytes(data) for data in attached if data.type is kind), None)
    except ValueError:
        return None


def frame_to_rgb(frame: av.VideoFrame, matrix: Matrix, range: Range, chroma: Chroma = Chroma.BILINEAR) -> Rgb:
    """The picture as RGB float32 (3,H,W) in [0,1].

    Planar YUV and grey are converted by `core.media.colour`; other layouts are first unpacked by libav. A
    picture with transparent parts is refused (MediaError), because what lies behind them is not known.
    """
    _check_opaque(frame)
    if _is_packed_picture(frame.format):
        return _unpack_rgb(frame)
    frame = _planar(frame)
    depth = depth_of(frame)
    y, *rest = (_plane(frame, index) for index, _ in enumerate(frame.planes))
    if not rest:
        neutral: NDArray[Any] = np.full(y.shape, 1 << (depth - 1), y.dtype)
        rest = [neutral, neutral]
    return yuv_to_rgb(y, rest[0], rest[1], matrix=matrix, range=range, depth=depth, chroma=chroma)


def frame_from_planes(planes: tuple[Plane, Plane, Plane], pixel_format: str) -> av.VideoFrame:
    """A libav picture that holds the planes, honouring the length of its rows."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for source, target in zip(planes, frame.planes, strict=True):
        rows = np.zeros((target.height, target.line_size // source.itemsize), source.dtype)
        rows[:, : target.width] = source
        target.update(rows.tobytes())
    return frame


def tag_colour(
    target: av.VideoFrame | av.VideoCodecContext,
    matrix: Matrix,
    range: Range,
    presentation: Presentation | None = None,
) -> None:
    """Write matrix and range into the tags, and primaries and transfer curve as ``presentation`` has them.

    Without one they are BT.709's for that matrix, and else not stated: they do not follow from the other matrices.
    """
    target.colorspace = _code_of(matrix, presentation)
    target.color_range = {Range.LIMITED: 1, Range.FULL: 2}[range]
    if presentation is not None:
        target.color_primaries, target.color_trc = presentation.primaries, presentation.transfer
    elif matrix is Matrix.BT709:
        target.color_primaries = target.color_trc = 1


def _code_of(matrix: Matrix, presentation: Presentation | None) -> int:
    """The code of a matrix: the source's own, where it means the same (BT.601 has two)."""
    stated = presentation.matrix if presentation else UNSPECIFIED
    same = _MATRICES.get(stated) is matrix
    return stated if same else {Matrix.BT601: 6, Matrix.BT709: 1, Matrix.BT2020: 9}[matrix]


def planar_format(subsampling: Subsampling, depth: int) -> str:
    """libav's name of planar YUV."""
    return f"yuv{subsampling.value}p" + ("" if depth == 8 else f"{depth}le")


def parse_planar_format(pixel_format: str) -> tuple[Subsampling, int]:
    """Subsampling and bits of planar YUV by libav's name, or MediaError."""
    match = re.fullmatch(r"yuv(420|422|444)p(?:(10)le)?", pixel_format)
    if match is None:
        raise MediaError(f"cannot write '{pixel_format}': use yuv420p, yuv422p, yuv444p, or these with 10le")
    return Subsampling(match[1]), int(match[2] or 8)


def _is_packed_picture(layout: av.VideoFormat) -> bool:
    """Whether libav should unpack to RGB: RGB of any layout, palettes, and grey with alpha or of one bit."""
    grey = len(layout.components) <= 2
    return layout.is_rgb or layout.has_palette or (grey and _PLANAR.fullmatch(layout.name) is None)


def _planar(frame: av.VideoFrame) -> av.VideoFrame:
    """The picture, unpacked to planar 4:4:4 of its own depth and matrix where its layout is another."""
    readable = _PLANAR.fullmatch(frame.format.name) and all(plane.line_size > 0 for plane in frame.planes)
    if readable:
        return frame
    return frame.reformat(format=planar_format(Subsampling.YUV444, depth_of(frame)))


def _plane(frame: av.VideoFrame, index: int) -> Plane:
    """A plane without the padding of its rows."""
    plane = frame.planes[index]
    wide = depth_of(frame) > 8
    dtype = np.dtype(np.uint16 if wide else np.uint8).newbyteorder(">" if frame.format.is_big_endian else "<")
    rows: NDArray[Any] = np.frombuffer(memoryview(plane), dtype)[
        : plane.height * plane.line_size // dtype.itemsize
    ]
    return rows.reshape(plane.height, -1)[:, : plane.width]


def require_opaque(frame: av.VideoFrame, name: object) -> None:
    """Raise `MediaError` where parts of the picture ``name`` are transparent."""
    try:
        _check_opaque(frame)
    except MediaError as error:
        raise MediaError(f"{name}: {error}") from None


def _check_opaque(frame: av.VideoFrame) -> None:
    if not any(component.is_alpha for component in frame.format.components) and not frame.format.has_palette:
        return
    wide = depth_of(frame) > 8
    alpha = frame.reformat(format="rgba64le" if wide else "rgba").to_ndarray()[..., 3]
    if int(alpha.min()) < (65535 if wide else 255):
        raise MediaError("it has transparent parts: flatten it onto a background first")


def _unpack_rgb(frame: av.VideoFrame) -> Rgb:
    wide = depth_of(frame) > 8
    samples = frame.reformat(format="rgb48le" if wide else "rgb24").to_ndarray()
    rgb = samples.transpose(2, 0, 1).astype(np.float32, order="C")
    rgb /= 65535 if wide else 255
    return rgb

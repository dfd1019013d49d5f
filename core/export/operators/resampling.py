"""Resizing, and samples at displaced positions."""

from __future__ import annotations

from core.export.values import Argument, Node, Table, Writer, constant_shape, operand

_INTERPOLATION = {"bilinear": "linear", "nearest": "nearest", 0: "linear", 1: "nearest"}
_BORDERS = {"zeros": "zeros", "border": "border", "reflection": "reflection"}
_BORDERS |= dict(enumerate(("zeros", "border", "reflection")))  # type: ignore[arg-type]


def _resize(
    write: Writer, node: Node, x: Argument, size: Argument, aligned: bool = False, half_pixel: bool = False
) -> str:
    """Bilinear, N,C,H,W."""
    if aligned:
        positions = "align_corners"
    else:
        positions = "half_pixel" if half_pixel else "asymmetric"
    return write(
        "Resize",
        operand(x),
        None,
        None,
        constant_shape(node),
        mode="linear",
        coordinate_transformation_mode=positions,
    )


def _sample(
    write: Writer,
    node: Node,
    x: Argument,
    grid: Argument,
    interpolation: Argument = 0,
    borders: Argument = 0,
    aligned: bool = False,
) -> str:
    return write(
        "GridSample",
        operand(x),
        operand(grid),
        mode=_INTERPOLATION[interpolation],
        padding_mode=_BORDERS[borders],
        align_corners=int(aligned),
    )


TABLE: Table = {
    "GridSampler2D": _sample,
    "GridSampler3D": _sample,
    "ResizeBilinearV2": _resize,
}

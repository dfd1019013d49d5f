"""Padding and cropping, from concatenations and slices, and sizes that need none.

The gradient of MindSpore 2.10's ``ops.pad`` can hang on CPU in graph mode, so nothing here uses it.
"""

from __future__ import annotations

from mindspore import Tensor, ops
from mindspore.ops import constexpr


def replicate_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Repeat the last column and row until height and width of N,C,H,W are divisible by ``multiple``."""
    height, width = x.shape[2], x.shape[3]
    if width % multiple:
        x = ops.concat((x, ops.tile(x[:, :, :, -1:], (1, 1, 1, multiple - width % multiple))), 3)
    if height % multiple:
        x = ops.concat((x, ops.tile(x[:, :, -1:], (1, 1, multiple - height % multiple, 1))), 2)
    return x


def replicate_margin(x: Tensor, vertical: int, horizontal: int) -> Tensor:
    """``vertical`` copies of the outermost rows and ``horizontal`` ones of the columns, on each side of N,C,H,W."""
    if vertical:
        copies = (1, 1, vertical, 1)
        x = ops.concat((ops.tile(x[:, :, :1], copies), x, ops.tile(x[:, :, -1:], copies)), 2)
    if horizontal:
        copies = (1, 1, 1, horizontal)
        x = ops.concat((ops.tile(x[:, :, :, :1], copies), x, ops.tile(x[:, :, :, -1:], copies)), 3)
    return x


def zero_margin(x: Tensor, margin: int) -> Tensor:
    """``margin`` rows and columns of zeros around N,C,H,W."""
    batch, channels, height, width = x.shape
    side = ops.zeros((batch, channels, height, margin), x.dtype)
    x = ops.concat((side, x, side), 3)
    edge = ops.zeros((batch, channels, margin, width + 2 * margin), x.dtype)
    return ops.concat((edge, x, edge), 2)


def crop_like(x: Tensor, reference: Tensor, channels: int = 1) -> Tensor:
    """The top left part of ``x`` that has the height and width of ``reference``; ``channels`` is the axis of both's
    channels: 1 of N,C,H,W, or 3 of N,H,W,C."""
    if channels == 1:
        return crop(x, reference.shape[2], reference.shape[3])
    if x.shape[1:3] == reference.shape[1:3]:
        return x
    return x[:, : reference.shape[1], : reference.shape[2]]


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """The top left ``height`` x ``width`` pixels of N,C,H,W."""
    if x.shape[2] == height and x.shape[3] == width:
        return x
    return x[:, :, :height, :width]


@constexpr
def require_sides(height: int, width: int, multiple: int) -> None:
    """Raise ValueError unless height and width are divisible by ``multiple``."""
    if height % multiple or width % multiple:
        raise ValueError(
            f"Frames of {width}x{height} do not fit: both sides must be multiples of {multiple}."
        )

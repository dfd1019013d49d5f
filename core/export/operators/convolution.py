"""Convolutions: plain, transposed and deformable; biases; products of matrices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from core.export.values import Argument, Node, Table, Writer, integers, operand


@dataclass(frozen=True)
class _Displaced:
    """What a deformable convolution samples: MindSpore leaves the products to an ordinary convolution after it."""

    x: Argument
    offsets: str
    mask: str
    attributes: dict[str, Any]


def _convolution(write: Writer, node: Node, x: Argument, weight: Argument) -> str:
    if isinstance(x, _Displaced):
        return write("DeformConv", operand(x.x), operand(weight), x.offsets, None, x.mask, **x.attributes)
    return write("Conv", operand(x), operand(weight), **_geometry(node))


def _transposed_convolution(
    write: Writer, node: Node, x: Argument, weight: Argument, size: Argument = None
) -> str:
    """The result's size follows from the padding, which `core.nn.conv.ConvTranspose2d` chooses so."""
    return write("ConvTranspose", operand(x), operand(weight), **_geometry(node))


def _geometry(node: Node) -> dict[str, Any]:
    """ONNX's attributes of a convolution; MindSpore pads top, bottom, left, right."""
    attributes = node.attributes
    top, bottom, left, right = _padding(node)
    return {
        "pads": [top, left, bottom, right],
        "strides": integers(attributes["stride"])[-2:],
        "dilations": integers(attributes["dilation"])[-2:],
        "group": int(attributes.get("group", attributes.get("groups", 1))),
    }


def _padding(node: Node) -> list[int]:
    if node.attributes.get("pad_mode") in ("valid", "VALID", 2):
        return [0, 0, 0, 0]
    if node.attributes.get("pad_mode") in ("same", "SAME", 1):
        raise NotImplementedError("pad_mode same")
    return integers(node.attributes["pad"])


def _deformable_convolution(write: Writer, node: Node, x: Argument, offsets: Argument) -> _Displaced:
    """MindSpore has all horizontal offsets, then all vertical ones, then the masks; ONNX pairs of y and x."""
    attributes = node.attributes
    kernel = integers(attributes["ksize"])
    groups = int(attributes["deformable_groups"])
    taps = groups * kernel[0] * kernel[1]
    pairs = np.stack((np.arange(taps, 2 * taps), np.arange(taps)), 1).ravel()
    top, bottom, left, right = integers(attributes["pads"])
    return _Displaced(
        x,
        write("Gather", operand(offsets), pairs.astype(np.int64), axis=1),
        write("Gather", operand(offsets), np.arange(2 * taps, 3 * taps, dtype=np.int64), axis=1),
        {
            "kernel_shape": kernel,
            "offset_group": groups,
            "pads": [top, left, bottom, right],
            "strides": integers(attributes["strides"])[-2:],
            "dilations": integers(attributes["dilations"])[-2:],
        },
    )


def _add_bias(write: Writer, node: Node, x: Argument, bias: Argument, data_format: Argument = None) -> str:
    """Over the channels of N,C,H,W: by the convolution itself, if it is one."""
    biased = write.with_bias(x.name, operand(bias))
    if biased:
        return biased
    trailing = np.arange(1, len(x.spec.shape) - 1, dtype=np.int64)
    return write("Add", operand(x), write("Unsqueeze", operand(bias), trailing))


def _product(
    write: Writer,
    node: Node,
    a: Argument,
    b: Argument,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> str:
    left = _swap_last_axes(write, a) if transpose_a else operand(a)
    right = _swap_last_axes(write, b) if transpose_b else operand(b)
    return write("MatMul", left, right)


def _swap_last_axes(write: Writer, x: Argument) -> str:
    """The last two axes exchanged."""
    axes = list(range(len(x.spec.shape)))
    return write("Transpose", operand(x), perm=[*axes[:-2], axes[-1], axes[-2]])


TABLE: Table = {
    "BatchMatMul": _product,
    "BiasAdd": _add_bias,
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _transposed_convolution,
    "Conv2DTranspose": _transposed_convolution,
    "DeformableOffsets": _deformable_convolution,
    "MatMul": _product,
    "MatMulExt": _product,
}

"""Parts of networks as ONNX models: for pictures of one size, or of any."""

from __future__ import annotations

import onnx

from core.errors import ExportError
from core.export import dynamic_size, mindir
from core.export.formula import Size
from core.export.translate import translate
from core.hooks import Part


def at_size(part: Part, size: Size) -> onnx.ModelProto:
    """The model for pictures of this height and width.

    Raises `ExportError` where an operator of it is not known.
    """
    graph = mindir.read(part.cell, [plane.shape(*size) for plane in part.inputs])
    return translate(graph, part.name, [plane.name for plane in part.inputs], part.outputs).model


def at_any_size(part: Part) -> onnx.ModelProto:
    """The model for pictures of any height and width that `Part.multiple` divides.

    Raises `ExportError` where an operator of it is not known, or where it cannot be told how it follows height and
    width.
    """
    sizes = dynamic_size.sizes(part.multiple)
    finest = min((plane for plane in part.inputs if plane.reduction), key=lambda plane: plane.reduction)
    try:
        return dynamic_size.generalise([at_size(part, size) for size in sizes], sizes, finest)
    except dynamic_size.Unexplained as reason:
        raise ExportError(
            f"{part.name} cannot be written for pictures of any size: {reason}; give one, task.size=HEIGHTxWIDTH."
        ) from None

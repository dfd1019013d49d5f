"""Stages of networks computed by onnxruntime in MindSpore's place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from mindspore import Tensor
from numpy.typing import NDArray
from onnxruntime.capi.onnxruntime_pybind11_state import NotImplemented as MissingOperator

from core.errors import ExportError
from core.export.mindir import read
from core.export.translate import translate
from core.nn.stage import Stage

Shapes = tuple[tuple[int, ...], ...]


class OnnxRuntime:
    """Makes of a stage what computes it, on so many ``threads`` (0: all cores)."""

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads

    def __call__(self, stage: Stage) -> OnnxStage:
        return OnnxStage(stage, self._threads)


class OnnxStage:
    """A stage; it is translated once for each size of its inputs, by the weights that it has then."""

    def __init__(self, stage: Stage, threads: int) -> None:
        self._stage = stage
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.log_severity_level = 3
        self._compiled: dict[Shapes, _Compiled] = {}

    def __call__(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        arrays = [tensor.asnumpy() for tensor in inputs]
        shapes = tuple(array.shape for array in arrays)
        if shapes not in self._compiled:
            self._compiled[shapes] = self._compile(shapes)
        compiled = self._compiled[shapes]
        results = tuple(Tensor.from_numpy(result) for result in compiled.run(arrays))
        return results if compiled.gives_tuple else results[0]

    def _compile(self, shapes: Shapes) -> _Compiled:
        translated = translate(read(self._stage, shapes), type(self._stage).__name__)
        model = translated.model.SerializeToString()
        try:
            session = onnxruntime.InferenceSession(model, self._options, providers=["CPUExecutionProvider"])
        except MissingOperator as error:
            raise ExportError(
                f"onnxruntime {onnxruntime.__version__} lacks an operator of this network ({error}): "
                "install a newer one, or type runtime=mindspore."
            ) from None
        return _Compiled(session, translated.gives_tuple)


@dataclass(frozen=True)
class _Compiled:
    """A stage for one size."""

    session: onnxruntime.InferenceSession
    gives_tuple: bool

    def run(self, arrays: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        names = [put.name for put in self.session.get_inputs()]
        return self.session.run(None, dict(zip(names, arrays, strict=True)))

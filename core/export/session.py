"""Stages of networks computed by onnxruntime in MindSpore's place."""

from __future__ import annotations

from typing import Any

import onnxruntime
from mindspore import Tensor

from core.export.mindir import read
from core.export.translate import translate
from core.nn.stage import Results, Stage

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
        self._sessions: dict[Shapes, onnxruntime.InferenceSession] = {}

    def __call__(self, *inputs: Tensor) -> Results:
        arrays = [tensor.asnumpy() for tensor in inputs]
        session = self._session(tuple(array.shape for array in arrays))
        named: dict[str, Any] = {
            put.name: array for put, array in zip(session.get_inputs(), arrays, strict=True)
        }
        made = tuple(Tensor.from_numpy(result) for result in session.run(None, named))
        return made

    def _session(self, shapes: Shapes) -> onnxruntime.InferenceSession:
        if shapes not in self._sessions:
            model = translate(read(self._stage, shapes), type(self._stage).__name__)
            self._sessions[shapes] = onnxruntime.InferenceSession(
                model.SerializeToString(), self._options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[shapes]

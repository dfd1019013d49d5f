"""The running mean of a network's weights (Polyak and Juditsky 1992): less noisy than the last ones, and no worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from mindspore import Tensor, nn
from mindspore.train import Callback, RunContext
from numpy.typing import NDArray

from core.training.state import TrainingState

AVERAGE = "average/"
"""Part of a checkpoint that a training goes on from."""
_PERIOD = 10
"""Steps between two that count, for the time that it takes."""


class WeightAverage(Callback):
    """Keeps the mean of a network's weights, of which a share ``kept`` stays at each step; fewer in the first
    steps."""

    def __init__(self, network: nn.Cell, kept: float, state: TrainingState) -> None:
        self._network, self._kept, self._state = network, kept, state
        self._mean = {p.name: p.asnumpy().copy() for p in network.get_parameters()}

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Count the weights in, now and then."""
        step = self._state.step
        if step % _PERIOD:
            return
        kept = min(self._kept, (1 + step) / (10 + step)) ** _PERIOD
        for parameter in self._network.get_parameters():
            mean = self._mean[parameter.name]
            mean += (1 - kept) * (parameter.asnumpy() - mean)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The network with the mean in place of its weights, which come back afterwards."""
        before = {p.name: p.asnumpy().copy() for p in self._network.get_parameters()}
        self._set(self._mean)
        try:
            yield
        finally:
            self._set(before)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """The tensors that a checkpoint keeps."""
        return {AVERAGE + name: value for name, value in self._mean.items()}

    def restore(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Go on from what a checkpoint kept; from the weights themselves where it kept none."""
        for parameter in self._network.get_parameters():
            self._mean[parameter.name] = np.array(tensors.get(parameter.name, parameter.asnumpy()))

    def _set(self, values: Mapping[str, NDArray[Any]]) -> None:
        for parameter in self._network.get_parameters():
            parameter.set_data(Tensor(values[parameter.name], parameter.dtype))

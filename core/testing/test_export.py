"""The plugin's networks leave MindSpore's Python as MindIR and compute the same there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.testing.cases import STEPS, Case

if TYPE_CHECKING:
    from mindspore import Tensor, nn
    from numpy.typing import NDArray

CLOSE = 1e-5
"""Tolerance of values near 1: the compiler may order sums in another way."""


def test_the_exported_network_computes_the_same(trained: Case, tmp_path: Path) -> None:
    """As it is called by the plugin's own step, in evaluation; a file can name no kernels of ours."""
    run = trained.run
    network = run.model(backend=replace(run.backend, kernels=None))
    inputs, expected = call_of(network, run.step(network, STEPS), trained.batch)
    got = arrays(exported(network, inputs, tmp_path / "network.mindir")(*inputs))
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=CLOSE, atol=CLOSE)


def call_of(
    network: nn.Cell, step: nn.Cell, batch: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], list[NDArray[Any]]]:
    """What the step's objective gives the network in evaluation, and what it gets; the network stays in evaluation."""
    import mindspore as ms

    seen: list[Any] = []
    mode = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    handle = network.register_forward_pre_hook(lambda cell, inputs: seen.append(inputs))
    try:
        step.network.set_train(False)(*batch)
        handle.remove()
        whole = next(inputs for inputs in seen if all(value is not None for value in inputs))
        inputs = tuple(ms.Tensor(value.asnumpy()) for value in whole)
        return inputs, arrays(network(*inputs))
    finally:
        ms.set_context(mode=mode)


def exported(network: nn.Cell, inputs: tuple[Tensor, ...], path: Path) -> nn.Cell:
    """The network as it comes back from a file."""
    import mindspore as ms
    from mindspore import nn

    ms.export(network, *inputs, file_name=str(path.with_suffix("")), file_format="MINDIR")
    return nn.GraphCell(ms.load(str(path)))


def arrays(values: Any) -> list[NDArray[Any]]:
    """All tensors of a network's result, in order."""
    if isinstance(values, (tuple, list)):
        return [array for value in values for array in arrays(value)]
    return [values.asnumpy()]

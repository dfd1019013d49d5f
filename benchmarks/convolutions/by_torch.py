"""Convolutions by PyTorch's operators, eager."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.convolutions.cases import Call, Case, Tensors


class Implementation:
    """PyTorch's operators, eager."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        torch.inference_mode().__enter__()

    def calls(self, case: Case) -> list[Call]:
        """Forward, gradient of the input, gradients of weight and bias."""
        pictures, weight, bias, douts = case.arrays()
        xs, dys = ([torch.from_numpy(array) for array in arrays] for arrays in (pictures, douts))
        weight, bias = torch.from_numpy(weight), torch.from_numpy(bias)
        before, after = case.padding
        geometry = (
            [case.stride] * 2,
            [before] * 2,
            [case.dilation] * 2,
            case.transposed,
            [before - after if case.transposed else 0] * 2,
            case.groups,
        )

        def backward(*mask: bool) -> Tensors:
            gradients = [
                torch.ops.aten.convolution_backward(dy, x, weight, [case.outputs], *geometry, mask)
                for x, dy in zip(xs, dys, strict=True)
            ]
            return tuple(result for results in gradients for result in results if result is not None)

        return [
            lambda: tuple(torch.ops.aten.convolution(x, weight, bias, *geometry) for x in xs),
            lambda: backward(True, False, False),
            lambda: backward(False, True, True),
        ]

    @staticmethod
    def numpy(results: Tensors) -> list[np.ndarray]:
        return [result.numpy() for result in results]

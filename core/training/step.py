"""The plain training step: gradients of an objective, averaged over ranks, clipped, applied."""

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Tensor, nn, ops


class TrainStep(nn.TrainOneStepCell):
    """One optimizer step on an objective.

    ``objective`` is a cell from a batch's columns to a tuple of scalars of which the first is the loss;
    ``outputs`` names them. ``clip_norm`` above 0 bounds the global norm of the gradients (Pascanu et al. 2013).
    """

    def __init__(
        self,
        objective: nn.Cell,
        optimizer: nn.Optimizer,
        clip_norm: float = 0.0,
        outputs: Sequence[str] = ("loss",),
    ) -> None:
        super().__init__(objective, optimizer)
        self.outputs = tuple(outputs)
        self.clip_norm = clip_norm
        self.value_and_grad = ops.value_and_grad(objective, None, self.weights, has_aux=True)

    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        values, gradients = self.value_and_grad(*columns)
        gradients = self.grad_reducer(gradients)
        if self.clip_norm > 0:
            gradients = ops.clip_by_global_norm(gradients, self.clip_norm)
        return ops.depend(values, self.optimizer(gradients))

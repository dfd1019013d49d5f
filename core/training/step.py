"""The plain training step: gradients of an objective, averaged over ranks, clipped, applied."""

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Tensor, nn, ops


class TrainStep(nn.TrainOneStepCell):
    """One optimizer step on an objective.

    ``objective`` is a cell from a batch's columns to a tuple of scalars of which the first is the loss;
    ``outputs`` names them. ``clip_norm`` above 0 bounds the global norm of the gradients (Pascanu et al. 2013),
    ``clip_value`` above 0 the magnitude of each of their elements.
    """

    def __init__(
        self,
        objective: nn.Cell,
        optimizer: nn.Optimizer,
        clip_norm: float = 0.0,
        outputs: Sequence[str] = ("loss",),
        clip_value: float = 0.0,
    ) -> None:
        super().__init__(objective, optimizer)
        self.outputs = tuple(outputs)
        self.clip_norm = clip_norm
        self.clip_value = clip_value
        self.value_and_grad = ops.value_and_grad(objective, None, self.weights, has_aux=True)

    # Graph mode knows ``super()`` one class deep only, so steps that do more call `optimise` by its name.
    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        return self.optimise(*columns)

    def optimise(self, *columns: Tensor) -> tuple[Tensor, ...]:
        """Move the optimizer's parameters; what the objective gave."""
        values, gradients = self.value_and_grad(*columns)
        gradients = self.grad_reducer(gradients)
        if self.clip_value > 0:
            gradients = ops.clip_by_value(gradients, -self.clip_value, self.clip_value)
        if self.clip_norm > 0:
            gradients = ops.clip_by_global_norm(gradients, self.clip_norm)
        return ops.depend(values, self.optimizer(gradients))

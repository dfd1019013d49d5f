"""The plain training step: gradients of an objective, averaged over ranks, clipped, applied."""

from __future__ import annotations

from collections.abc import Sequence

import mindspore as ms
from mindspore import Parameter, Tensor, amp, nn, ops
from mindspore.communication import get_group_size

from core import backend
from core.hooks import NamesOutputs
from core.kernels.operator import operator

FIRST_SCALE = 2.0**16
"""Factor of the loss at the start where convolutions compute in float16."""
CALM = 2000
"""Steps in a row whose gradients were finite, after which the loss is scaled by twice as much."""


class TrainStep(nn.TrainOneStepCell):
    """One optimizer step on an objective.

    ``objective`` is a cell from a batch's columns to a tuple of scalars of which the first is the loss;
    ``outputs`` names them. ``clip_norm`` above 0 bounds the global norm of the gradients (Pascanu et al. 2013),
    ``clip_value`` above 0 the magnitude of each of their elements. Where convolutions compute in float16, the loss is
    scaled up for the gradients, and a step whose gradients are not finite moves nothing (Micikevicius et al. 2018).
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
        if self.reducer_flag:
            self.grad_reducer = mean_over_ranks(self.weights)
        self.outputs = tuple(outputs)
        self.clip_value = clip_value
        self.clip = ClipByGlobalNorm(clip_norm) if clip_norm > 0 else None
        self.loss_scale: LossScale | None = None
        if backend.current().low == ms.float16:
            self.loss_scale = LossScale()
            objective = ScaledObjective(objective, self.loss_scale)
        self.value_and_grad = ops.value_and_grad(objective, None, self.weights, has_aux=True)

    # Graph mode knows ``super()`` one class deep only, so steps that do more call `optimise` by its name.
    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        return self.optimise(*columns)

    def optimise(self, *columns: Tensor) -> tuple[Tensor, ...]:
        """Move the optimizer's parameters; what the objective gave."""
        values, gradients = self.value_and_grad(*columns)
        gradients = self.grad_reducer(gradients)
        if self.loss_scale is None:
            return ops.depend(values, self._move(gradients))
        gradients, finite = self.loss_scale.unscale(gradients)
        if finite:
            values = ops.depend(values, self._move(gradients))
        return values[1:]

    def _move(self, gradients: tuple[Tensor, ...]) -> Tensor:
        """Clip the gradients and let the optimizer apply them."""
        if self.clip_value > 0:
            gradients = ops.clip_by_value(gradients, -self.clip_value, self.clip_value)
        if self.clip is not None:
            gradients = self.clip(gradients)
        return self.optimizer(gradients)


def output_names(step: nn.Cell) -> Sequence[str]:
    """Names of the scalars that a step, or its objective, gives."""
    return step.outputs if isinstance(step, NamesOutputs) else ("loss",)


class LossScale(nn.Cell):
    """Factor of the loss, so that small gradients do not become 0 in float16.

    It doubles after `CALM` steps with finite gradients, and halves where they are not. A checkpoint holds it with the
    state of the step. MindSpore's `DynamicLossScaler` is what counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scaler = amp.DynamicLossScaler(FIRST_SCALE, 2, CALM)
        self.value, self.calm_steps = self.scaler.scale_value, self.scaler.counter
        self.value.name, self.calm_steps.name = "loss_scale", "loss_scale_calm_steps"
        self.value.requires_grad = self.calm_steps.requires_grad = False

    def construct(self, loss: Tensor) -> Tensor:
        return loss * self.value

    def unscale(self, gradients: tuple[Tensor, ...]) -> tuple[tuple[Tensor, ...], Tensor]:
        """The gradients of the loss itself, and whether all of them are finite, by which the scale is adjusted."""
        unscaled = self.scaler.unscale(gradients)
        finite = amp.all_finite(unscaled)
        return unscaled, ops.depend(finite, self.scaler.adjust(finite))


class ScaledObjective(nn.Cell):
    """An objective's scalars after its scaled loss, of which the gradients are taken."""

    def __init__(self, objective: nn.Cell, loss_scale: LossScale) -> None:
        super().__init__(auto_prefix=False)
        self.objective, self.loss_scale = objective, loss_scale

    def construct(self, *columns: Tensor) -> tuple[Tensor, ...]:
        values = self.objective(*columns)
        return (self.loss_scale(values[0]),) + values


def mean_over_ranks(parameters: Sequence[Parameter]) -> nn.Cell:
    """A function that averages the gradients of ``parameters`` over the ranks of a data-parallel training: a tuple
    to a tuple."""
    if ms.get_context("device_target") == "CPU":
        return _OneByOne()
    return nn.DistributedGradReducer(parameters)


class _OneByOne(nn.Cell):
    """The mean over ranks of each gradient, which waits for the one before it.

    MindSpore 2.10 on CPU runs reductions that do not wait for each other in an order of each rank's own: one rank's
    gradient would meet that of another parameter on the other rank.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sum = ops.AllReduce()
        self.share = 1.0 / get_group_size()

    def construct(self, gradients: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        before = gradients[0]
        averaged: tuple[Tensor, ...] = ()
        for gradient in gradients:
            before = self.sum(ops.depend(gradient, before))
            averaged = averaged + (before * self.share,)
        return averaged


class ClipByGlobalNorm(nn.Cell):
    """Gradients scaled so that the norm of all of them together is at most ``bound``: a tuple to a tuple."""

    def __init__(self, bound: float) -> None:
        super().__init__()
        self.bound = bound
        self.sum_of_squares = operator("SumOfSquares") if backend.current().kernels else _sum_of_squares
        # Loops over hundreds of gradients would be nested deeper than graphs may be.
        self.for_each = ops.HyperMap()

    def construct(self, gradients: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        total = ops.addn(self.for_each(self.sum_of_squares, gradients))
        # A product, as a division of each takes five times as long on CPU.
        factor = self.bound / ops.maximum(ops.sqrt(total), self.bound)
        return self.for_each(ops.partial(_scale, factor), gradients)


def _sum_of_squares(gradient: Tensor) -> Tensor:
    """Sum of squares, of shape (1,)."""
    return ops.square(gradient).sum().reshape(1)


def _scale(factor: Tensor, gradient: Tensor) -> Tensor:
    return gradient * factor

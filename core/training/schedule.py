"""Learning-rate schedules: one value for each step of a run, known before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from core.options import Options, option


class Shape(Enum):
    """Shapes of the learning rate after the warm-up."""

    constant = "constant"
    cosine = "cosine"
    """Half a cosine from ``lr`` to ``floor`` at the end of the run."""
    restarts = "restarts"
    """Cosine that starts anew every ``period`` steps (SGDR, Loshchilov and Hutter 2017, equation 5)."""
    step = "step"
    """Multiplied by ``gamma`` at each milestone."""


@dataclass
class Schedule(Options):
    """The learning rate over a run."""

    shape: Shape = Shape.constant
    """Shape of the rate after the warm-up; ``period`` and ``milestones`` count from its end."""
    warmup: int = option(0, at_least=0)
    """Steps over which the rate first grows linearly to ``lr``."""
    floor: float = option(0.0, at_least=0)
    """Rate that the cosines fall to."""
    period: int = option(40_000, at_least=1)
    """Steps between restarts."""
    milestones: list[int] = field(default_factory=list)
    """Steps at which ``step`` multiplies the rate."""
    gamma: float = option(0.5, above=0, at_most=1)
    """The factor of ``step``, above 0 and at most 1."""

    def rates(self, lr: float, total_steps: int) -> NDArray[np.float32]:
        """Learning rate of each step, float32 (total_steps,)."""
        steps = np.arange(total_steps, dtype=np.float64)
        after = np.maximum(steps - self.warmup, 0.0)
        rates = self._after_warmup(lr, after, max(total_steps - self.warmup, 1))
        if self.warmup:
            rates = np.where(steps < self.warmup, lr * (steps + 1) / self.warmup, rates)
        return rates.astype(np.float32)

    def _after_warmup(self, lr: float, after: NDArray[np.float64], length: int) -> NDArray[np.float64]:
        if self.shape is Shape.cosine:
            return self.floor + (lr - self.floor) * (1 + np.cos(np.pi * after / length)) / 2
        if self.shape is Shape.restarts:
            position = np.mod(after, self.period) / self.period
            return self.floor + (lr - self.floor) * (1 + np.cos(np.pi * position)) / 2
        if self.shape is Shape.step:
            passed = np.searchsorted(
                np.sort(np.asarray(self.milestones, dtype=np.float64)), after, side="right"
            )
            return lr * np.power(self.gamma, passed)
        return np.full_like(after, lr)

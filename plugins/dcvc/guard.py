"""Stops a training that is lost: DCVC's stages are known to diverge, and its motion to fall silent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mindspore import Tensor
from mindspore.train import Callback, RunContext

from core.errors import MindvideoError
from core.hooks import fetch_period

from .config import DcvcLossConfig

if TYPE_CHECKING:
    from core import Run

GRACE = 200
"""Steps of a stage before it is judged."""
_MEMORY = 0.98
"""Share of the mean so far in a moving mean: that of about 50 steps."""
_GROWTH = 10.0
"""A stage has diverged where its distortion is so many times its least."""
_SILENCE = 1e-4
"""Bits per pixel below which no motion is coded; published codecs spend a hundred times as much."""


class Guard(Callback):
    """Watches moving means of a step's outputs, in each stage anew; raises `MindvideoError` where one is lost.

    Outputs are fetched from the device and judged every ``every`` steps.
    """

    def __init__(self, config: DcvcLossConfig, every: int = 1) -> None:
        self._every = every
        self._pending: list[Sequence[Tensor]] = []
        self._phases = config.phases
        self._stage = ""
        self._steps = 0
        self._means: dict[str, float] = {}
        self._least = math.inf

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Judge the steps since the last time, when it is time."""
        arguments = run_context.original_args()
        self._pending.append(arguments.net_outputs)
        if len(self._pending) < self._every:
            return
        step = arguments.train_network
        first = int(step.steps_done.asnumpy()) - len(self._pending) + 1
        for number, outputs in enumerate(self._pending, first):
            values = (float(value.asnumpy()) for value in outputs)
            self.judge(number, dict(zip(step.outputs, values, strict=True)))
        self._pending.clear()

    def judge(self, step: int, values: dict[str, float]) -> None:
        """Take in the outputs of step number ``step``, counted from 1."""
        stage = self._phases.at(step)
        if stage != self._stage:
            self._stage, self._steps, self._least = stage, 0, math.inf
            self._means = dict(values)
        self._steps += 1
        for name, value in values.items():
            self._means[name] += (1 - _MEMORY) * (value - self._means[name])
        if self._steps < GRACE:
            return
        distortion = "warp_mse" if stage in ("flow", "motion") else next(iter(list(values)[1:]))
        self._least = min(self._least, self._means[distortion])
        if self._means[distortion] > _GROWTH * self._least:
            raise MindvideoError(
                f"the training's stage '{stage}' has diverged at step {step}: {distortion} is "
                f"{self._means[distortion]:.3g} and was {self._least:.3g}. Lower optimizer.lr or raise "
                "loss.rate_ramp; task.resume=true goes on from the last checkpoint."
            )
        if stage in ("motion", "all") and self._means["motion_bpp"] < _SILENCE:
            raise MindvideoError(
                f"the training's stage '{stage}' codes no motion any more at step {step} "
                f"({self._means['motion_bpp']:.1e} bits per pixel): what follows would learn without it. Raise "
                "loss.lmbda or loss.flow_steps, or set loss.guard=false if the clips do not move."
            )


def callbacks(run: Run) -> Iterable[Callback]:
    """The guard of a training by DCVC's loss, unless it is not wanted."""
    loss = run.settings.section("loss")
    if isinstance(loss, DcvcLossConfig) and loss.guard:
        yield Guard(loss, fetch_period(run.device))

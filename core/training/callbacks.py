"""Callbacks of a training: bookkeeping, validation, checkpoints, TensorBoard. Progress is in `progress.py`."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.train import Callback, RunContext
from numpy.typing import NDArray

from core.errors import MindvideoError
from core.training.state import TrainingState

log = logging.getLogger(__name__)


class Bookkeeper(Callback):
    """Counts steps, names the step's outputs, seeds MindSpore's random operators from (seed, step).

    Seeding before every step makes the noise of step n the same whether or not the run was resumed before it. Outputs
    are fetched from the device every ``every`` steps, at multiples of ``also``, and at the end: until then a card need
    not finish a step before the next one is handed to it.
    """

    def __init__(
        self, state: TrainingState, outputs: Sequence[str], every: int = 1, also: Sequence[int] = ()
    ) -> None:
        self._state = state
        self._outputs = outputs
        self._periods = (every, *also)
        self._pending: list[Sequence[Tensor]] = []
        self.fetched: dict[int, dict[str, float]] = {}
        """Outputs that the end of this step brought, by step."""

    def on_train_step_begin(self, run_context: RunContext) -> None:
        """Seed the step."""
        mixed = np.random.SeedSequence([self._state.seed, self._state.step]).generate_state(1)[0]
        ms.set_seed(int(mixed) % (2**31 - 1) + 1)

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Note the step's outputs; stop at the end or when the loss is no number any more."""
        values = run_context.original_args().net_outputs
        self._pending.append(values if isinstance(values, tuple) else (values,))
        state = self._state
        state.step += 1
        is_last = state.step >= state.total_steps
        self.fetched = {}
        if is_last or any(state.step % period == 0 for period in self._periods):
            self._fetch()
        if is_last:
            run_context.request_stop()

    def _fetch(self) -> None:
        first = self._state.step - len(self._pending) + 1
        for step, values in enumerate(self._pending, first):
            losses = {n: float(v.asnumpy()) for n, v in zip(self._outputs, values, strict=True)}
            if not all(math.isfinite(v) for v in losses.values()):
                raise MindvideoError(
                    f"the loss is no longer a finite number at step {step}: "
                    "lower optimizer.lr or set step.clip_norm; task.resume=true goes on from the last checkpoint."
                )
            self.fetched[step] = self._state.losses = losses
        self._pending.clear()


class Validation(Callback):
    """Validates every ``every`` steps and at the end, keeps the best checkpoint, stops when nothing improves.

    Before step ``best_from`` no checkpoint can be the best.
    """

    def __init__(
        self,
        state: TrainingState,
        every: int,
        validate: Callable[[], dict[str, float]],
        score: Callable[[dict[str, float]], float],
        save_best: Callable[[], None],
        patience: int,
        best_from: int = 0,
    ) -> None:
        self._state = state
        self._best_from = min(best_from, state.total_steps)
        self._every = every
        self._validate = validate
        self._score = score
        self._save_best = save_best
        self._patience = patience

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Validate when it is time."""
        state = self._state
        if state.step % self._every and state.step < state.total_steps:
            return
        values = self._validate()
        if state.step < self._best_from:
            state.note(values)
        elif state.judge(values, self._score(values)):
            self._save_best()
        if state.is_over(self._patience) and state.step < state.total_steps:
            log.info("No improvement in %d validations: stopping at step %d.", state.stale, state.step)
            run_context.request_stop()


class KeepLast(Callback):
    """Writes the last checkpoint every ``every`` steps and at the end."""

    def __init__(self, state: TrainingState, every: int, save: Callable[[], None]) -> None:
        self._state = state
        self._every = every
        self._save = save

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Save when it is time."""
        if self._state.step % self._every == 0 or run_context.get_stop_requested():
            self._save()


class Pictures(Protocol):
    """Something that draws what the network does now."""

    def __call__(self) -> Mapping[str, NDArray[np.uint8]]:
        """Pictures by name, (H,W,3)."""
        ...


class TensorBoard(Callback):
    """Losses, learning rate, validation metrics and pictures as TensorBoard files (tensorboardX)."""

    def __init__(
        self,
        state: TrainingState,
        folder: Path,
        rates: NDArray[Any],
        pictures: Pictures | None,
        keeper: Bookkeeper,
    ) -> None:
        from tensorboardX import SummaryWriter

        purge = (
            state.step + 1 if state.step else None
        )  # a resumed run replaces what the killed one wrote later
        self._writer = SummaryWriter(str(folder), purge_step=purge)
        self._state = state
        self._rates = rates
        self._pictures = pictures
        self._keeper = keeper
        self._shown = len(state.history)

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Write the losses that were fetched, and a new validation."""
        state = self._state
        for step, losses in self._keeper.fetched.items():
            for name, value in losses.items():
                self._writer.add_scalar(f"train/{name}", value, step)
            self._writer.add_scalar("train/learning_rate", float(self._rates[step - 1]), step)
        if len(state.history) > self._shown:
            self._shown = len(state.history)
            self._write_validation(state.history[-1])

    def on_train_end(self, run_context: RunContext) -> None:
        """Close the files."""
        self._writer.close()

    def _write_validation(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            if name != "step":
                self._writer.add_scalar(f"validation/{name}", value, self._state.step)
        for name, picture in (self._pictures() if self._pictures else {}).items():
            self._writer.add_image(name, picture, self._state.step, dataformats="HWC")
        self._writer.flush()

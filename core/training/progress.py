"""The training's progress on the screen."""

from __future__ import annotations

import logging

from mindspore.train import Callback, RunContext

from core.progress import Meter
from core.training.state import TrainingState

log = logging.getLogger(__name__)


class ShowProgress(Callback):
    """Steps, rate, losses and time left; each validation as a line that stays.

    MindSpore enters and leaves its callbacks as context managers, however the training ends.
    """

    def __init__(self, state: TrainingState) -> None:
        self._state = state
        self._meter = Meter("Training", state.total_steps, state.step)
        self._shown = len(state.history)

    def __enter__(self) -> ShowProgress:
        log.info("Compiling the training graph (once; the first step takes longer) …")
        self._meter.__enter__()
        return self

    def __exit__(self, *raised: object) -> None:
        self._meter.__exit__(*raised)

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Advance."""
        state = self._state
        self._meter.advance(" ".join(f"{name} {value:.4f}" for name, value in state.losses.items()))
        if len(state.history) > self._shown:
            self._shown = len(state.history)
            values = ", ".join(f"{k} {v:.4g}" for k, v in state.history[-1].items() if k != "step")
            best = " (best so far)" if state.best_step == state.step else ""
            log.info("Validation at step %d: %s%s", state.step, values, best)

"""Bookkeeping, validation and early stopping, without a network."""

from types import SimpleNamespace

import numpy as np
import pytest
from mindspore import Tensor

from core.errors import MindvideoError
from core.training.callbacks import Bookkeeper, KeepLast, Validation
from core.training.state import TrainingState


class Context:
    """What MindSpore hands to callbacks."""

    def __init__(self, *outputs: float) -> None:
        self.outputs = tuple(Tensor(np.float32(value)) for value in outputs)
        self.stopped = False

    def original_args(self) -> SimpleNamespace:
        return SimpleNamespace(net_outputs=self.outputs)

    def request_stop(self) -> None:
        self.stopped = True

    def get_stop_requested(self) -> bool:
        return self.stopped


def state(total: int = 100) -> TrainingState:
    return TrainingState(total_steps=total, steps_per_epoch=10, seed=0)


def test_outputs_are_named_and_the_last_step_stops() -> None:
    progress = state(total=2)
    keeper = Bookkeeper(progress, ("loss", "rate"))
    contexts = [Context(0.5, 3.0), Context(0.25, 2.0)]
    for context in contexts:
        keeper.on_train_step_end(context)
    assert progress.losses == {"loss": 0.25, "rate": 2.0}
    assert [context.stopped for context in contexts] == [False, True]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_the_run_in_one_sentence(value: float) -> None:
    with pytest.raises(MindvideoError, match=r"no longer a finite number at step 1: lower optimizer\.lr"):
        Bookkeeper(state(), ("loss",)).on_train_step_end(Context(value))


def test_losses_are_fetched_in_time() -> None:
    """Every third step, where a validation is due (4), and at the end (7); a bad one is named by its own step."""
    progress = state(total=7)
    keeper = Bookkeeper(progress, ("loss",), every=3, also=(4,))
    brought = []
    for step in range(1, 8):
        keeper.on_train_step_end(Context(float(step)))
        brought.append(sorted(keeper.fetched))
    assert brought == [[], [], [1, 2, 3], [4], [], [5, 6], [7]]
    assert progress.losses == {"loss": 7.0}
    keeper = Bookkeeper(state(), ("loss",), every=3)
    for value in (1.0, float("nan")):
        keeper.on_train_step_end(Context(value))
    with pytest.raises(MindvideoError, match="no longer a finite number at step 2"):
        keeper.on_train_step_end(Context(1.0))


def test_training_stops_when_nothing_improves() -> None:
    progress = state()
    scores = iter([1.0, 3.0, 2.0, 3.0, 9.0])
    best: list[int] = []
    validation = Validation(
        progress,
        every=5,
        validate=lambda: {"psnr_st": next(scores)},
        score=lambda values: values["psnr_st"],
        save_best=lambda: best.append(progress.step),
        patience=2,
    )
    context = Context()
    while not context.stopped:
        progress.step += 1
        validation.on_train_step_end(context)
    assert progress.step == 20
    assert best == [5, 10]
    assert (progress.best, progress.best_step, progress.stale) == (3.0, 10, 2)
    assert progress.is_over(patience=2)
    assert not progress.is_over(patience=0)
    assert [entry["step"] for entry in progress.history] == [5, 10, 15, 20]


def test_a_checkpoint_before_its_time_is_never_the_best() -> None:
    """Beyond the last step stands for the last step."""
    for best_from, expected in ((10, [10, 20]), (99, [20])):
        progress, best = state(total=20), []
        scores = iter([9.0, 1.0, 0.0, 3.0])
        validation = Validation(
            progress,
            every=5,
            validate=lambda scores=scores: {"loss": next(scores)},
            score=lambda values: values["loss"],
            save_best=lambda best=best, progress=progress: best.append(progress.step),
            patience=1,
            best_from=best_from,
        )
        for progress.step in (5, 10, 15, 20):
            validation.on_train_step_end(Context())
        assert best == expected
        assert [entry["step"] for entry in progress.history] == [5, 10, 15, 20]


def test_the_last_checkpoint_is_written_in_time_and_at_the_end() -> None:
    progress, saved = state(), []
    keeper = KeepLast(progress, 3, lambda: saved.append(progress.step))
    context = Context()
    for step in range(1, 8):
        progress.step = step
        context.stopped = step == 7
        keeper.on_train_step_end(context)
    assert saved == [3, 6, 7]

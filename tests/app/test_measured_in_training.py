"""What a training measures now and then, and what it asks for before it begins since its end needs it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import core
from core.errors import ConfigError
from core.tasks import train
from core.tasks.validation import Validator


class Levels:
    """Clip ``index`` is one number: its index."""

    columns = ("frames",)

    def __len__(self) -> int:
        return 5

    def clip(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray]:
        return (np.float32([index]),)


class Mean:
    """An objective: the mean of a batch, and its square."""

    def set_train(self, mode: bool) -> Mean:
        return self

    def __call__(self, frames: Any) -> tuple[Any, Any]:
        mean = frames.mean()
        return mean, mean * mean


def test_the_validation_loss_is_a_mean_over_clips() -> None:
    """The last batch has one clip of five; it counts a fifth, not a half."""
    settings = SimpleNamespace(
        loader=SimpleNamespace(batch_size=4, workers=1), seed=0, upscaler=None, metric={}
    )
    run: Any = SimpleNamespace(
        settings=settings,
        source=lambda split: Levels(),
        metrics=dict,
        device=SimpleNamespace(target="CPU"),
    )
    step: Any = SimpleNamespace(network=Mean(), outputs=("loss", "square"))
    values = Validator(run, step.network, step, 0).validate()
    assert values == pytest.approx({"loss": 2.0, "square": (4 * 1.5**2 + 4**2) / 5})


def test_what_the_end_needs_is_asked_for_while_composing() -> None:
    with pytest.raises(ConfigError, match=r"intra\.checkpoint has no value: give it as intra\.checkpoint="):
        core.open_run(["experiment=dvc_demo", "intra=cheng2020"])
    with pytest.raises(ConfigError, match=r"task=train needs intra="):
        core.open_run(["experiment=dvc_demo", "~intra"])
    assert (
        core.open_run(["experiment=ssfvc_demo", "intra=cheng2020"]).settings.intra is None
    )  # it has no use for it


def test_what_a_codec_within_a_codec_needs_is_asked_for_too() -> None:
    words = ["experiment=none", "task=measure", "codec=resampled", "intra=cheng2020"]
    with pytest.raises(ConfigError, match=r"intra\.checkpoint has no value"):
        core.open_run([*words, "codec.inner=dvc"])
    assert core.open_run([*words, "codec.inner=x264"]).settings.model is None


def test_a_network_is_asked_for_where_what_is_chosen_needs_one() -> None:
    for words in (["codec=dvc"], ["upscaler=cycmunet"]):
        with pytest.raises(ConfigError, match="task=measure needs model=…"):
            core.open_run(["experiment=none", "task=measure", *words])
    core.open_run(["experiment=none", "task=measure", "codec=x264"])
    core.open_run(["experiment=none", "task=measure", "upscaler=floor"])


@pytest.mark.parametrize("beside", ["", "dvc_demo"])
def test_a_part_that_is_not_there_is_told_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: str
) -> None:
    monkeypatch.setattr(train, "Training", lambda *of: pytest.fail("it trains"))
    words = ["experiment=dvc_demo", "intra=cheng2020", "intra.checkpoint=lost.safetensors"]
    run = core.open_run([*words, f"training.beside=[{beside}]"], output=tmp_path)
    with pytest.raises(ConfigError, match=r"there is no checkpoint lost\.safetensors"):
        run.execute()


def test_an_upscaler_is_not_loaded_for_what_was_measured_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.selection import UpscalerSelection, upscaler_of
    from core.tasks.measure import measure_upscaler

    words = ["experiment=none", "task=measure", "upscaler=floor", "dataset=clips", "dataset.scale=2"]
    words += ["dataset.evaluation_crop=64", "dataset.limit=1", f"task.cache={tmp_path}"]
    run = core.open_run(words)
    first = measure_upscaler(run.settings.task, upscaler_of(run))
    monkeypatch.setattr(UpscalerSelection, "build", lambda self: pytest.fail("it is loaded"))
    second = measure_upscaler(run.settings.task, upscaler_of(run))
    assert (first.cached, second.cached, second.scale) == (0, 1, 2) and first.clips == second.clips

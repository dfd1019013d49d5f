"""``task=evaluate``: measures a trained network on held-out clips, beside the floors; table, JSON and pictures."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.config import entry_section
from core.files import write_json
from core.hooks import Split, TaskEntry, Upscaler
from core.progress import Meter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.run import Run
    from core.upscaling.evaluate import Evaluation

log = logging.getLogger(__name__)


@dataclass
class EvaluateConfig:
    """Measure a trained network on held-out clips, beside simple floors."""

    checkpoint: str | None = None
    """Checkpoint to measure; none measures fresh weights (the settings' ``weights``, where given)."""
    split: Split = Split.TEST
    """Part of the data set."""
    pictures: int = 2
    """Clips to draw."""

    def __post_init__(self) -> None:
        if self.pictures < 0:
            raise ValueError(f"pictures={self.pictures} is negative.")


def _evaluate(config: EvaluateConfig, run: Run) -> float | None:
    if not config.checkpoint:
        log.warning("No task.checkpoint is given: measuring %s.", run.settings.weights or "untrained weights")
    network = run.model(config.checkpoint)
    evaluation = evaluate_upscaler(run, run.upscaler(network), config.split, config.pictures)
    report(run, evaluation, config.split)
    return next(iter(evaluation.ours().values()), None)


def evaluate_upscaler(run: Run, upscaler: Upscaler, split: Split, pictures: int) -> Evaluation:
    """Measure an upscaler on a split, with progress."""
    from core.upscaling.evaluate import evaluate

    source = run.source(split)
    with Meter(f"Evaluating ({split.value})", len(source)) as meter:
        return evaluate(
            upscaler,
            source,
            run.metrics(),
            seed=run.settings.seed,
            keep=pictures,
            seen=meter.advance,
        )


def report(run: Run, evaluation: Evaluation, split: Split) -> None:
    """Print the table and write ``evaluation.json`` and the pictures into the run's folder."""
    from core.report.pictures import save_picture
    from core.report.tables import print_evaluation

    print_evaluation(evaluation, f"{evaluation.clips} clips of split '{split.value}', mean over frames")
    conditions = {name: entry_section(section) for name, section in run.settings.metric.items()}
    rows = [{"task": r.task.value, "method": r.method, **r.values} for r in evaluation.rows]
    record = {"split": split.value, "clips": evaluation.clips, "rows": rows, "metrics": conditions}
    write_json(run.output / "evaluation.json", record)
    for name, picture in draw(evaluation).items():
        path = run.output / "pictures" / f"{name}.png"
        save_picture(picture, path)
        log.info("Picture: %s", path)


def draw(evaluation: Evaluation) -> dict[str, NDArray[np.uint8]]:
    """One comparison picture for each kept clip, by name; the detail is where ours differs most from the floor."""
    from core.report.pictures import comparison

    return {
        f"comparison_{index}": comparison(
            [
                ("low resolution, frame 0", example.low),
                ("bicubic + blend, frame 1", example.floor),
                ("ours, frame 1", example.ours),
                ("truth, frame 1", example.truth),
            ],
            abs(example.ours - example.floor).mean(axis=0),
        )
        for index, example in enumerate(evaluation.examples)
    }


EVALUATE = TaskEntry("evaluate", EvaluateConfig, _evaluate, needs=("model", "dataset", "upscaler", "device"))

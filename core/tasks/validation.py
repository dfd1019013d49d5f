"""Measures a training now and then on held-out clips: quality through its upscaler, else its loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.hooks import Split

if TYPE_CHECKING:
    import numpy as np
    from mindspore import nn
    from numpy.typing import NDArray

    from core.hooks import ClipSource
    from core.run import Run


class Validator:
    """Measures the network in training: through its upscaler where it has one, else by its objective in evaluation."""

    def __init__(self, run: Run, network: nn.Cell, step: nn.TrainOneStepCell, pictures: int) -> None:
        self._run = run
        self._keep = pictures
        self._step = step
        self._source: ClipSource = run.source(Split.VALIDATION)
        self._metrics = run.metrics()
        self.upscaler = run.upscaler(network) if run.settings.upscaler is not None else None
        self._pictures: Mapping[str, NDArray[np.uint8]] = {}

    def validate(self) -> dict[str, float]:
        """Values by name."""
        return self._loss() if self.upscaler is None else self._quality()

    def pictures(self) -> Mapping[str, NDArray[np.uint8]]:
        """The pictures of the last validation."""
        return self._pictures

    def _quality(self) -> dict[str, float]:
        from core.measure.evaluation import evaluate_upscaler
        from core.report.evaluation import draw_examples

        assert self.upscaler is not None
        evaluation = evaluate_upscaler(
            self.upscaler, self._source, self._metrics, seed=self._run.settings.seed, pictures=self._keep
        )
        self._pictures = draw_examples(evaluation.examples)
        return evaluation.ours()

    def _loss(self) -> dict[str, float]:
        import numpy as np

        from core.data.loader import loader
        from core.training.step import output_names

        batch_size = self._run.settings.loader.batch_size
        if self._run.device.target != "CPU":
            batch_size = even_batch(len(self._source), batch_size)
        batches = loader(
            self._source,
            batch_size=batch_size,
            seed=self._run.settings.seed,
            workers=self._run.settings.loader.workers,
            steps=None,
            shuffle=False,
        )
        names = output_names(self._step)
        objective = self._step.network.set_train(False)
        measured, clips = [], []
        for columns in batches.create_tuple_iterator(num_epochs=1):
            values = objective(*columns)
            values = values if isinstance(values, tuple) else (values,)
            measured.append([float(value.asnumpy()) for value in values])
            clips.append(len(columns[0]))
        objective.set_train(True)
        means = np.average(measured, axis=0, weights=clips)  # the last batch may be smaller
        return dict(zip(names, means.tolist(), strict=False))


def even_batch(clips: int, most: int) -> int:
    """The largest batch, of ``most`` clips at most, that leaves none over: a card compiles each shape for minutes."""
    return max(size for size in range(1, most + 1) if clips % size == 0)

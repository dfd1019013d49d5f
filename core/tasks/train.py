"""``task=train``: trains a network through ``mindspore.train.Model``, resumably, then measures what it learned."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from core import identity
from core.config import compose_settings
from core.errors import CheckpointError, ConfigError, RecordError
from core.facts import changes
from core.files import remove_leftovers, write_json
from core.hooks import KnowsRates, Split, TaskEntry, fetch_period
from core.locks import LOCK, Lock
from core.records import parse_json
from core.run import Run, is_first_process
from core.selection import codec_of
from core.tasks.validation import Validator

if TYPE_CHECKING:
    import numpy as np
    from mindspore.train import Callback
    from numpy.typing import NDArray

    from core.coding.codec import LoadedCodec
    from core.training.averaging import WeightAverage

log = logging.getLogger(__name__)

CONDITIONS = ("device", "dataset", "loader", "metric", "seed", "training")
"""Sections of the command line that hold for experiments trained beside as well."""


@dataclass
class TrainConfig:
    """Train a network, then measure it on held-out clips; the recipe is the section ``training``."""

    resume: bool = False
    """Go on from the last checkpoint in the run's folder (``output=FOLDER``; by default the latest run)."""
    changed: bool = False
    """Go on even if options differ from those that the training began with; from then on, these are its own."""
    evaluate: bool = True
    """Measure the best checkpoint on the test split at the end."""


def _train(config: TrainConfig, run: Run) -> float | None:
    if not is_first_process():
        return _train_and_compare(config, run)
    run.output.mkdir(parents=True, exist_ok=True)
    with Lock(
        run.output / LOCK,
        f"{run.output} is in use: another training is writing to it; give another output=….",
    ):
        return _train_and_compare(config, run)


def _train_and_compare(config: TrainConfig, run: Run) -> float | None:
    others = {name: _run_beside(run, name) for name in run.settings.training.beside}
    if config.evaluate:
        for one in (run, *others.values()):
            _require_parts(one)
    for name, other in others.items():
        log.info("First, to be shown beside: experiment %s", name)
        _train(TrainConfig(resume=config.resume, changed=config.changed, evaluate=False), other)
    training = Training(config, run)
    score = training.execute()
    if run.is_rank_zero and run.settings.codec is not None:
        training.write_tables()
    if run.is_rank_zero and config.evaluate:
        training.measure_best({name: other.codec(best_path(other)) for name, other in others.items()})
    return score


def _require_parts(run: Run) -> None:
    """Raise `ConfigError` where the codec that is to be measured at the end lacks parts beside its network."""
    if run.settings.codec is not None and (missing := codec_of(run).missing_parts()):
        raise ConfigError(missing)


def _run_beside(run: Run, name: str) -> Run:
    """The run of an experiment under what the command line says of the conditions."""
    shared = [word for word in run.overrides if re.split(r"[.=]", word.lstrip("+~"))[0] in CONDITIONS]
    words = [f"experiment={name}", *shared, "training.beside=[]"]
    settings = compose_settings(words, run.registry)
    if settings.codec is None or run.settings.codec is None:
        raise ConfigError(f"training.beside={name} compares codecs: both experiments must have one.")
    return Run(settings, run.registry, run.output / name, words)


def facts_path(run: Run) -> Path:
    """The file of the settings that the training in a run's folder was begun with."""
    return run.shared_output / "checkpoints" / "facts.json"


def last_path(run: Run) -> Path:
    """The checkpoint that a resumed training goes on from."""
    return run.shared_output / "checkpoints" / "last.safetensors"


def best_path(run: Run) -> Path:
    """The checkpoint with the best validation score."""
    return run.shared_output / "checkpoints" / "best.safetensors"


class Training:
    """One training: the step cell, its state and its callbacks."""

    def __init__(self, config: TrainConfig, run: Run) -> None:
        from core.data.loader import steps_per_epoch
        from core.training.state import TrainingState

        self.run = run
        self.resume, self.changed = config.resume, config.changed
        self.facts = identity.training(run)
        self.recipe = recipe = run.settings.training
        if recipe.steps is None and recipe.epochs is None:
            raise ConfigError("how long to train is not set: give training.steps=… or training.epochs=….")
        if not self.resume and last_path(run).exists():
            raise ConfigError(
                f"{run.shared_output} holds a training already: go on with task.resume=true, or give another output=…."
            )
        self._require_same_options()
        device = run.device
        self.source = run.source(Split.TRAIN)
        per_epoch = steps_per_epoch(self.source, run.settings.loader.batch_size, device.world)
        total = recipe.steps or (recipe.epochs or 0) * per_epoch
        self.state = TrainingState(total, per_epoch, run.settings.seed)
        self.network = run.model()
        self.step = run.step(self.network, total)
        self.rates = _learning_rates(run, total)
        self.validator = Validator(run, self.network, self.step, recipe.pictures)
        self.average: WeightAverage | None = None
        if recipe.average:
            from core.training.averaging import WeightAverage

            self.average = WeightAverage(self.network, recipe.average, self.state)

    def execute(self) -> float | None:
        """Train to the end; returns the best validation score."""
        from mindspore.train import Model

        from core.data.loader import clear_data_errors

        if self.resume:
            self._resume()
        if self.run.is_rank_zero:
            self._begin()
        if not self.state.is_over(self.recipe.patience):
            self._announce()
            loader = self.run.training_loader(self.source, self.state.step, self.state.total_steps)
            with clear_data_errors():
                Model(self.step).train(1, loader, callbacks=self._callbacks(), dataset_sink_mode=False)
        if self.run.is_rank_zero:
            write_json(self.run.output / "metrics.json", self.state.record())
        return self.state.best

    def write_tables(self) -> None:
        """Give the checkpoints of a codec the integer tables that they code with, where they have none yet."""
        from core.training.checkpoint import TABLES

        codec = codec_of(self.run)
        for path in (last_path(self.run), best_path(self.run)):
            checkpoint = self.run.checkpoint(path)
            if codec.entry.tables and not checkpoint.part(TABLES):
                checkpoint.load_into(self.network)
                checkpoint.with_tables(codec.tables_of(self.network)).save()

    def measure_best(self, others: Mapping[str, LoadedCodec]) -> None:
        """Measure the best checkpoint on the test split, through its codec or its upscaler, where it has one.

        ``others`` are codecs to measure beside it.
        """
        from core.tasks.evaluate import EvaluateConfig, evaluate_codec, evaluate_upscaler
        from core.training.checkpoint import load_weights

        path, config = best_path(self.run), EvaluateConfig(pictures=self.recipe.pictures)
        if self.run.settings.codec is not None:
            if config.anchor not in self.run.registry.names("codec"):
                log.warning(
                    "There is no codec '%s' to measure beside: its plugin is not active.", config.anchor
                )
                config.anchor = None
            evaluate_codec(self.run, self.run.codec(path), config, others)
        elif self.validator.upscaler is not None:
            load_weights(self.network, path, self.run.model_section, self.run.model_defaults)
            evaluate_upscaler(self.run, self.validator.upscaler, config)
        log.info("Best checkpoint: %s", path)

    def _announce(self) -> None:
        parameters = sum(p.size for p in self.network.trainable_params())
        log.info(
            "Training %s: %s parameters, steps %d to %d, batches of %d from %d clips; output: %s",
            self.run.model_section["model"],
            f"{parameters:,}",
            self.state.step + 1,
            self.state.total_steps,
            self.run.settings.loader.batch_size * self.run.device.world,
            len(self.source),
            self.run.output,
        )

    def _callbacks(self) -> list[Callback]:
        from core.training.callbacks import Bookkeeper, KeepLast, TensorBoard, Validation
        from core.training.progress import ShowProgress
        from core.training.step import output_names

        state, recipe = self.state, self.recipe
        outputs = output_names(self.step)
        validation = Validation(
            state,
            recipe.validate_every,
            self._validate,
            self._score,
            self._save_best,
            recipe.patience,
            recipe.best_from,
        )
        periods = recipe.validate_every, recipe.checkpoint_every
        keeper = Bookkeeper(state, outputs, fetch_period(self.run.device), periods)
        averaging = [self.average] if self.average else []
        callbacks = [keeper, *averaging, validation, *self.run.callbacks()]
        if not self.run.is_rank_zero:
            return callbacks
        board = TensorBoard(
            state, self.run.output / "tensorboard", self.rates, self.validator.pictures, keeper
        )
        last = KeepLast(state, recipe.checkpoint_every, self._save_last)
        return [*callbacks, board, last, ShowProgress(state)]

    def _score(self, values: dict[str, float]) -> float:
        """The value that decides which checkpoint is best, signed so that higher is better."""
        if self.run.settings.upscaler is None:
            return -values["loss"]
        if self.recipe.score not in values:
            raise ConfigError(
                f"training.score={self.recipe.score} is not measured (known: {', '.join(values)})."
            )
        metric = self.recipe.score.rpartition("_")[0]
        return values[self.recipe.score] * (1 if self.run.higher_is_better(metric) else -1)

    def _validate(self) -> dict[str, float]:
        with self._averaged():
            return self.validator.validate()

    def _save_last(self) -> None:
        self._save(last_path(self.run), self.average.tensors() if self.average else {})

    def _save_best(self) -> None:
        if self.run.is_rank_zero:
            with self._averaged():
                self._save(best_path(self.run))

    def _averaged(self) -> AbstractContextManager[None]:
        """The network with the mean of its weights, where that is kept."""
        return self.average.applied() if self.average else nullcontext()

    def _begin(self) -> None:
        """Note what the training is made with, and take away what a killed one did not finish writing."""
        facts_path(self.run).parent.mkdir(parents=True, exist_ok=True)
        for path in (last_path(self.run), best_path(self.run), facts_path(self.run)):
            remove_leftovers(path)
        write_json(facts_path(self.run), self.facts)

    def _save(self, path: Path, more: Mapping[str, NDArray[Any]] = MappingProxyType({})) -> None:
        from safetensors import SafetensorError

        from core.training.checkpoint import MODEL, STATE, Checkpoint, tensors_of

        model = tensors_of(self.network, MODEL)
        names = frozenset(name.removeprefix(MODEL) for name in model)
        tensors = {**model, **tensors_of(self.step, STATE, without=names), **more}
        run = self.run
        try:
            record = self.state.record()
            Checkpoint(path, tensors, run.model_section, run.model_plugin, record, run.made_for).save()
        except (OSError, SafetensorError) as error:
            raise CheckpointError(
                f"{path} cannot be written: {getattr(error, 'strerror', None) or error}; the one before it stays, and "
                "task.resume=true goes on from there."
            ) from error

    def _resume(self) -> None:
        from core.training.averaging import AVERAGE
        from core.training.checkpoint import MODEL, STATE, assign

        path = last_path(self.run)
        if not path.exists():
            log.info("No checkpoint in %s yet: starting from the beginning.", path.parent)
            return
        checkpoint = self.run.checkpoint(path)
        self._require_same_run(checkpoint.training, path)
        tensors = {**checkpoint.part(MODEL), **checkpoint.part(STATE)}
        assign(self.step, tensors, path)
        if self.average:
            self.average.restore(checkpoint.part(AVERAGE))
        try:
            self.state.restore(checkpoint.training)
        except RecordError as error:
            raise CheckpointError(
                f"{path} is damaged: its training's record is unreadable ({error})."
            ) from None
        log.info("Resuming %s at step %d.", path, self.state.step)

    def _require_same_options(self) -> None:
        """Refuse to go on with other options than those of the beginning, unless that is asked for."""
        if not (self.resume and last_path(self.run).exists() and facts_path(self.run).exists()):
            return
        try:
            before = parse_json(facts_path(self.run).read_bytes())
        except (OSError, RecordError):
            before = None
        changed = changes(before, self.facts)
        if changed and not self.changed:
            raise ConfigError(
                f"the training in {self.run.shared_output} was begun otherwise ({changed}): resume with its own "
                "words, which are in .hydra/overrides.yaml there, or go on with these by task.changed=true."
            )
        if changed:
            log.warning("From here on the training is another one: %s.", changed)

    def _require_same_run(self, record: Mapping[str, object], path: Path) -> None:
        for name in ("seed", "total_steps", "steps_per_epoch"):
            now = getattr(self.state, name)
            if record.get(name) != now:
                raise CheckpointError(
                    f"{path} is of a run with {name.replace('_', ' ')} {record.get(name)}, the settings give {now}: "
                    "resume with the run's own settings, or start from its weights with weights=… output=…."
                )


def _learning_rates(run: Run, total: int) -> NDArray[np.float32]:
    import numpy as np

    optimizer = run.settings.optimizer
    rates = optimizer.rates(total) if isinstance(optimizer, KnowsRates) else np.full(total, np.nan)
    return np.asarray(rates, dtype=np.float32)


TRAIN = TaskEntry(
    "train",
    TrainConfig,
    _train,
    needs=("model", "dataset", "optimizer", "step", "device"),
    takes=("loss", "codec", "upscaler"),
    resumes="The same command with output={output} task.resume=true goes on from the last checkpoint.",
    positional=("experiment",),
)

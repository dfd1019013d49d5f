"""One execution of one task: its settings, output folder and rank, and the parts it builds from them."""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from omegaconf import OmegaConf

from core import __version__, hooks, selection
from core.backend import PORTABLE, Backend
from core.config import entry_section
from core.errors import ConfigError
from core.files import write_json
from core.hooks import Threaded
from core.media.limits import Limits
from core.registry import Registry
from core.settings import Runtime, Settings
from core.words import path_options

if TYPE_CHECKING:
    import mindspore.dataset
    from mindspore import nn
    from mindspore.train import Callback, Metric

    from core.codec.intra import NamedIntraCodec
    from core.coding.codec import LoadedCodec
    from core.export.session import OnnxRuntime
    from core.training.checkpoint import Checkpoint

log = logging.getLogger(__name__)

MADE_FOR = ("codec", "upscaler", "dataset")
"""Kinds that a checkpoint tells, beside its model."""

E = TypeVar("E", bound=hooks.Entry[Any])


class Run:
    """Settings, registry and output folder of one execution; each part is built when it is asked for."""

    def __init__(
        self, settings: Settings, registry: Registry, output: Path, overrides: Sequence[str] = ()
    ) -> None:
        self.settings = settings
        self.registry = registry
        self.output = output
        self.overrides = list(overrides)
        """The words of the command line that made this run."""

    def execute(self) -> float | None:
        """Run the chosen task; returns its score, if it has one."""
        self._record_plugins()
        return self.entry("task", hooks.TaskEntry).build(self.settings.task, self)

    @cached_property
    def device(self) -> hooks.Device:
        """The device, its context set and the seeds with it. Every part asks for it before MindSpore is used."""
        device = self.entry("device", hooks.DeviceEntry).build(self.settings.device)
        self._seed()
        log.info("Device: %s", device.description)
        return device

    @cached_property
    def backend(self) -> Backend:
        """What the parts compute with that this run builds: each is built ``with run.backend:``."""
        own: Backend = getattr(self.device, "backend", Backend())
        if self.settings.runtime is Runtime.mindspore:
            return own
        return replace(PORTABLE, runtime=self._onnxruntime())

    @property
    def inferring(self) -> Backend:
        """The backend of what is run and not trained."""
        low = getattr(self.device, "inferring_low", None)
        if low is None or self.settings.runtime is not Runtime.mindspore:
            return self.backend
        return replace(self.backend, low=low)

    @property
    def resumes(self) -> str:
        """A sentence on how the task goes on after it was stopped."""
        task = self.entry("task", hooks.TaskEntry)
        return task.resumes.format(output=shlex.quote(str(self.shared_output)))

    @property
    def limits(self) -> Limits:
        """Limits of a source and an output."""
        return Limits(**vars(self.settings.limits))

    @property
    def shared_output(self) -> Path:
        """The folder of the whole run; processes that do not lead have a folder of their own in it."""
        return self.output if is_first_process() else self.output.parent

    @property
    def is_rank_zero(self) -> bool:
        """Whether this process writes files and logs."""
        return self.device.rank == 0

    def entry(self, kind: str, record: type[E]) -> E:
        """The entry chosen for a kind; raises `ConfigError` when none is."""
        section = self.settings.section(kind)
        entry = self.registry.entry_of(kind, type(section)) if section is not None else None
        if entry is None:
            known = ", ".join(self.registry.names(kind)) or "none"
            raise ConfigError(f"no {kind} is chosen: give {kind}=… or an experiment=… (known: {known}).")
        return cast(E, entry)

    def model(self, weights: str | Path | None = None, backend: Backend | None = None) -> nn.Cell:
        """The network, with weights of a checkpoint (else ``settings.weights``, else fresh ones).

        It computes with ``backend``, by default the run's own.
        """
        from core.training.checkpoint import load_weights

        with backend or self.backend:
            network = self.entry("model", hooks.ModelEntry).build(self.settings.model)
        source = weights or self.settings.weights
        if source:
            load_weights(network, Path(source), self.model_section, self.model_defaults)
        return network

    def network_of(self, checkpoint: Checkpoint) -> nn.Cell:
        """The network that a checkpoint holds, whatever model the settings choose."""
        name = str(checkpoint.model_section["model"])
        entry = cast(hooks.ModelEntry[Any], self.registry.find("model", name))
        options = checkpoint.options(name, entry.config)
        with self.inferring:
            network = entry.build(options)
        checkpoint.load_into(network)
        return network

    @property
    def model_section(self) -> dict[str, Any]:
        """Name and options of the model as plain data: what a checkpoint is compared with."""
        entry = self.entry("model", hooks.ModelEntry)
        return {"model": entry.name, **entry_section(self.settings.model)}

    @property
    def model_defaults(self) -> dict[str, Any]:
        """The defaults of the model's options: what a checkpoint that is older than an option has for it."""
        return entry_section(self.entry("model", hooks.ModelEntry).config)

    @property
    def made_for(self) -> dict[str, dict[str, Any]]:
        """What a checkpoint says that its network was trained for: codec, upscaler and data set, but no paths."""
        chosen = [kind for kind in MADE_FOR if self.settings.section(kind) is not None]
        return {kind: self._portable(kind) for kind in chosen}

    def _portable(self, kind: str) -> dict[str, Any]:
        section = self.settings.section(kind)
        here = dict(path_options(type(section)))
        options = {name: value for name, value in entry_section(section).items() if name not in here}
        return {kind: self.entry(kind, hooks.KINDS[kind]).name, **options}

    @property
    def model_plugin(self) -> dict[str, str]:
        """Name and version of the plugin that offers the model."""
        plugin = self.registry.owner("model", self.entry("model", hooks.ModelEntry).name)
        assert plugin is not None
        return {"name": plugin.name, "distribution": plugin.distribution, "version": plugin.version}

    def loss(self) -> nn.Cell | None:
        """The training loss, or None where the step brings its own."""
        if self.settings.loss is None:
            return None
        with self.backend:
            return self.entry("loss", hooks.LossEntry).build(self.settings.loss)

    def step(self, network: nn.Cell, total_steps: int) -> nn.TrainOneStepCell:
        """The training step over a network, with loss and optimizer for a run of ``total_steps``."""
        if self.settings.runtime is not Runtime.mindspore:
            raise ConfigError(
                f"runtime={self.settings.runtime.value} does not train: leave it out for a training."
            )
        optimizer = self.entry("optimizer", hooks.OptimizerEntry)
        step = self.entry("step", hooks.StepEntry)
        own = {id(p) for p in step.own_parameters(network)} if step.own_parameters else set()
        rest = [p for p in network.trainable_params() if id(p) not in own]
        with self.backend:
            built = optimizer.build(self.settings.optimizer, rest, total_steps)
            return step.build(self.settings.step, network, self.loss(), built)

    def source(self, split: hooks.Split) -> hooks.ClipSource:
        """The clips of one split of the data set."""
        return self.entry("dataset", hooks.DatasetEntry).build(self.settings.dataset, split)

    def training_loader(
        self, source: hooks.ClipSource, start_step: int, steps: int
    ) -> mindspore.dataset.Dataset:
        """Batches of steps ``start_step`` to ``steps``, in an order that only the seed decides."""
        device = self.device  # before MindSpore is imported
        from core.data.loader import loader

        return loader(
            source,
            batch_size=self.settings.loader.batch_size,
            seed=self.settings.seed,
            workers=self.settings.loader.workers,
            processes=self.settings.loader.processes,
            rank=device.rank,
            world=device.world,
            start_step=start_step,
            steps=steps,
        )

    def metrics(self) -> dict[str, Metric]:
        """The chosen metrics by name; networks among them are of MindSpore's own operators, whatever the run's are."""
        built = {}
        for name, section in self.settings.metric.items():
            entry = cast(hooks.MetricEntry[Any], self.registry.find("metric", name))
            built[name] = entry.build(section)
        return built

    def higher_is_better(self, metric: str) -> bool:
        """Whether a metric grows with quality."""
        return cast(hooks.MetricEntry[Any], self.registry.find("metric", metric)).higher_is_better

    def upscaler(self, network: nn.Cell) -> hooks.Upscaler:
        """The upscaler over a network."""
        with self.inferring:
            return self.entry("upscaler", hooks.UpscalerEntry).build(self.settings.upscaler, network)

    def trained_upscaler(self, weights: str | Path | None = None) -> hooks.Upscaler:
        """The upscaler with weights as of `model`; one that was not learned needs none."""
        return selection.upscaler_of(self, weights).build()

    def codec(self, weights: str | Path | None = None, streams: bool = False) -> LoadedCodec:
        """The codec of a checkpoint (else of ``settings.weights``), with the tables that came with it.

        ``streams`` are whole ones, which can be kept to a bitrate.
        """
        return selection.codec_of(self, weights).load(streams)

    def intra(self) -> NamedIntraCodec:
        """The picture codec of intra frames; it decodes those of the others as well, where they need no options."""
        from core.codec.intra import NamedIntraCodec

        chosen = self.entry("intra", hooks.IntraEntry)
        with self.backend:
            codec = chosen.build(self.settings.intra)
        others = {name: partial(self._default_intra, name) for name in self.registry.names("intra")}
        return NamedIntraCodec(chosen.name, codec, others)

    def _default_intra(self, name: str) -> hooks.IntraCodec:
        entry = cast(hooks.IntraEntry[Any], self.registry.find("intra", name))
        missing = OmegaConf.missing_keys(OmegaConf.structured(entry.config))
        if missing:
            options = " ".join(f"intra.{key}=…" for key in sorted(missing))
            raise ConfigError(f"give intra={name} {options}, as for encoding.")
        with self.backend:
            return entry.build(entry.config())

    def callbacks(self) -> list[Callback]:
        """The callbacks that plugins add to a training."""
        return [callback for made in self.registry.manager.hook.callbacks(run=self) for callback in made]

    def checkpoint(self, path: str | Path) -> Checkpoint:
        """Open a checkpoint of this run's model; raises `CheckpointError` when it belongs to another."""
        from core.training.checkpoint import Checkpoint

        checkpoint = Checkpoint.open(Path(path))
        checkpoint.require_model(self.model_section, self.model_defaults)
        return checkpoint

    def _onnxruntime(self) -> OnnxRuntime:
        if find_spec("onnxruntime") is None or find_spec("onnx") is None:
            raise ConfigError("runtime=onnxruntime needs the extra onnx: pip install 'mindvideo[onnx]'.")
        from core.export.session import OnnxRuntime

        device = self.settings.device
        return OnnxRuntime(device.threads if isinstance(device, Threaded) else 0)

    @property
    def arithmetic(self) -> str:
        """Names what decides the last bits of a stream's pictures."""
        if self.settings.runtime is Runtime.mindspore:
            return self.device.arithmetic
        return f"onnxruntime {metadata.version('onnxruntime')} beside {self.device.arithmetic}"

    def _seed(self) -> None:
        import mindspore as ms

        ms.set_seed(self.settings.seed + 1)  # MindSpore takes positive seeds only
        np.random.seed(self.settings.seed % 2**32)

    def _record_plugins(self) -> None:
        if not is_first_process():
            return
        record = {
            "mindvideo": __version__,
            "active": {p.name: f"{p.distribution} {p.version}" for p in self.registry.plugins},
            "rejected": {r.name: r.reason for r in self.registry.rejected},
            "command": self.overrides,
        }
        write_json(self.output / "plugins.json", record)


def is_first_process() -> bool:
    """Whether this process is the one that writes: the first of those that ``msrun`` started, or the only one."""
    return process_name() in ("", "rank_0")


def process_name() -> str:
    """Name of this process among those that ``msrun`` started: ``rank_N`` or ``scheduler``; empty if it is alone.

    The scheduler runs the same command; it only brings the others together.
    """
    if os.environ.get("MS_ROLE") == "MS_SCHED":
        return "scheduler"
    number = os.environ.get("RANK_ID")
    return f"rank_{number}" if number else ""

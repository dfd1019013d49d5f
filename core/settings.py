"""The settings of a run: one section for each kind of entry, and what belongs to the run itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from core.entries import FilePath
from core.media.limits import MAX_PIXELS
from core.options import Options, option


class Runtime(Enum):
    """Runtimes of trained networks."""

    mindspore = "mindspore"
    onnxruntime = "onnxruntime"
    """Translated to ONNX at first use. It codes and upscales; it does not train."""


@dataclass
class LoaderSettings(Options):
    """Settings of the loader of clips."""

    batch_size: int = option(4, at_least=1)
    """Clips in a batch, on each rank."""
    workers: int = option(2, at_least=1)
    """Clips prepared at the same time."""
    processes: bool = False
    """Prepare clips in processes instead of threads (worth it where decoding is slower than training)."""


@dataclass
class TrainingSettings(Options):
    """The recipe of a training. Give ``steps`` or ``epochs``."""

    steps: int | None = option(None, at_least=1)
    """Optimizer steps."""
    epochs: int | None = option(None, at_least=1)
    """Passes over the training clips."""
    validate_every: int = option(1000, at_least=1)
    """Steps between validations."""
    checkpoint_every: int = option(500, at_least=1)
    """Steps between writings of the last checkpoint."""
    best_from: int = option(0, at_least=0)
    """Steps before which no validation counts as the best; beyond the last step, the last checkpoint is the best."""
    average: float = option(0.0, at_least=0, below=1)
    """The share of the running mean of the weights that stays at each step; above 0 that mean is validated and kept
    as the best checkpoint, as 0.998 in long trainings."""
    patience: int = option(0, at_least=0)
    """Stop after this many validations without a new best score; 0 never stops early."""
    score: str = "psnr_st"
    """Validation value that decides which checkpoint is best; the loss where there is no upscaler."""
    pictures: int = option(2, at_least=0)
    """Clips to draw at each validation and at the end."""
    beside: list[str] = field(default_factory=list)
    """Experiments of codecs to train first, each into a folder of its name in the run's, and to show beside."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps is not None and self.epochs is not None:
            raise ValueError(
                "training.steps and training.epochs are both set: clear one, as training.steps=null."
            )


@dataclass
class SweepSettings:
    """Settings of each job of a sweep."""

    failed: float | None = None
    """Score that a job which failed gives the sweeper; null gives none, which Optuna counts as a failed trial."""


@dataclass
class LimitSettings(Options):
    """Limits of a source and an output; null lifts a limit."""

    pixels: int | None = option(MAX_PIXELS, at_least=1)
    """Pixels of a picture that is read; 8192x8192 lets film of 8K pass."""
    frames: int | None = option(None, at_least=1)
    """Frames of a video that is read, or of a stream that is decoded."""
    output_bytes: int | None = option(None, at_least=1)
    """Bytes of an output that is not coded (y4m, or PNG before it is packed), by an estimate before the first
    frame."""


@dataclass
class PluginSettings:
    """The plugins that take part."""

    disable: list[str] = field(default_factory=list)
    """Names of plugins to leave out."""


@dataclass
class Settings:
    """A whole run, as composed: one section for each kind of entry, and what belongs to the run itself."""

    task: Any = None
    device: Any = None
    model: Any = None
    loss: Any = None
    dataset: Any = None
    metric: dict[str, Any] = field(default_factory=dict)
    optimizer: Any = None
    step: Any = None
    upscaler: Any = None
    codec: Any = None
    intra: Any = None
    loader: LoaderSettings = field(default_factory=LoaderSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    plugins: PluginSettings = field(default_factory=PluginSettings)
    sweep: SweepSettings = field(default_factory=SweepSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    seed: int = 0
    """Seed of the first weights, the order of clips, augmentation and noise."""
    runtime: Runtime = Runtime.mindspore
    """The runtime of networks that upscale or code."""
    weights: FilePath | None = None
    """Checkpoint to start from: ours, .npz, .safetensors or MindSpore's .ckpt."""
    output: FilePath = "runs/default"
    """Folder of the run; unless it is given, ``runs/TIME``."""

    def section(self, kind: str) -> Any:
        """The options chosen for a kind (for ``metric``: a dict by name), or None."""
        return getattr(self, kind)

"""What core itself offers, through the same hooks as every plugin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core import devices as device_entries
from core.coding import entries as codec_entries
from core.data import entries as dataset_entries
from core.hooks import (
    CodecEntry,
    DatasetEntry,
    DeviceEntry,
    IntraEntry,
    LossEntry,
    MetricEntry,
    OptimizerEntry,
    StepEntry,
    TaskEntry,
    UpscalerEntry,
    hookimpl,
)
from core.losses import entries as loss_entries
from core.media import entries as media_entries
from core.metrics import entries as metric_entries
from core.tasks.bench import BENCH
from core.tasks.decode import DECODE
from core.tasks.doctor import DOCTOR
from core.tasks.encode import ENCODE
from core.tasks.evaluate import EVALUATE
from core.tasks.export import EXPORT
from core.tasks.import_weights import IMPORT_WEIGHTS
from core.tasks.measure import MEASURE
from core.tasks.profile import PROFILE
from core.tasks.sweep_report import SWEEP_REPORT
from core.tasks.train import TRAIN
from core.tasks.upscale import UPSCALE
from core.tasks.verify import VERIFY
from core.training import optimizers as optimizer_entries
from core.training import steps as step_entries
from core.upscaling import entries as upscaler_entries

HOOK_API = 2


@hookimpl
def config_package() -> str:
    """Core's own YAML."""
    return "core.conf"


@hookimpl
def devices() -> Iterable[DeviceEntry[Any]]:
    """The processor and two kinds of accelerator."""
    return [device_entries.CPU, device_entries.GPU, device_entries.ASCEND]


@hookimpl
def datasets() -> Iterable[DatasetEntry[Any]]:
    """Published data sets, files of the user's, and the clips that come with mindvideo."""
    return dataset_entries.DATASETS


@hookimpl
def metrics() -> Iterable[MetricEntry[Any]]:
    """PSNR, SSIM, MS-SSIM; GMSD, MS-GMSD and the measure of checkerboards."""
    return metric_entries.METRICS


@hookimpl
def optimizers() -> Iterable[OptimizerEntry[Any]]:
    """MindSpore's optimizers with schedules."""
    return [optimizer_entries.ADAM, optimizer_entries.ADAMW, optimizer_entries.ADAMAX]


@hookimpl
def losses() -> Iterable[LossEntry[Any]]:
    """The loss that codecs share."""
    return loss_entries.LOSSES


@hookimpl
def steps() -> Iterable[StepEntry[Any]]:
    """The training step that codecs share."""
    return step_entries.STEPS


@hookimpl
def intra_codecs() -> Iterable[IntraEntry[Any]]:
    """HEVC, and PNG without loss."""
    return media_entries.INTRA_CODECS


@hookimpl
def upscalers() -> Iterable[UpscalerEntry[Any]]:
    """The floors that a learned one must beat."""
    return upscaler_entries.UPSCALERS


@hookimpl
def codecs() -> Iterable[CodecEntry[Any]]:
    """The codec around another one."""
    return codec_entries.CODECS


@hookimpl
def tasks() -> Iterable[TaskEntry[Any]]:
    """What the command does."""
    return [
        *(TRAIN, EVALUATE, UPSCALE, ENCODE, DECODE, VERIFY),
        *(MEASURE, BENCH, PROFILE, SWEEP_REPORT, IMPORT_WEIGHTS, EXPORT, DOCTOR),
    ]

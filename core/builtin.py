"""The entries that core itself offers, through the same hooks as every plugin."""

from __future__ import annotations

from core import devices
from core.coding.entries import CODECS
from core.data.entries import DATASETS
from core.hooks import Plugin
from core.losses.entries import LOSSES
from core.media.entries import INTRA_CODECS
from core.metrics.entries import METRICS
from core.tasks.bench import BENCH
from core.tasks.compare import COMPARE
from core.tasks.decode import DECODE
from core.tasks.doctor import DOCTOR
from core.tasks.encode import ENCODE
from core.tasks.evaluate import EVALUATE
from core.tasks.export import EXPORT
from core.tasks.import_weights import IMPORT_WEIGHTS
from core.tasks.info import INFO
from core.tasks.measure import MEASURE
from core.tasks.profile import PROFILE
from core.tasks.sweep_report import SWEEP_REPORT
from core.tasks.train import TRAIN
from core.tasks.upscale import UPSCALE
from core.tasks.verify import VERIFY
from core.tasks.weights import WEIGHTS
from core.training.optimizers import OPTIMIZERS
from core.training.steps import STEPS
from core.upscaling.entries import UPSCALERS

plugin = Plugin(
    *(TRAIN, EVALUATE, UPSCALE, ENCODE, DECODE, VERIFY, COMPARE, INFO, WEIGHTS),
    *(MEASURE, BENCH, PROFILE, SWEEP_REPORT, IMPORT_WEIGHTS, EXPORT, DOCTOR),
    *(devices.CPU, devices.GPU, devices.ASCEND),
    *(*DATASETS, *METRICS, *OPTIMIZERS, *LOSSES, *STEPS),
    *(*INTRA_CODECS, *UPSCALERS, *CODECS),
)

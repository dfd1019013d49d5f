"""``task=measure``: one codec at one rate on one test set, as ``task=bench`` runs it in a process of its own."""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import compose_settings, entry_section
from core.errors import ConfigError
from core.files import write_json
from core.hooks import (
    ClipSource,
    CodecEntry,
    ConventionalCodecEntry,
    DatasetEntry,
    InterCodecEntry,
    IntraEntry,
    Split,
    TaskEntry,
)
from core.progress import Meter

if TYPE_CHECKING:
    from mindspore.train import Metric

    from core.bench.records import PointRecord
    from core.registry import Registry
    from core.run import Run
    from core.training.checkpoint import Checkpoint

log = logging.getLogger(__name__)

ALWAYS = ("psnr", "ssim", "ms_ssim")
"""Metrics that are measured anyhow."""


@dataclass
class MeasureConfig:
    """Measure a codec at one rate by real streams; what was measured before is taken from a cache."""

    checkpoint: str | None = None
    """Trained codec; by default the settings' ``weights``."""
    dataset: list[str] = field(default_factory=list)
    """Words that choose the data set, whatever the settings (of an experiment, say) choose."""
    split: Split = Split.TEST
    """Part of the data set."""
    cache: str = "runs/bench_cache"
    """Folder of what was measured before."""
    result: str | None = None
    """JSON file to write."""
    pictures: int = 1
    """Clips whose last frame is kept as a picture."""


def _measure(config: MeasureConfig, run: Run) -> None:
    point = measure_point(config, run)
    log.info("%s: %.4f bpp, %.2f dB RGB PSNR", point.codec, point.bpp, point.value("psnr_rgb"))
    log.info("%d of %d clips were measured before", point.cached, len(point.clips))
    if config.result:
        write_json(Path(config.result), point.plain())


def measure_point(config: MeasureConfig, run: Run) -> PointRecord:
    """The record of the chosen codec on the chosen data set."""
    from core.bench.cache import Cache
    from core.bench.measure import Measuring, measure
    from core.bench.records import PointRecord

    entry = run.entry("codec", CodecEntry)
    conventional = isinstance(entry, ConventionalCodecEntry)
    checkpoint = None if conventional else _checkpoint(config, run)
    conditions = _conditions(run, entry, checkpoint)
    source = _source(config, run)
    how = Measuring(
        cache=Cache(Path(config.cache)),
        conditions=conditions,
        packets_alone=conventional,
        metrics=_further_metrics(run),
        pictures=config.pictures,
        seed=run.settings.seed,
    )
    with Meter(f"Measuring ({config.split.value})", len(source)) as meter:
        clips, cached = measure(source, lambda: run.codec(config.checkpoint), how, meter.advance)
    return PointRecord(
        codec=entry.name,
        axes={
            "coding": entry.coding.value,
            "supervision": entry.supervision.value,
            "direction": entry.direction.value,
        },
        gop=run.settings.codec.gop,
        intra=conditions["intra"] and conditions["intra"]["name"],
        counted="packets" if conventional else "stream file",
        parameters=_parameters(checkpoint) if checkpoint else None,
        fingerprint=conditions["fingerprint"],
        options=conditions["codec"]["options"],
        device=conditions["device"],
        versions=conditions["versions"],
        machine=conditions["machine"],
        clips=clips,
        cached=cached,
    )


def _source(config: MeasureConfig, run: Run) -> ClipSource:
    if not config.dataset:
        return run.source(config.split)
    entry, section = data_set(config.dataset, run.registry)
    return entry.build(section, config.split)


def data_set(words: Sequence[str], registry: Registry) -> tuple[DatasetEntry[Any], Any]:
    """The data set that words of a command line choose, and its options; `ConfigError` where they choose none."""
    settings = compose_settings([*settled(words), "task=doctor"], registry)
    section = settings.dataset
    entry = registry.entry_of("dataset", type(section)) if section is not None else None
    if not isinstance(entry, DatasetEntry):
        raise ConfigError("it chooses no data set, or not what that needs (dataset.root=FOLDER).")
    return entry, section


def settled(words: Sequence[str]) -> list[str]:
    """Words of a command line, without the experiment that is the default."""
    chosen = any(word.lstrip("+~").startswith("experiment=") for word in words)
    return list(words) if chosen else ["experiment=none", *words]


def _checkpoint(config: MeasureConfig, run: Run) -> Checkpoint:
    source = config.checkpoint or run.settings.weights
    if not source:
        raise ConfigError("no trained codec is given: train one (task=train), then task.checkpoint=FILE.")
    return run.checkpoint(source)


def _conditions(run: Run, entry: CodecEntry[Any], checkpoint: Checkpoint | None) -> dict[str, Any]:
    """All that decides what is measured of a clip."""
    from core import __version__

    settings = run.settings
    intra = None
    if isinstance(entry, InterCodecEntry):
        intra = {"name": run.entry("intra", IntraEntry).name, "options": entry_section(settings.intra)}
    packages = ["av", "numpy", *(["mindspore", "constriction"] if checkpoint else [])]
    if isinstance(entry, ConventionalCodecEntry):
        fingerprint = entry.build(settings.codec).fingerprint
    else:
        assert checkpoint is not None
        fingerprint = checkpoint.fingerprint
    return {
        "codec": {"name": entry.name, "options": entry_section(settings.codec)},
        "model": run.model_section if checkpoint else None,
        "fingerprint": fingerprint.hex(),
        "intra": intra,
        "device": entry_section(settings.device) if checkpoint else None,
        "metrics": {name: entry_section(settings.metric[name]) for name in _further(run)},
        "versions": {"mindvideo": __version__, **{name: metadata.version(name) for name in packages}},
        "machine": machine(),
    }


def _further(run: Run) -> list[str]:
    return sorted(name for name in run.settings.metric if name not in ALWAYS)


def _further_metrics(run: Run) -> dict[str, Metric]:
    wanted = _further(run)
    return {name: metric for name, metric in run.metrics().items() if name in wanted} if wanted else {}


def _parameters(checkpoint: Checkpoint) -> int:
    from core.training.checkpoint import MODEL

    return sum(int(value.size) for value in checkpoint.part(MODEL).values())


def machine() -> str:
    """Processor and cores, to which measured times belong."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


MEASURE = TaskEntry("measure", MeasureConfig, _measure, needs=("model", "codec", "intra", "device"))

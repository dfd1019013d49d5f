"""``task=measure``: one codec at one rate, or one upscaler, on one test set, as ``task=bench`` runs it in a process of
its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.codecs import axes
from core.config import compose_settings
from core.errors import ConfigError
from core.files import write_json
from core.hooks import (
    ClipSource,
    CodecEntry,
    ConventionalCodecEntry,
    DatasetEntry,
    FilePath,
    Split,
    TaskEntry,
    Upscaler,
    UpscalerEntry,
)
from core.options import option
from core.progress import Meter
from core.tasks.conditions import Subject, codec_subject, further_metrics, upscaler_subject
from core.tasks.options import TrainedOptions

if TYPE_CHECKING:
    from mindspore.train import Metric

    from core.bench.cache import Cache
    from core.bench.records import PointRecord, Record, UpscalerRecord
    from core.coding.codec import LoadedCodec
    from core.registry import Registry
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class MeasureConfig(TrainedOptions):
    """Measure a codec at one rate by real streams, or an upscaler; what was measured before is taken from a cache."""

    dataset: list[str] = field(default_factory=list)
    """Words that choose the data set, whatever the settings (of an experiment, say) choose."""
    split: Split = Split.TEST
    """Part of the data set."""
    cache: FilePath = "runs/bench_cache"
    """Folder of what was measured before."""
    result: FilePath | None = None
    """JSON file to write."""
    pictures: int = option(1, at_least=0)
    """Clips whose last frame is kept as a picture."""


def _measure(config: MeasureConfig, run: Run) -> None:
    record: Record
    if run.settings.codec is not None:
        record = measure_point(config, run)
    elif run.settings.upscaler is not None:
        record = measure_upscaler(config, run)
    else:
        raise ConfigError("there is nothing to measure: give codec=… or upscaler=…, or an experiment=….")
    log.info("%s", record.summary)
    log.info("%d of %d clips were measured before", record.cached, len(record.clips))
    if config.result:
        write_json(Path(config.result), record.plain())


def measure_point(config: MeasureConfig, run: Run) -> PointRecord:
    """The record of the chosen codec on the chosen data set."""
    from core.bench.cache import Cache
    from core.bench.cost import codec_cost
    from core.bench.measure import Measuring, measure
    from core.bench.records import PointRecord

    entry = run.entry("codec", CodecEntry)
    conventional = isinstance(entry, ConventionalCodecEntry)
    subject = codec_subject(run, config.checkpoint)
    source, kept = _source(config, run), Cache(Path(config.cache))
    how = Measuring(
        cache=kept,
        conditions=subject.identity,
        packets_alone=conventional,
        metrics=_further_metrics(run),
        pictures=config.pictures,
        seed=run.settings.seed,
    )

    @cache
    def load() -> LoadedCodec:
        return run.codec(config.checkpoint)

    with Meter(f"Measuring ({config.split.value})", len(source)) as meter:
        clips, cached = measure(source, load, how, meter.advance)
    conditions = subject.conditions
    return PointRecord(
        codec=entry.name,
        axes=axes(entry, run.settings.codec, run.registry),
        gop=run.settings.codec.gop,
        intra=conditions["intra"] and conditions["intra"]["name"],
        counted="packets" if conventional else "stream file",
        parameters=subject.parameters,
        multiply_adds=_cost(subject, kept, lambda: codec_cost(load().codec)),
        fingerprint=subject.fingerprint,
        options=conditions["codec"]["options"],
        device=conditions["device"],
        versions=conditions["versions"],
        machine=conditions["machine"],
        clips=clips,
        cached=cached,
    )


def measure_upscaler(config: MeasureConfig, run: Run) -> UpscalerRecord:
    """The record of the chosen upscaler on the chosen data set."""
    from core.bench.cache import Cache
    from core.bench.cost import upscaler_cost
    from core.bench.records import UpscalerRecord
    from core.bench.upscaling import Upscaling, measure

    entry = run.entry("upscaler", UpscalerEntry)
    subject = upscaler_subject(run, config.checkpoint)
    source, kept = _source(config, run), Cache(Path(config.cache))

    @cache
    def load() -> Upscaler:
        return run.trained_upscaler(config.checkpoint)

    scale = load().scale
    how = Upscaling(kept, subject.identity, scale, _further_metrics(run), run.settings.seed)
    with Meter(f"Measuring ({config.split.value})", len(source)) as meter:
        clips, cached = measure(source, load, how, meter.advance)
    conditions = subject.conditions
    return UpscalerRecord(
        upscaler=entry.name,
        scale=scale,
        parameters=subject.parameters,
        multiply_adds=_cost(subject, kept, lambda: upscaler_cost(load())),
        fingerprint=subject.fingerprint,
        options={**conditions["upscaler"]["options"], **(conditions["model"] or {})},
        device=conditions["device"],
        versions=conditions["versions"],
        machine=conditions["machine"],
        clips=clips,
        cached=cached,
    )


def _cost(subject: Subject, kept: Cache, count: Callable[[], dict[str, float]]) -> dict[str, float] | None:
    """Multiply-adds of the networks, which are counted once."""
    from core.bench.cache import key_of

    if subject.parameters is None:
        return None
    return kept.remembered(key_of({**subject.identity, "of": "multiply-adds"}), count)


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


def _further_metrics(run: Run) -> dict[str, Metric]:
    wanted = further_metrics(run)
    return {name: metric for name, metric in run.metrics().items() if name in wanted} if wanted else {}


MEASURE = TaskEntry(
    "measure", MeasureConfig, _measure, needs=("model", "device"), takes=("codec", "intra", "upscaler")
)

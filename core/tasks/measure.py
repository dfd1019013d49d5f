"""``task=measure``: one codec at one rate, or one upscaler, on one test set, as ``task=bench`` runs it in a process of
its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import identity, machine
from core.config import compose_settings, entry_section
from core.errors import ConfigError
from core.files import write_json
from core.hooks import (
    ClipSource,
    DatasetEntry,
    FilePath,
    Split,
    TaskEntry,
)
from core.options import option
from core.progress import Meter
from core.selection import CodecSelection, UpscalerSelection, selection_of
from core.tasks.options import TrainedOptions

if TYPE_CHECKING:
    from core.facts import Facts
    from core.measure.cache import Cache
    from core.measure.clips import Measurable
    from core.measure.records import PointRecord, Record, UpscalerRecord
    from core.registry import Registry
    from core.run import Run

log = logging.getLogger(__name__)

ALWAYS = ("psnr", "ssim", "ms_ssim")
"""Metrics that are measured anyhow."""


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
    """Clips, evenly spaced, whose last frame is kept as a picture."""


def _measure(config: MeasureConfig, run: Run) -> None:
    chosen = selection_of(run, config.checkpoint)
    if chosen is None:
        raise ConfigError("there is nothing to measure: give codec=… or upscaler=…, or an experiment=….")
    record: Record
    if isinstance(chosen, CodecSelection):
        record = measure_codec(config, chosen)
    else:
        record = measure_upscaler(config, chosen)
    log.info("%s", record.summary)
    log.info("%d of %d clips were measured before", record.cached, len(record.clips))
    if config.result:
        write_json(Path(config.result), record.to_json())


def measure_codec(config: MeasureConfig, chosen: CodecSelection) -> PointRecord:
    """The record of a codec on the chosen data set."""
    from core.measure.cache import Cache
    from core.measure.codecs import MeasuredCodec
    from core.measure.cost import codec_cost
    from core.measure.records import PointRecord

    cache, source = Cache(Path(config.cache)), _source(config, chosen.run)
    work = MeasuredCodec(chosen.load, lambda number, key: cache.stream(key))
    return PointRecord(
        codec=chosen.name,
        axes=chosen.axes,
        gop=chosen.options.gop,
        intra=chosen.intra_name,
        counted="packets" if chosen.is_conventional else "stream file",
        options=entry_section(chosen.options),
        **_measure_on_clips(config, chosen, source, work, cache, lambda: codec_cost(work.loaded.codec)),
    )


def measure_upscaler(config: MeasureConfig, chosen: UpscalerSelection) -> UpscalerRecord:
    """The record of an upscaler on the chosen data set."""
    from core.measure.cache import Cache
    from core.measure.cost import upscaler_cost
    from core.measure.records import UpscalerRecord
    from core.measure.upscalers import MeasuredUpscaler, scale_of

    cache, source = Cache(Path(config.cache)), _source(config, chosen.run)
    work = MeasuredUpscaler(chosen.build, source)
    found = _measure_on_clips(config, chosen, source, work, cache, lambda: upscaler_cost(work.loaded))
    return UpscalerRecord(
        upscaler=chosen.name,
        scale=scale_of(source),
        options=entry_section(chosen.options) | (chosen.run.model_section if chosen.has_network else {}),
        **found,
    )


def _measure_on_clips(
    config: MeasureConfig,
    chosen: CodecSelection | UpscalerSelection,
    source: ClipSource,
    work: Measurable[Any, Any, Any],
    cache: Cache,
    count: Callable[[], dict[str, float]],
) -> dict[str, Any]:
    """What records of codecs and of upscalers have in common; ``count`` counts multiply-adds, which is done once."""
    from core.measure.cache import key_of
    from core.measure.clips import MeasureSettings, measure_clips

    run, facts = chosen.run, decides(chosen)
    wanted = further_metrics(run)
    metrics = {name: metric for name, metric in run.metrics().items() if name in wanted} if wanted else {}
    settings = MeasureSettings(cache, facts, metrics, pictures=config.pictures, seed=run.settings.seed)
    clips, cached = [], 0
    with Meter(f"Measuring ({config.split.value})", len(source)) as meter:
        for one in measure_clips(source, work, settings):
            clips.append(one.record)
            cached += one.made is None
            meter.advance(one.record.words)
    key = key_of({**facts, "of": "multiply-adds"})
    return {
        "clips": clips,
        "cached": cached,
        "parameters": chosen.parameters,
        "multiply_adds": None if chosen.parameters is None else cache.remember(key, count),
        "fingerprint": chosen.fingerprint.hex(),
        "device": entry_section(run.settings.device) if chosen.computes else None,
        "versions": identity.versions(chosen.computes),
        "machine": machine.description(),
    }


def decides(chosen: CodecSelection | UpscalerSelection) -> Facts:
    """All but the clip that decides a result; machine and all, since times are taken as well."""
    run = chosen.run
    return {
        **identity.measuring_facts(run, chosen.identity(), further_metrics(run)),
        "machine": machine.description(),
    }


def _source(config: MeasureConfig, run: Run) -> ClipSource:
    if not config.dataset:
        return run.source(config.split)
    entry, section = data_set(config.dataset, run.registry)
    return entry.build(section, config.split)


def data_set(words: Sequence[str], registry: Registry) -> tuple[DatasetEntry[Any], Any]:
    """The data set that words of a command line choose, and its options; `ConfigError` where they choose none."""
    settings = compose_settings([*settle_words(words), "task=doctor"], registry)
    section = settings.dataset
    entry = registry.entry_of("dataset", type(section)) if section is not None else None
    if not isinstance(entry, DatasetEntry):
        raise ConfigError("it chooses no data set, or not what that needs (dataset.root=FOLDER).")
    return entry, section


def settle_words(words: Sequence[str]) -> list[str]:
    """Words of a command line, without the experiment that is the default."""
    chosen = any(word.lstrip("+~").startswith("experiment=") for word in words)
    return list(words) if chosen else ["experiment=none", *words]


def further_metrics(run: Run) -> list[str]:
    """Metrics that are measured because they were chosen."""
    return sorted(name for name in run.settings.metric if name not in ALWAYS)


MEASURE = TaskEntry("measure", MeasureConfig, _measure, needs=("device",), takes=("codec", "upscaler"))

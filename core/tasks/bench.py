"""``task=bench``: codecs at their rates, and upscalers, on test sets, each in a process of its own; one report of all.

Everything is composed and checked before anything runs. The clips of a test set are the same for all contenders,
whatever a contender's experiment says of its data set.
"""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig

from core import machine
from core.config import entry_section
from core.errors import CheckpointError, ConfigError, MindvideoError
from core.hooks import FilePath, Split, TaskEntry
from core.implied import settings_of
from core.locks import LOCK, Lock
from core.options import Options, option
from core.outside import names_hydra
from core.run import Run
from core.selection import CodecSelection, UpscalerSelection, selection_of
from core.settings import Settings
from core.tasks.measure import ALWAYS, data_set, settle_words
from core.words import word

if TYPE_CHECKING:
    from core.bench.plan import Job

log = logging.getLogger(__name__)


@dataclass
class BenchConfig(Options):
    """Measure codecs at their rates, and upscalers, on test sets and compare them in one report."""

    contenders: dict[str, Any] = field(default_factory=dict)
    """Name in the report to ``words`` of the command line, and ``points``, words of each rate."""
    sets: dict[str, Any] = field(default_factory=dict)
    """Name to ``words`` that choose a data set."""
    anchors: list[str] = field(default_factory=list)
    """Contenders that the others are compared with."""
    split: Split = Split.TEST
    """Part of the test sets."""
    parallel: int = option(1, at_least=1)
    """Jobs at a time; with more than one on a machine, times tell less."""
    engine: str = option("local", one_of=("local", "ray"))
    """Where jobs run: on this machine, or on a Ray cluster (extra ``cluster``) that sees output and cache."""
    timeout: float | None = option(None, above=0)
    """Seconds that a job may take; null: any time."""
    cache: FilePath = "runs/bench_cache"
    """Folder of clips that were measured before; a benchmark that was interrupted or extended goes on from it."""
    pictures: int = option(1, at_least=0)
    """Clips of each test set to show, evenly spaced."""
    title: str = "Benchmark"
    """Heading of the report."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in self.contenders.items():
            if not _has_words(value, ("words", "points")) or not isinstance(value.get("points"), dict):
                raise ValueError(f"task.contenders.{name} must be {{words: [...], points: {{NAME: [...]}}}}.")
            if not all(map(_are_words, value["points"].values())):
                raise ValueError(f"task.contenders.{name}.points must be lists of words, as [codec.crf=27].")
        for name, value in self.sets.items():
            if not _has_words(value, ("words",)):
                raise ValueError(f"task.sets.{name} must be {{words: [...]}}.")


def _has_words(value: Any, keys: Sequence[str]) -> bool:
    return isinstance(value, dict) and sorted(value) == sorted(keys) and _are_words(value["words"])


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def _bench(config: BenchConfig, run: Run) -> float | None:
    """The score: percent of the rate that the contenders save against the first anchor, at equal PSNR."""
    run.output.mkdir(parents=True, exist_ok=True)
    sentence = f"{run.output} is in use: another benchmark is writing to it; give another output=…."
    with Lock(run.output / LOCK, sentence):
        return _compare(config, run)


def _compare(config: BenchConfig, run: Run) -> float | None:
    from core.bench.board import Board
    from core.bench.results import Results
    from core.bench.work import RayWorkers, Workers
    from core.report.bench import write_report

    plan = _plan(config, run)
    log.info("%d jobs, %d at a time, cache %s", len(plan.jobs), config.parallel, config.cache)
    kind = RayWorkers if config.engine == "ray" else Workers
    workers = kind(run.output / "jobs", config.parallel, config.timeout)
    with Board(plan.jobs) as board:
        outcomes = workers.run(plan.jobs, board.note)
    results = Results(
        title=config.title,
        outcomes=outcomes,
        anchors=config.anchors,
        axes=plan.axes,
        sets=plan.sets,
        command=shlex.join(["python", "-m", "core", *_config_words(), *run.overrides]),
        parallel=config.parallel,
        machine=machine.description(),
    )
    page = write_report(results, run.output, Path(config.cache), config.pictures)
    failed = [outcome for outcome in outcomes if outcome.record is None]
    if failed:
        log.warning("%d of %d jobs failed; the report says why", len(failed), len(outcomes))
    log.info("Report: %s", page)
    return results.saved


@dataclass(frozen=True)
class _Plan:
    """The composed and checked jobs."""

    jobs: list[Job]
    axes: dict[str, Mapping[str, str]]
    """The class of each contender among codecs."""
    sets: dict[str, Mapping[str, Any]]
    """Data set of each test set, with all options."""


def _plan(config: BenchConfig, run: Run) -> _Plan:
    """All jobs; raises `ConfigError` with every problem at once."""
    from core.bench.plan import jobs

    problems = list(_problems(config))
    obstacles: dict[str, str] = {}
    sets: dict[str, Mapping[str, Any]] = {}
    places: dict[str, Mapping[str, str]] = {}
    for name, chosen in config.sets.items():
        try:
            sets[name] = _data_set(chosen["words"], config.split, run, name, obstacles)
        except MindvideoError as error:
            problems.append(f"test set {name}: {error}")
    set_words = {name: [word("task.dataset", config.sets[name]["words"])] for name in sets}
    always = _always(config, run)
    for name, contender in config.contenders.items():
        for point, more in contender["points"].items():
            try:
                settings = settings_of([*settle_words(contender["words"]), *more, *always], run.registry)
                chosen = _selection(settings, run)
            except CheckpointError as error:  # of weights that have a name and are not here
                obstacles[f"{name}/{point}"] = str(error)
                continue
            except MindvideoError as error:
                problems.append(f"contender {name} at {point}: {error}")
                continue
            if isinstance(chosen, CodecSelection):
                places[name] = {"codec": chosen.name, **chosen.axes}
            if obstacle := chosen.missing():
                obstacles[f"{name}/{point}"] = obstacle
    if problems:
        told = [problem.replace("\n", "\n  ") for problem in problems]
        raise ConfigError("the benchmark cannot be run:\n" + "\n".join(f"  - {p}" for p in told))
    words = {name: settle_words(contender["words"]) for name, contender in config.contenders.items()}
    points = {name: contender["points"] for name, contender in config.contenders.items()}
    return _Plan(jobs(words, points, set_words, always, obstacles), places, sets)


def _problems(config: BenchConfig) -> Iterator[str]:
    if not config.contenders:
        yield "there is no contender: give experiment=bench_clips, or +contender@task.contenders.NAME=PRESET"
    if not config.sets:
        yield "there is no test set: give experiment=bench_clips, or +testset@task.sets.NAME=PRESET"
    for name, contender in config.contenders.items():
        if not contender["points"]:
            yield f"contender {name} has no points: give +task.contenders.{name}.points.NAME=[WORDS]"
    for given in _all_words(config):
        if given.startswith("-") or names_hydra(given.partition("=")[0]):
            yield f"{given} is no word of a contender or test set: give settings alone, not flags or hydra's"
    for anchor in config.anchors:
        if anchor not in config.contenders:
            known = ", ".join(config.contenders) or "none"
            yield f"the anchor {anchor} is no contender (known: {known})"


def _all_words(config: BenchConfig) -> Iterator[str]:
    for chosen in (*config.contenders.values(), *config.sets.values()):
        yield from chosen["words"]
        for words in chosen.get("points", {}).values():
            yield from words


def _data_set(
    words: Sequence[str], split: Split, run: Run, name: str, obstacles: dict[str, str]
) -> dict[str, Any]:
    """Name and options of a test set's data set; an obstacle is noted where it is not there."""
    entry, section = data_set(words, run.registry)
    try:
        entry.build(section, split)
    except MindvideoError as error:
        obstacles[name] = str(error)
    return {"name": entry.name, "options": entry_section(section)}


def _always(config: BenchConfig, run: Run) -> list[str]:
    """The words that all jobs have in common."""
    metrics = {name: section for name, section in run.settings.metric.items() if name not in ALWAYS}
    options = [
        word(f"metric.{name}.{key}", value)
        for name, section in metrics.items()
        for key, value in entry_section(section).items()
    ]
    return [
        *([word("hydra.searchpath", [f"file://{folder}"])] if (folder := _config_folder()) else []),
        "task=measure",
        word("task.split", config.split.name),
        word("task.cache", config.cache),
        word("task.pictures", config.pictures),
        word("seed", run.settings.seed),
        word("plugins.disable", list(run.settings.plugins.disable)),
        f"metric=[{','.join(['psnr', *metrics])}]",
        *options,
    ]


def _config_folder() -> str | None:
    """The folder of YAML that the command line named (``--config-dir``), for the processes that do the work."""
    sources = HydraConfig.get().runtime.config_sources if HydraConfig.initialized() else []
    return next((s.path for s in sources if s.schema == "file" and s.provider == "command-line"), None)


def _config_words() -> list[str]:
    folder = _config_folder()
    return ["--config-dir", folder] if folder else []


def _selection(settings: Settings, run: Run) -> CodecSelection | UpscalerSelection:
    """The codec or upscaler of a contender."""
    chosen = selection_of(Run(settings, run.registry, run.output), settings.task.checkpoint)
    if chosen is None:
        raise ConfigError(
            "it chooses neither a codec nor an upscaler: give codec=… or upscaler=… in its words."
        )
    return chosen


BENCH = TaskEntry(
    "bench",
    BenchConfig,
    _bench,
    resumes="The same command goes on; clips that were measured are kept.",
    positional=("experiment",),
)

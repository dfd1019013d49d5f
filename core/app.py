"""Turns the words of a command line into a task that runs: plugins, composed configuration, checked settings, run.

Nothing here imports MindSpore; the first to do so is the device entry, after it has set the environment.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
import hydra._internal.utils as hydra_utils
import yaml
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from core import __version__, config, devices, ending, help, implied, outside, sweeping, verbs
from core.errors import ConfigError, MindvideoError, SweepError
from core.hooks import Resumable, TaskEntry, Threaded
from core.registry import Registry, load
from core.run import Run, is_first_process, process_name
from core.settings import Settings
from core.text import escape_logs
from core.words import as_typed, word

LOOKS_ONLY = ("hydra_help", "shell_completion", "info")
"""Flags with which Hydra shows something that needs no sound configuration."""
REFUSED_FLAGS = {
    "config_path": "--config-path",
    "config_name": "--config-name",
    "experimental_rerun": "--experimental-rerun",
}
"""Flags of Hydra that would put another configuration, or a pickled one, in the place of ours."""


class _Told(CompactHydraException):
    """A user's error on its way through a sweep, which reports it with the job that it stopped."""


def main() -> None:
    """The command. Exits with 0, with 1 after one clear message, or with 128 and the signal that stopped it."""
    escape_logs()
    hydra_utils.run_and_report = _call  # Hydra's own prints tracebacks, where `ending` has sentences
    try:
        with ending.orderly():
            with outside.guarded():
                _command(sys.argv[1:])
            devices.leave()
    except ending.OutOfMemory as ended:
        ended.leave()


def _call(func: Any) -> Any:
    return func()


def _command(words: list[str]) -> None:
    if "--version" in words:
        print(f"mindvideo {__version__}")
        return
    flag_words, given = verbs.split_words(words)
    flags = get_args_parser().parse_args(flag_words)
    _check_flags(flags)
    registry = plugins(_disabled(given))
    config.offer(registry)
    if not flags.shell_completion:
        _report_rejected(registry)
    if flags.help and verbs.begins_with_verb(given, registry):
        help.print_task(verbs.task_of(given[0], registry))
        return
    if not flags.shell_completion:  # whose words say which shell
        given = verbs.spell_out(given, registry, flags.multirun)
    spelled = [_null_choice(word) for word in given]
    typed = as_typed(spelled, config.paths(registry, spelled), flags.multirun)
    outside.check_words(typed)
    if not (flags.shell_completion or flags.help):
        typed = implied.complete(typed, registry)
    added = [*_without_absent_default(typed, registry), *_place(typed)]
    searched = [_searchpath(flags.config_dir)] if flags.config_dir else []
    composed = [*searched, *added, *typed]
    if flags.help:
        help.print_help(registry, config.compose_for_show(composed, registry))
        return
    if flags.cfg:
        config.compose_for_show(composed, registry)
    elif flags.multirun:
        _check_sweep_folder(typed)
    elif not any(getattr(flags, name) for name in LOOKS_ONLY):
        added += _elsewhere(config.compose_settings(composed, registry), registry, [*added, *typed])
    sys.argv[1:] = [*flag_words, *added, *typed]
    with sweeping.noting() as sweep, ending.advising(sweep.resumes):
        _hydra_main()
    if sweep.folder and sweep.has_ended:
        _end_sweep(sweep.folder)


def _check_flags(flags: argparse.Namespace) -> None:
    for name, flag in REFUSED_FLAGS.items():
        if getattr(flags, name) is not None:
            raise ConfigError(f"{flag} is not for mindvideo, whose settings are chosen with experiment=NAME.")
    if flags.config_dir and not Path(flags.config_dir).is_dir():
        raise ConfigError(f"--config-dir: there is no folder {flags.config_dir}.")


def _searchpath(folder: str) -> str:
    return word("hydra.searchpath", [f"file://{Path(folder).resolve()}"])


def _null_choice(word: str) -> str:
    """``model=null`` as Hydra spells it, ``~model``; for an experiment there is the one called ``none``."""
    key, _, value = word.partition("=")
    if key not in config.GROUPS or value != "null":
        return word
    return "experiment=none" if key == "experiment" else f"~{key}"


@functools.cache
def plugins(disable: tuple[str, ...]) -> Registry:
    """The registry of this process; a sweep's worker makes its own."""
    return load(disable)


@hydra.main(config_path=f"pkg://{config.CONFIG_PACKAGE}", config_name=config.CONFIG_NAME, version_base="1.3")
def _hydra_main(composed: DictConfig) -> float | None:
    if HydraConfig.get().job.chdir:
        os.chdir(HydraConfig.get().runtime.cwd)  # paths mean the folder where the command was typed
    if HydraConfig.get().mode is RunMode.MULTIRUN:
        ending.end_with_parent()
        try:
            return _sweep_job(composed)
        except MindvideoError as error:
            raise _Told(f"Error: {error}") from None
    try:
        return _single(_run(composed))
    except MindvideoError as error:
        sys.exit(f"Error: {error}")


def _single(run: Run) -> float | None:
    """Execute a run; what stops it says how it goes on."""
    with ending.advising(lambda: run.resumes):
        return run.execute()


def _run(composed: DictConfig) -> Run:
    registry = plugins(tuple(composed.plugins.disable))
    settings = config.check(composed, registry)
    return Run(settings, registry, _output(), list(HydraConfig.get().overrides.task))


def _output() -> Path:
    return Path(HydraConfig.get().runtime.output_dir)


def _sweep_job(composed: DictConfig) -> float | None:
    """One job of a sweep, unless it is done already; one that was stopped goes on."""
    hydra_config = HydraConfig.get()

    def work() -> float | None:
        run = _run(composed)
        if isinstance(run.settings.task, Resumable):
            run.settings.task.resume = True
        device = run.settings.device
        if isinstance(device, Threaded) and device.threads == 0:
            device.threads = sweeping.threads_of_a_job(hydra_config.launcher)
        with ending.advising(lambda: ""):
            return run.execute()

    job = sweeping.Job(hydra_config.job.num, list(hydra_config.overrides.task), sweeping.digest(composed))
    return sweeping.run_job(_output(), job, composed.sweep.failed, work)


def _end_sweep(folder: Path) -> None:
    from core.tasks.sweep_report import report

    failed = report(folder)
    if failed:
        raise SweepError(
            f"{failed} of the jobs in {folder} failed; the same command with hydra.sweep.dir={folder} tries them "
            "again."
        )


def open_run(overrides: Sequence[str] = (), output: str | Path | None = None) -> Run:
    """A run composed from the words of the command line, short or long, for notebooks and tests; nothing is started.

    ``output`` is the folder of the run, made when something is written there. Raises a `MindvideoError`.
    """
    registry = plugins(_disabled(overrides))
    words = [*verbs.spell_out(overrides, registry), *([word("output", str(output))] if output else [])]
    words = implied.complete(as_typed(words, config.paths(registry, words)), registry)
    config.offer(registry)
    with outside.guarded():
        settings = config.compose_settings([*_without_absent_default(words, registry), *words], registry)
    return Run(settings, registry, Path(settings.output), words)


def _disabled(words: Sequence[str]) -> tuple[str, ...]:
    """The value of ``plugins.disable``, read ahead because it decides what there is to compose."""
    for given in reversed(words):
        key, _, value = given.lstrip("+").partition("=")
        if key == "plugins.disable":
            return _names(value)
    return ()


def _names(value: str) -> tuple[str, ...]:
    try:
        names = yaml.safe_load(value)
    except yaml.YAMLError:
        names = None
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"plugins.disable={value} is not a list of names: give plugins.disable=[a,b].")
    return tuple(names)


def _report_rejected(registry: Registry) -> None:
    for rejection in registry.rejected:
        print(
            f"Plugin '{rejection.name}' ({rejection.distribution}) is rejected: {rejection.reason}.",
            file=sys.stderr,
        )


def _without_absent_default(words: Sequence[str], registry: Registry) -> list[str]:
    """Drop the default experiment where its plugin is not loaded, so that other tasks still run."""
    chosen = any(word.lstrip("+~").partition("=")[0] == "experiment" for word in words)
    default = config.default_experiment()
    if chosen or f"experiment/{default}" in registry.presets():
        return []
    return ["experiment=none"]


def _place(words: Sequence[str]) -> list[str]:
    """The folder that the run writes to: the latest run when one is resumed, a subfolder for a process that is not
    the first."""
    keys = {word.lstrip("+").partition("=")[0]: word.partition("=")[2] for word in words}
    placed = keys.keys() & {"output", "hydra.run.dir"}
    if _processes() > 1 and "output" not in keys:
        raise ConfigError("several processes need one folder to write to: give output=FOLDER.")
    if os.environ.get("MS_ROLE") == "MS_WORKER" and "MS_NODE_ID" not in os.environ:
        raise ConfigError(
            "each host must know which processes are its own: give msrun --node_rank=NUMBER there."
        )
    if keys.get("task.resume", "").lower() == "true" and not placed:
        return [word("output", str(_latest_run()))]
    return [] if is_first_process() else [f"hydra.run.dir=${{output}}/{process_name()}"]


def _processes() -> int:
    """Number of processes that ``msrun`` started."""
    number = os.environ.get("MS_WORKER_NUM") or "1"
    if not number.isdecimal():
        raise ConfigError(f"MS_WORKER_NUM={number} is no number of processes: unset it, or start by msrun.")
    return int(number)


def _elsewhere(settings: Settings, registry: Registry, words: Sequence[str]) -> list[str]:
    """A temporary folder for the log of a run whose own folder cannot be made, and which keeps nothing else there.

    Raises `ConfigError` where the folder is to hold more, or where the words ask for it.
    """
    reason = _obstacle(Path(settings.output))
    if not reason:
        return []
    task = registry.entry_of("task", type(settings.task))
    placed = any(word.partition("=")[0].lstrip("+") in ("output", "hydra.run.dir") for word in words)
    if placed or not (isinstance(task, TaskEntry) and task.has_output):
        raise ConfigError(f"{settings.output} {reason}: give another output=FOLDER.")
    folder = tempfile.mkdtemp(prefix="mindvideo-")
    print(f"{settings.output} {reason}: the log of this run is in {folder}.", file=sys.stderr)
    return [word("output", folder)]


def _obstacle(folder: Path) -> str:
    """Why a folder cannot be one that a run writes to; empty where it can."""
    folder = folder.absolute()
    if "${" in str(folder):
        return "cannot be the folder of a run, as Hydra would replace '${' in its path"
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return "" if os.access(there, os.W_OK | os.X_OK) else "cannot be written"


def _check_sweep_folder(words: Sequence[str]) -> None:
    given = {key: value for key, _, value in (word.partition("=") for word in words)}
    folder = OmegaConf.create({"dir": given.get("hydra.sweep.dir", "sweeps").strip("'")}).dir
    if reason := _obstacle(Path(folder)):
        raise ConfigError(f"{folder} {reason}: give another hydra.sweep.dir=FOLDER.")


def _latest_run() -> Path:
    runs = [run for run in Path("runs").glob("*") if (run / "checkpoints").is_dir()]
    if not runs:
        raise ConfigError("there is no run to resume under runs/: name its folder with output=FOLDER.")
    return max(runs, key=lambda run: run.stat().st_mtime)

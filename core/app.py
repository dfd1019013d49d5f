"""From the words of a command line to a task that runs: plugins, composed configuration, checked settings, run.

Nothing here imports MindSpore; the first to do so is the device entry, after it has set the environment.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import hydra
import yaml
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import CompactHydraException, HydraException
from hydra.types import RunMode
from omegaconf import DictConfig

from core import __version__, config, devices, help, sweeping
from core.errors import ConfigError, MindvideoError, SweepError
from core.registry import Registry, load
from core.run import Run, leads, place
from core.text import escape_logs

LOOKS_ONLY = ("hydra_help", "shell_completion", "info")
"""Flags with which Hydra shows something that needs no sound configuration."""


class _Told(CompactHydraException):
    """A user's error on its way through a sweep, which reports it with the job that it stopped."""


def main() -> None:
    """The command. Exits with 0, with 1 after one clear message, or with 130 when interrupted."""
    escape_logs()
    try:
        _command(sys.argv[1:])
        devices.leave()
    except MindvideoError as error:
        sys.exit(f"Error: {error}")
    except HydraException as error:
        sys.exit(f"Error: {config.explain(error)}")
    except KeyboardInterrupt:
        print("Interrupted. A training goes on with output=FOLDER task.resume=true.", file=sys.stderr)
        sys.exit(130)


def _command(words: list[str]) -> None:
    if "--version" in words:
        print(f"mindvideo {__version__}")
        return
    words = [_null_choice(word) for word in words]
    flags = get_args_parser().parse_args(words)
    registry = plugins(_disabled(flags.overrides))
    config.offer(registry)
    if not flags.shell_completion:
        _report_rejected(registry)
    added = [*_without_absent_default(flags.overrides, registry), *_place(flags.overrides)]
    searched = [f"hydra.searchpath=['file://{Path(flags.config_dir).resolve()}']"] if flags.config_dir else []
    composed = [*searched, *added, *flags.overrides]
    if flags.help:
        help.print_help(registry, config.compose_for_show(composed, registry))
        return
    if flags.cfg:
        config.compose_for_show(composed, registry)
    elif not (flags.multirun or any(getattr(flags, name) for name in LOOKS_ONLY)):
        config.compose_settings(composed, registry)
    sys.argv[1:] = _with_overrides(words, flags.overrides, added)
    _hydra_main()
    if sweeping.Ended.folder:
        _end_sweep(sweeping.Ended.folder)


def _null_choice(word: str) -> str:
    """``model=null`` as Hydra spells it, ``~model``; for an experiment there is the one called ``none``."""
    key, _, value = word.partition("=")
    if key not in config.GROUPS or value != "null":
        return word
    return "experiment=none" if key == "experiment" else f"~{key}"


def _with_overrides(words: list[str], overrides: list[str], added: list[str]) -> list[str]:
    """The command line with further overrides beside those it has: flags may not stand between overrides."""
    place = words.index(overrides[0]) if overrides else len(words)
    return [*words[:place], *added, *words[place:]]


@functools.cache
def plugins(disable: tuple[str, ...]) -> Registry:
    """The registry of this process; a sweep's worker makes its own."""
    return load(disable)


@hydra.main(config_path=f"pkg://{config.CONFIG_PACKAGE}", config_name=config.CONFIG_NAME, version_base="1.3")
def _hydra_main(composed: DictConfig) -> float | None:
    try:
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            return _sweep_job(composed)
        return _run(composed).execute()
    except MindvideoError as error:
        if HydraConfig.get().mode is RunMode.MULTIRUN:
            raise _Told(f"Error: {error}") from None
        sys.exit(f"Error: {error}")


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
        if hasattr(run.settings.task, "resume"):
            run.settings.task.resume = True
        if getattr(run.settings.device, "threads", None) == 0:
            run.settings.device.threads = sweeping.threads_of_a_job(hydra_config.launcher)
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
    """A run composed from the words of the command line, for notebooks and tests; nothing is started.

    ``output`` is the folder of the run, made when something is written there. Raises a `MindvideoError`.
    """
    words = list(overrides) + ([f"output='{output}'"] if output else [])
    registry = plugins(_disabled(words))
    config.offer(registry)
    settings = config.compose_settings([*_without_absent_default(words, registry), *words], registry)
    return Run(settings, registry, Path(settings.output), words)


def _disabled(words: Sequence[str]) -> tuple[str, ...]:
    """The value of ``plugins.disable``, read ahead because it decides what there is to compose."""
    for word in reversed(words):
        key, _, value = word.lstrip("+").partition("=")
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
    """Where the run writes: the latest run when one is to be resumed, a folder in it where a process does not lead."""
    keys = {word.lstrip("+").partition("=")[0]: word.partition("=")[2] for word in words}
    placed = keys.keys() & {"output", "hydra.run.dir"}
    if int(os.environ.get("MS_WORKER_NUM") or 1) > 1 and "output" not in keys:
        raise ConfigError("several processes need one folder to write to: give output=FOLDER.")
    if os.environ.get("MS_ROLE") == "MS_WORKER" and "MS_NODE_ID" not in os.environ:
        raise ConfigError(
            "each host must know which processes are its own: give msrun --node_rank=NUMBER there."
        )
    if keys.get("task.resume", "").lower() == "true" and not placed:
        return [f"output='{_latest_run()}'"]
    return [] if leads() else [f"hydra.run.dir=${{output}}/{place()}"]


def _latest_run() -> Path:
    runs = [run for run in Path("runs").glob("*") if (run / "checkpoints").is_dir()]
    if not runs:
        raise ConfigError("there is no run to resume under runs/: name its folder with output=FOLDER.")
    return max(runs, key=lambda run: run.stat().st_mtime)

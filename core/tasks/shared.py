"""Tasks that other processes share: each of these builds what it works with from the settings of the run."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from core.clusters import RayCrew, SubmititCrew
from core.crew import Crew, LocalCrew, Where, Worker, share_of_cores
from core.hooks import Threaded
from core.options import Options, option
from core.registry import load
from core.run import Run
from core.settings import Settings
from core.sweeping import threads_of_a_job

_COMMON = (
    *("timeout_min", "cpus_per_task", "gpus_per_node", "tasks_per_node", "mem_gb", "nodes", "name"),
    "stderr_to_stdout",
)
"""What submitit knows of any job."""
_OTHERS = ("_target_", "submitit_folder", "max_num_timeout", "array_parallelism")
"""What a launcher is told beside a job's own."""


@dataclass
class SharedOptions(Options):
    """Options of a task that processes can share."""

    parallel: int = option(1, at_least=1)
    """Processes that share the work. What comes out is the same, and memory is that of so many."""
    engine: str = option("local", one_of=("local", "ray", "submitit"))
    """Where they run: on this machine, on a Ray cluster, or as jobs of submitit, for Slurm (extra ``cluster``)."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes than this one do the work."""
        return self.parallel > 1 or self.engine != "local"


@dataclass(frozen=True)
class Recipe:
    """Makes a worker of a run, in a process of its own (`core.crew.Recipe`)."""

    settings: Settings
    output: Path
    source: Path
    make: Callable[[Run, Path], Worker]

    def __call__(self, where: Where) -> Worker:
        registry = load(tuple(self.settings.plugins.disable))
        return self.make(Run(self.settings, registry, self.output), where(self.source))


def crew_of(run: Run, options: SharedOptions, source: Path, make: Callable[[Run, Path], Worker]) -> Crew:
    """Processes that share the work of a run on a ``source``, of which ``make`` gets the path that it has for them.

    Where threads are not chosen, processes of this machine share the cores, and others have what they are given.
    """
    settings = deepcopy(run.settings)
    launcher = HydraConfig.get().launcher if HydraConfig.initialized() else DictConfig({})
    threads = 1
    if isinstance(settings.device, Threaded):
        if settings.device.threads == 0:
            settings.device.threads = _threads(options, launcher)
        threads = settings.device.threads
    recipe = Recipe(settings, run.output, source, make)
    if options.engine == "ray":
        return RayCrew(recipe, options.parallel, threads, [source])
    if options.engine == "submitit":
        return SubmititCrew(recipe, options.parallel, *_of_submitit(launcher, threads))
    return LocalCrew(recipe, options.parallel)


def _threads(options: SharedOptions, launcher: DictConfig) -> int:
    if options.engine == "local":
        return share_of_cores(options.parallel)
    return (threads_of_a_job(launcher) if options.engine == "submitit" else 0) or 1


def _of_submitit(launcher: DictConfig, threads: int) -> tuple[str | None, dict[str, Any]]:
    """What the launcher of ``sweep=submitit_slurm`` and the like says of jobs, as submitit takes it."""
    executor = {"SlurmLauncher": "slurm", "LocalLauncher": "local"}.get(
        str(launcher.get("_target_", "")).rpartition(".")[2]
    )
    if executor is None:
        return None, {"cpus_per_task": threads}
    chosen = {str(name): OmegaConf.select(launcher, str(name)) for name in launcher}
    common = {name: chosen[name] for name in _COMMON if chosen.get(name) is not None}
    own = {
        f"{executor}_{name}": value
        for name, value in chosen.items()
        if name not in {*_COMMON, *_OTHERS} and value is not None
    }
    return executor, {**common, **own, "cpus_per_task": threads}

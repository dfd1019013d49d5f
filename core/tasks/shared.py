"""Tasks that other processes share: each of these builds what it works with from the settings of the run."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from core.clusters import RayCrew
from core.crew import Crew, LocalCrew, Worker, share_of_cores
from core.hooks import Threaded
from core.options import Options, option
from core.registry import load
from core.run import Run
from core.settings import Settings


@dataclass
class SharedOptions(Options):
    """Of a task that processes can share."""

    parallel: int = option(1, at_least=1)
    """Processes that share the work. What comes out is the same, and memory is that of so many."""
    engine: str = option("local", one_of=("local", "ray"))
    """Where they run: on this machine, or on a Ray cluster (extra ``cluster``) whose machines all see the files."""

    @property
    def is_shared(self) -> bool:
        """Whether other processes than this one do the work."""
        return self.parallel > 1 or self.engine != "local"


@dataclass(frozen=True)
class Recipe:
    """Makes a worker of a run, in a process of its own (`core.crew.Recipe`)."""

    settings: Settings
    output: Path
    make: Callable[[Run], Worker]

    def __call__(self) -> Worker:
        registry = load(tuple(self.settings.plugins.disable))
        return self.make(Run(self.settings, registry, self.output))


def crew_of(run: Run, options: SharedOptions, make: Callable[[Run], Worker]) -> Crew:
    """Processes that share the work of a run; where threads are not chosen, they share the cores, or have one each."""
    settings = deepcopy(run.settings)
    if isinstance(settings.device, Threaded) and settings.device.threads == 0:
        settings.device.threads = share_of_cores(options.parallel) if options.engine == "local" else 1
    recipe = Recipe(settings, run.output, make)
    if options.engine == "local":
        return LocalCrew(recipe, options.parallel)
    threads = settings.device.threads if isinstance(settings.device, Threaded) else 1
    return RayCrew(recipe, options.parallel, threads)

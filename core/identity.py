"""What decides a run's results, of the parts that settings choose; `core.selection` puts a codec's together of it.

A job that was interrupted goes on, and what was measured is used again, only under equal `core.facts.Facts`. Names of
outputs, and options that cannot change a result, are left out (`CANNOT_MATTER`); whatever else an entry offers is in.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import metadata
from typing import TYPE_CHECKING, Any

from core import __version__, hooks
from core.config import entry_section
from core.facts import Facts, facts, outline_of

if TYPE_CHECKING:
    from core.run import Run

CANNOT_MATTER = frozenset(
    {
        "task.input",  # told by what it is, and how it is read: `core.media.fingerprint`
        "task.output",
        "task.overwrite",
        "task.parallel",
        "task.page",
        "task.engine",
        "task.report",
        "task.checkpoint",  # told by the weights
        "task.resume",
        "task.changed",
        "task.evaluate",
        "device.device_id",
        "device.fetch_every",
        "loader.workers",
        "loader.processes",
        "training.checkpoint_every",
        "training.pictures",
        "training.beside",
    }
)
"""Options, by their dotted names, under any value of which the same is made."""
TRAINED_BY = ("model", "loss", "optimizer", "step", "upscaler", "codec")
"""Kinds that decide what a training makes, beside its data set."""


def task(run: Run) -> Facts:
    """Identity of the task's own options."""
    return facts({"task": entry_section(run.settings.task)}, without=CANNOT_MATTER)


def training(run: Run) -> Facts:
    """Identity of a training, without how its arithmetic rounds, so that it may go on on another machine."""
    settings = run.settings
    kinds = [kind for kind in TRAINED_BY if settings.section(kind) is not None]
    sections = {
        name: value for kind in kinds for name, value in chosen_facts(run, kind, version=False).items()
    }
    sections["metric"] = {name: entry_section(options) for name, options in settings.metric.items()}
    sections |= {name: entry_section(settings.section(name)) for name in ("loader", "training")}
    sections |= {"seed": settings.seed, "weights": settings.weights}
    data = facts(
        chosen_facts(run, "dataset", version=False), name_of=outline_of
    )  # too large to be read for this
    return {**facts(sections, without=CANNOT_MATTER), **data}


def chosen_facts(run: Run, kind: str, version: bool = True) -> dict[str, Any]:
    """Name, options and plugin of what is chosen for a kind."""
    name = run.entry(kind, hooks.KINDS[kind]).name
    options = {kind: entry_section(run.settings.section(kind))}
    return options | (entry_facts(run, kind, kind, name) if version else {f"{kind}.entry": name})


def entry_facts(run: Run, role: str, kind: str, name: str) -> dict[str, str]:
    """Name and plugin of an entry, for what it is in the run."""
    plugin = run.registry.owner(kind, name)
    assert plugin is not None
    return {f"{role}.entry": f"{name} of {plugin.distribution} {plugin.version}"}


def computing(run: Run, computes: bool) -> dict[str, Any]:
    """Identity of what computes: libraries, and the device with its kernels where networks are computed."""
    if not computes:
        return {"version": versions(computes)}
    return {
        "version": versions(computes),
        "runtime": run.settings.runtime,
        "device": entry_section(run.settings.device),
        "arithmetic": run.arithmetic,
    }


def versions(computes: bool) -> dict[str, str]:
    """Versions of mindvideo, and of the libraries that decide a result, with or without networks."""
    packages = ["av", "numpy", "pillow", *(["mindspore", "constriction"] if computes else [])]
    return {"mindvideo": __version__, **{name: metadata.version(name) for name in packages}}


def measuring_facts(run: Run, measured: Facts, metrics: Collection[str]) -> Facts:
    """Identity of a measurement of what a selection says of itself, by some metrics."""
    options = {name: entry_section(run.settings.metric[name]) for name in metrics}
    return {**measured, **facts({"metric": options, "metrics": sorted(metrics)})}

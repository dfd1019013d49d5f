"""What decides a run's results: the one place where encode, upscale, train and the benchmark ask for it.

A job that was interrupted goes on, and what was measured is used again, only under equal `core.facts.Facts`. Names of
outputs, and options that cannot change a result, are left out (`CANNOT_MATTER`); whatever else an entry offers is in.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import __version__, hooks
from core.codecs import Resampling
from core.coding.entries import ResampledCodecEntry
from core.config import entry_section
from core.facts import Facts, facts, outline_of

if TYPE_CHECKING:
    from core.run import Run

CANNOT_MATTER = frozenset(
    {
        "task.input",  # told by what it is, and how it is read: `core.media.fingerprint`
        "task.output",
        "task.overwrite",
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
    """Of the task's own options."""
    return facts({"task": entry_section(run.settings.task)}, without=CANNOT_MATTER)


def coding(run: Run, weights: str | Path | None) -> Facts:
    """Of the codec of a run: options, network, picture codec of intra frames, and what computes them.

    ``weights`` is its checkpoint (else ``settings.weights``). Asks for the device where a network computes.
    """
    entry = run.entry("codec", hooks.CodecEntry)
    inner: hooks.CodecEntry[Any] = entry
    sections = _chosen(run, "codec")
    computes = entry.takes_model
    if isinstance(entry, ResampledCodecEntry):
        parts = Resampling.of(run.settings.codec, run.registry)
        inner = parts.inner.entry
        computes = inner.takes_model or parts.upscaler.entry.takes_model
        sections |= _named(run, "inner", "codec", inner.name) | _named(
            run, "upscaler", "upscaler", parts.upscaler.entry.name
        )
    elif computes:
        sections |= _network(run, weights)
    if isinstance(inner, hooks.InterCodecEntry):
        sections |= _chosen(run, "intra")
    return facts({**sections, **_computing(run, computes)}, without=CANNOT_MATTER)


def upscaling(run: Run, weights: str | Path | None) -> Facts:
    """Of the upscaler of a run, as `coding` of a codec."""
    computes = run.entry("upscaler", hooks.UpscalerEntry).takes_model
    network = _network(run, weights) if computes else {}
    sections = {**_chosen(run, "upscaler"), **network, **_computing(run, computes)}
    return facts(sections, without=CANNOT_MATTER)


def training(run: Run) -> Facts:
    """Of a training, but for how its arithmetic rounds, so that it may go on on another machine."""
    settings = run.settings
    chosen = [kind for kind in TRAINED_BY if settings.section(kind) is not None]
    sections = {name: value for kind in chosen for name, value in _chosen(run, kind, version=False).items()}
    sections["metric"] = {name: entry_section(options) for name, options in settings.metric.items()}
    sections |= {name: entry_section(settings.section(name)) for name in ("loader", "training")}
    sections |= {"seed": settings.seed, "weights": settings.weights}
    data = facts(_chosen(run, "dataset", version=False), name_of=outline_of)  # too large to be read for this
    return {**facts(sections, without=CANNOT_MATTER), **data}


def _network(run: Run, weights: str | Path | None) -> dict[str, Any]:
    return {**_chosen(run, "model"), "weights": str(weights or run.settings.weights or "")}


def _chosen(run: Run, kind: str, version: bool = True) -> dict[str, Any]:
    """Name, options and plugin of what is chosen for a kind."""
    name = run.entry(kind, hooks.KINDS[kind]).name
    options = {kind: entry_section(run.settings.section(kind))}
    return options | (_named(run, kind, kind, name) if version else {f"{kind}.entry": name})


def _named(run: Run, role: str, kind: str, name: str) -> dict[str, Any]:
    plugin = run.registry.owner(kind, name)
    assert plugin is not None
    return {f"{role}.entry": f"{name} of {plugin.distribution} {plugin.version}"}


def _computing(run: Run, computes: bool) -> dict[str, Any]:
    """What computes: libraries, and the device with its kernels where networks are among what is computed."""
    packages = ["av", "numpy", "pillow", *(["mindspore", "constriction"] if computes else [])]
    versions = {"mindvideo": __version__, **{name: metadata.version(name) for name in packages}}
    if not computes:
        return {"version": versions}
    return {
        "version": versions,
        "runtime": run.settings.runtime,
        "device": entry_section(run.settings.device),
        "arithmetic": run.arithmetic,
    }


def measuring(run: Run, measured: Facts, metrics: Collection[str]) -> Facts:
    """Of a measurement of what `coding` or `upscaling` tell, by some metrics, on this machine."""
    options = {name: entry_section(run.settings.metric[name]) for name in metrics}
    return {**measured, **facts({"metric": options, "metrics": sorted(metrics)})}

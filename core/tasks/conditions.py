"""What is measured of a codec or an upscaler, and all that decides the result, told without building it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import identity
from core.codecs import NO_CHECKPOINT, Resampling
from core.coding.entries import ResampledCodecEntry
from core.config import entry_section
from core.errors import ConfigError
from core.facts import Facts
from core.hooks import CodecEntry, ConventionalCodecEntry, InterCodecEntry, IntraEntry, UpscalerEntry

if TYPE_CHECKING:
    from core.run import Run
    from core.training.checkpoint import Checkpoint

ALWAYS = ("psnr", "ssim", "ms_ssim")
"""Metrics that are measured anyhow."""


@dataclass(frozen=True)
class Subject:
    """What is measured."""

    fingerprint: str
    """Of weights and tables, or of what a conventional decoder needs."""
    parameters: int | None
    """Numbers in its networks; none where it has none."""
    conditions: dict[str, Any]
    """What the report says of how it was measured."""
    identity: Facts
    """All but the clip that decides a result: `core.identity`."""


def codec_subject(run: Run, weights: str | None) -> Subject:
    """The codec of a run; raises `ConfigError` where it lacks its checkpoint."""
    entry, options = run.entry("codec", CodecEntry), run.settings.codec
    inner: CodecEntry[Any] = entry
    if isinstance(entry, ResampledCodecEntry):
        parts = Resampling.of(options, run.registry)
        inner = parts.inner.entry
        fingerprint = parts.fingerprint(parts.inner.fingerprint)
        model: Any = [parts.inner.section, parts.upscaler.section]
        parameters = (parts.inner.parameters + parts.upscaler.parameters) or None
    elif isinstance(entry, ConventionalCodecEntry):
        fingerprint, model, parameters = entry.build(options).fingerprint, None, None
    else:
        checkpoint = _checkpoint(run, weights)
        fingerprint, model, parameters = checkpoint.fingerprint, run.model_section, checkpoint.parameters
    intra = None
    if isinstance(inner, InterCodecEntry):
        intra = {"name": run.entry("intra", IntraEntry).name, "options": entry_section(run.settings.intra)}
    packages = ["av", "numpy", *(["mindspore", "constriction"] if parameters else [])]
    conditions = {
        "codec": {"name": entry.name, "options": entry_section(options)},
        "model": model,
        "fingerprint": fingerprint.hex(),
        "intra": intra,
        **_surroundings(run, bool(parameters), packages),
    }
    measured = identity.coding(run, weights)
    return Subject(fingerprint.hex(), parameters, conditions, _measuring(run, measured))


def upscaler_subject(run: Run, weights: str | None) -> Subject:
    """The upscaler of a run; raises `ConfigError` where it lacks its checkpoint."""
    entry = run.entry("upscaler", UpscalerEntry)
    checkpoint = _checkpoint(run, weights) if entry.takes_model else None
    fingerprint = checkpoint.fingerprint.hex() if checkpoint else ""
    conditions = {
        "upscaler": {"name": entry.name, "options": entry_section(run.settings.upscaler)},
        "model": run.model_section if checkpoint else None,
        "fingerprint": fingerprint,
        **_surroundings(
            run, checkpoint is not None, ["numpy", "pillow", *(["mindspore"] if checkpoint else [])]
        ),
    }
    measured = identity.upscaling(run, weights)
    parameters = checkpoint.parameters if checkpoint else None
    return Subject(fingerprint, parameters, conditions, _measuring(run, measured))


def further_metrics(run: Run) -> list[str]:
    """Metrics that are measured because they were chosen."""
    return sorted(name for name in run.settings.metric if name not in ALWAYS)


def machine() -> str:
    """Processor and cores, to which measured times belong."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def _measuring(run: Run, measured: Facts) -> Facts:
    """The identity of a measurement; machine and all, since times are taken as well."""
    return {**identity.measuring(run, measured, further_metrics(run)), "machine": machine()}


def _surroundings(run: Run, computes: bool, packages: list[str]) -> dict[str, Any]:
    """Device (where a network computes on it), metrics, versions and machine."""
    from core import __version__

    return {
        "device": entry_section(run.settings.device) if computes else None,
        "metrics": {name: entry_section(run.settings.metric[name]) for name in further_metrics(run)},
        "versions": {"mindvideo": __version__, **{name: metadata.version(name) for name in packages}},
        "machine": machine(),
    }


def _checkpoint(run: Run, weights: str | None) -> Checkpoint:
    source = weights or run.settings.weights
    if not source:
        raise ConfigError(NO_CHECKPOINT)
    return run.checkpoint(source)

"""``task=doctor``: says what this installation has, and what is wrong with it."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from core import __version__
from core.console import Fact, print_facts
from core.hooks import TaskEntry
from core.kernels import library

if TYPE_CHECKING:
    from core.run import Run

PACKAGES = (
    *("mindspore", "numpy", "hydra-core", "omegaconf", "pluggy", "av", "tensorboardX"),
    *("torch", "onnx", "onnxruntime"),
)
GPL_ENCODERS = ("libx264", "libx265")
"""The encoders that we use, of those that libav may bring."""
CHECK_SECONDS = 1.0
SLOW_MILLISECONDS = 100.0
"""A 3x3 convolution of 64 channels on 64x64 takes 1-15 ms where oneDNN is set well, hundreds where it is not."""

CONVOLUTION = "3x3 convolution, 64 channels, 64x64"
ENVIRONMENT = ("ASCEND_", "CUDA_", "GLOG_", "HCCL_", "LD_LIBRARY_PATH", "MS_", "RANK_", "TE_")
"""Beginnings of the names of variables that MindSpore, CANN and CUDA read."""


@dataclass
class DoctorConfig:
    """Say what this installation has, and what is wrong with it."""


def _doctor(config: DoctorConfig, run: Run) -> None:
    print_facts("Versions", _versions())
    print_facts("Video", _video())
    print_facts("Device", _device(run))
    print_facts("Plugins", _plugins(run))
    print_facts("Folders", _folders(run))


def _versions() -> list[Fact]:
    facts = [("mindvideo", __version__), ("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            facts.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            facts.append((package, "not installed"))
    return facts


def _video() -> list[Fact]:
    import av

    held = [name for name in GPL_ENCODERS if name in av.codecs_available]
    licence = f"{', '.join(held)}: they bind who passes this installation on (docs/licences.md)"
    return [("encoders under the GPL", licence if held else "none; .mp4 and .mkv cannot be written")]


def _device(run: Run) -> list[Fact]:
    from core.devices import present

    milliseconds = _convolution_milliseconds(run)
    possible, detail = library.available()
    facts = [
        ("chosen", run.device.description),
        ("arithmetic", run.device.arithmetic),
        ("present", ", ".join(present())),
        *((target, _card(target)) for target in ("Ascend", "GPU")),
        ("kernels of our own for CPU", detail if possible else f"not here: {detail}"),
    ]
    if run.device.target == "CPU":
        facts.append(("ONEDNN_MAX_CPU_ISA", os.environ.get("ONEDNN_MAX_CPU_ISA", "not set")))
        verdict = "good" if milliseconds < SLOW_MILLISECONDS else "SLOW: set ONEDNN_MAX_CPU_ISA=AVX2"
        return [*facts, (CONVOLUTION, f"{milliseconds:.1f} ms ({verdict})")]
    return [
        *facts,
        *_environment(),
        (CONVOLUTION, f"{milliseconds:.1f} ms, with what the host takes to launch it"),
    ]


def _card(target: str) -> str:
    """What a question about a card of this kind needs to be known."""
    from core import cards

    if not cards.available(target):
        return cards.what_is_missing(target)
    cards_here = f"{cards.count(target)} of {cards.chip(target, None)}"
    doubt = cards.doubt_of_cann() if target == "Ascend" else ""
    return " ".join(filter(None, (f"{cards_here}, {cards.software(target)}.", doubt)))


def _environment() -> list[Fact]:
    """The variables of the environment that decide how a card works, with the paths to its software."""
    names = sorted(name for name in os.environ if name.startswith(ENVIRONMENT))
    return [(name, os.environ[name]) for name in names]


def _convolution_milliseconds(run: Run) -> float:
    """Median time of a convolution, measured for about a second."""
    own = run.backend  # asks for the device, before MindSpore is used
    import mindspore as ms
    import numpy as np

    from core.nn.conv import Conv2d

    with own:
        cell = Conv2d(64, 64, 3)
    picture = ms.Tensor(np.ones((1, 64, 64, 64), np.float32))
    cell(picture).asnumpy()
    times: list[float] = []
    until = time.perf_counter() + CHECK_SECONDS
    while not times or time.perf_counter() < until:
        start = time.perf_counter()
        cell(picture).asnumpy()
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


def _plugins(run: Run) -> list[Fact]:
    facts = []
    for plugin in run.registry.plugins:
        offers = ", ".join(f"{kind}={entry.name}" for kind, entry in plugin.entries)
        facts.append((f"{plugin.name} ({plugin.distribution} {plugin.version})", f"active: {offers}"))
    facts += [(name, "disabled") for name in run.registry.disabled]
    facts += [(f"{r.name} ({r.distribution})", f"REJECTED: {r.reason}") for r in run.registry.rejected]
    return facts


def _folders(run: Run) -> list[Fact]:
    folders = {
        "this run's output": run.output,
        "current folder": Path.cwd(),
        "temporary": Path(tempfile.gettempdir()),
    }
    return [(f"{what}: {folder}", _writable(folder)) for what, folder in folders.items()]


def _writable(folder: Path) -> str:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return "writable"
    except OSError as error:
        return f"NOT WRITABLE: {error.strerror}"


DOCTOR = TaskEntry("doctor", DoctorConfig, _doctor, needs=("device",), has_output=True)

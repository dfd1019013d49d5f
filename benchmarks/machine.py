"""What a measurement depends on besides the code: processor, load, versions."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import core

_CPU_INFO = Path("/proc/cpuinfo")
_INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile")


def describe() -> dict[str, str]:
    """Facts about this machine and environment, for people and for JSON."""
    fields = _cpu_fields()
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name", platform.processor() or platform.machine()),
        "cores": f"{available_cores()} of {os.cpu_count()}",
        "instructions": " ".join(name for name in _INSTRUCTIONS if name in flags) or "unknown",
        "system": platform.platform(),
        "python": platform.python_version(),
        "mindvideo": core.__version__,
        "waiting": f"OMP_WAIT_POLICY={os.environ.get('OMP_WAIT_POLICY', 'unset')}",
    }


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Processes that ran or waited to run, mean over the last minute."""
    return round(os.getloadavg()[0], 2)


def is_busy() -> bool:
    """Whether other work takes so much of the cores that times cannot be trusted."""
    return load() > available_cores() / 4


def _cpu_fields() -> dict[str, str]:
    """The description of the first core that Linux gives."""
    if not _CPU_INFO.is_file():
        return {}
    first = _CPU_INFO.read_text("utf-8").split("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}

"""What a measurement depends on besides the code: processor, load, versions."""

from __future__ import annotations

import os
import platform

import core
from core.machine import cores, processor_fields

_INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile")


def describe() -> dict[str, str]:
    """Facts about this machine and environment, for people and for JSON."""
    fields = processor_fields()
    flags = fields.get("flags", "").split()
    return {
        "processor": fields.get("model name", platform.processor() or platform.machine()),
        "cores": f"{cores()} of {os.cpu_count()}",
        "instructions": " ".join(name for name in _INSTRUCTIONS if name in flags) or "unknown",
        "system": platform.platform(),
        "python": platform.python_version(),
        "mindvideo": core.__version__,
        "waiting": f"OMP_WAIT_POLICY={os.environ.get('OMP_WAIT_POLICY', 'unset')}",
    }


def load() -> float:
    """Processes that ran or waited to run, mean over the last minute."""
    return round(os.getloadavg()[0], 2)


def is_busy() -> bool:
    """Whether other work takes so much of the cores that times cannot be trusted."""
    return load() > cores() / 4

"""The machine under this process: its processor, its cores, and the memory that was needed."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path


def description() -> str:
    """Processor and cores, to which measured times belong."""
    return f"{processor() or platform.processor() or platform.machine()}, {cores()} cores"


def processor() -> str:
    """Name of the processor; empty where the system does not tell it."""
    return processor_fields().get("model name", "")


def processor_fields() -> dict[str, str]:
    """The fields in which Linux describes the first core; empty elsewhere."""
    try:
        first = Path("/proc/cpuinfo").read_text("utf-8", "replace").split("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory() -> int:
    """Bytes that this program has held at most since its start."""
    try:
        status = Path("/proc/self/status").read_text("utf-8", "replace")
    except OSError:
        return _largest_resident()
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    own = lines.get("VmHWM", "").split()
    return int(own[0]) * 1024 if own else _largest_resident()


def _largest_resident() -> int:
    """The same by POSIX; on Linux it is never less than what the program that started this one held then."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if platform.system() == "Darwin" else largest * 1024

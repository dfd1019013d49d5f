"""Limits of how long a test may wait. They are written for a quiet machine; on a slow or a busy one they are longer.

The environment variable ``MINDVIDEO_TEST_PATIENCE`` multiplies them once more (2 is twice as long). A limit is there
to end what would never end: it is no measurement, and nothing that passes waits for it.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable

_REFERENCE = 0.08
"""Processor seconds that the piece of work of `_slowness` takes on the machine for which limits are written."""
_MAX_SLOWNESS = 10.0
"""Times that limits are stretched at most, patience aside: what hangs has to end some day."""
_LOOK = 0.02
"""Seconds between looks."""


def seconds(quiet: float) -> float:
    """The limit of what may take `quiet` seconds on a quiet machine."""
    return (
        quiet
        * min(_slowness() * _crowd(), _MAX_SLOWNESS)
        * float(os.environ.get("MINDVIDEO_TEST_PATIENCE", "1"))
    )


def becomes_true(condition: Callable[[], object], quiet: float) -> bool:
    """Wait until `condition` holds, at most `seconds(quiet)`; returns whether it did."""
    ends = time.monotonic() + seconds(quiet)
    while not (holds := condition()) and time.monotonic() < ends:
        time.sleep(_LOOK)
    return bool(holds)


@functools.cache
def _slowness() -> float:
    """How many times as long as on the reference one processor takes for a fixed piece of work, at least 1."""
    began = time.process_time()
    sum(number * number for number in range(1_000_000))
    return max(1.0, (time.process_time() - began) / _REFERENCE)


def _crowd() -> float:
    """How many processes there were for each processor in the last minute, at least 1."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))

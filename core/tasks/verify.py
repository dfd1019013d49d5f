"""``task=verify``: decodes a stream (.mdv) without writing anything, and says what is wrong with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from omegaconf import MISSING

from core.hooks import FilePath, TaskEntry
from core.progress import Meter
from core.tasks.decode import decoding, frames_of
from core.tasks.options import TrainedOptions
from core.tasks.shared import SharedOptions

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class VerifyConfig(SharedOptions, TrainedOptions):
    """Decode a stream without writing anything, and say what is wrong with it."""

    input: FilePath = MISSING
    """The stream, .mdv."""


def _verify(config: VerifyConfig, run: Run) -> None:
    from core.coding.verify import verify
    from core.errors import StreamError

    source = Path(config.input)
    total = frames_of(source)
    with (
        decoding(run, config, source, config.checkpoint) as (loaded, shared),
        Meter(f"Verifying {source.name}", total) as meter,
    ):
        seen = shared and shared(lambda parts: meter.advance(parts=parts))
        result = verify(source, loaded, meter, run.limits, seen)
    if result.fault is not None:
        raise StreamError(result.description)
    log.info("%s: %s", source, result.description)


VERIFY = TaskEntry(
    "verify",
    VerifyConfig,
    _verify,
    needs=("codec", "device"),
    has_output=True,
    positional=("task.input",),
    decodes="input",
)

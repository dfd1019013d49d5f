"""``task=sweep_report``: the table and the plot of a sweep, from what its jobs left so far."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DataError
from core.hooks import FilePath, TaskEntry
from core.sweeping import jobs, swept_settings

if TYPE_CHECKING:
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class SweepReportConfig:
    """Show the jobs of a sweep: what was swept, scores, failures, and the best."""

    folder: FilePath | None = None
    """Folder of the sweep, which holds its numbered jobs; by default the latest one under ``sweeps/``."""


def _sweep_report(config: SweepReportConfig, run: Run) -> None:
    report(Path(config.folder) if config.folder else _latest())


def report(folder: Path) -> int:
    """Write table, plot and numbers of a sweep into its folder, print the table; how many jobs failed."""
    from core.report.sweep import Row, SweepTable, print_sweep, write_sweep

    found = jobs(folder)
    columns = dict(swept_settings(found))
    rows = [
        Row(
            job.number,
            [column[i] for column in columns.values()],
            job.state,
            job.score,
            job.seconds,
            job.failure,
        )
        for i, job in enumerate(found)
    ]
    sweep = SweepTable(list(columns), rows)
    title = f"Sweep {folder}"
    written = write_sweep(sweep, title, folder)
    print_sweep(sweep, title)
    log.info("Report: %s", written)
    return sum(job.failure is not None for job in found)


def _latest() -> Path:
    folders = [folder for folder in Path("sweeps").glob("*") if folder.is_dir()]
    if not folders:
        raise DataError("there is no sweep under sweeps/: name its folder with task.folder=FOLDER.")
    return max(folders, key=lambda folder: folder.stat().st_mtime)


SWEEP_REPORT = TaskEntry(
    "sweep_report", SweepReportConfig, _sweep_report, has_output=True, positional=("task.folder",)
)

"""Tables on the terminal and in files."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from core.console import console
from core.upscaling.evaluate import OURS, Evaluation, Row

PLACES = {"psnr": 2, "ssim": 4, "ms_ssim": 4}
UNITS = {"psnr": "PSNR dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM", "gmsd": "GMSD", "ms_gmsd": "MS-GMSD"}


def print_evaluation(evaluation: Evaluation, title: str) -> None:
    """The three tasks, ours against the floor, on standard output."""
    metrics = list(evaluation.rows[0].values)
    table = Table(title=title, title_justify="left")
    table.add_column("Task")
    table.add_column("Method")
    for metric in metrics:
        table.add_column(UNITS.get(metric, metric), justify="right")
    for row in _ordered(evaluation.rows):
        style = "bold" if row.method == OURS else ""
        cells = [f"{row.values[m]:.{PLACES.get(m, 4)}f}" for m in metrics]
        table.add_row(row.task.value, row.method, *cells, style=style, end_section=row.method == OURS)
    console().print(table)


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """By task, the floor before ours."""
    order = list(dict.fromkeys(row.task for row in rows))
    return sorted(rows, key=lambda row: (order.index(row.task), row.method == OURS))

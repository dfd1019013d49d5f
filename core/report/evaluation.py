"""An evaluation for people: a codec beside its anchor, or an upscaler beside the baselines, as tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from core.console import console
from core.measure.evaluation import OURS, CodecEvaluation, Example, Row, TaskRow, UpscalerEvaluation, Values
from core.report.pictures import comparison

PLACES = {"psnr": 2, "ssim": 4, "ms_ssim": 4}
UNITS = {"psnr": "PSNR dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM", "gmsd": "GMSD", "ms_gmsd": "MS-GMSD"}


def print_codec_evaluation(evaluation: CodecEvaluation, title: str) -> None:
    """Rate, quality and speed on standard output, the anchor above ours."""
    rows = evaluation.rows
    # The metric psnr with its usual options says the same once more.
    metrics = [m for m in rows[OURS].values if not all(_is_psnr(row, m) for row in rows.values())]
    table = Table(title=title, title_justify="left")
    table.add_column("Method")
    for heading in ("bpp", "RGB PSNR dB", *(UNITS.get(metric, metric) for metric in metrics)):
        table.add_column(heading, justify="right")
    *others, anchor = rows if evaluation.anchor else (*rows, None)
    for name in (*([anchor] if anchor else []), *others[1:], OURS):
        row = rows[name]
        style = "bold" if name == OURS else ""
        table.add_row(name, f"{row.bpp:.4f}", f"{row.psnr:.2f}", *_cells(row.values, metrics), style=style)
    shown = console()
    shown.print(table)
    shown.print("; ".join(_summary(evaluation)))


def _is_psnr(row: Row, metric: str) -> bool:
    value = row.values[metric]
    return value is not None and bool(np.isclose(value, row.psnr))


def _summary(evaluation: CodecEvaluation) -> list[str]:
    rows, said = evaluation.rows, []
    if evaluation.anchor and evaluation.score is not None:
        share = rows[evaluation.anchor].bpp / rows[OURS].bpp
        name = evaluation.anchor.partition(",")[0]
        said.append(f"{evaluation.score:+.2f} dB RGB PSNR against {name} with {share:.0%} of the bytes")
    if evaluation.estimated_bpp is not None:
        said.append(f"estimated rate {evaluation.estimated_bpp:.4f} bpp")
    encode, decode = evaluation.seconds("encode_seconds"), evaluation.seconds("decode_seconds")
    said.append(f"{encode:.3f} s to encode and {decode:.3f} s to decode a frame")
    return [*said, f"peak memory {evaluation.peak_memory / 2**20:.0f} MiB"]


def print_upscaler_evaluation(evaluation: UpscalerEvaluation, title: str) -> None:
    """The three tasks, ours against the baseline, on standard output."""
    rows = evaluation.rows
    metrics = list(rows[0].values)
    table = Table(title=title, title_justify="left")
    table.add_column("Task")
    table.add_column("Method")
    for metric in metrics:
        table.add_column(UNITS.get(metric, metric), justify="right")
    for row in _floors_first(rows):
        is_ours = row.method == OURS
        cells = _cells(row.values, metrics)
        style = "bold" if is_ours else ""
        table.add_row(row.task.value, row.method, *cells, style=style, end_section=is_ours)
    console().print(table)


def draw_examples(examples: Sequence[Example]) -> dict[str, NDArray[np.uint8]]:
    """A picture by name for each kept clip; the detail is where the methods differ most."""
    return {
        f"comparison_{number}": comparison(example.panels, example.difference)
        for number, example in enumerate(examples)
    }


def _floors_first(rows: Sequence[TaskRow]) -> list[TaskRow]:
    """Rows by task, the baseline before ours."""
    order = list(dict.fromkeys(row.task for row in rows))
    return sorted(rows, key=lambda row: (order.index(row.task), row.method == OURS))


def _cells(values: Values, metrics: Sequence[str]) -> list[str]:
    return [f"{values[metric]:.{PLACES.get(metric, 4)}f}" for metric in metrics]

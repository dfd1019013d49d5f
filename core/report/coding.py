"""A codec's evaluation for people: the table, and pictures of ours beside x264 with no more bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from core.coding.evaluate import ANCHOR, OURS, CodecEvaluation, Measured
from core.console import console
from core.report.pictures import comparison
from core.report.tables import PLACES, UNITS


def print_codec_evaluation(evaluation: CodecEvaluation, title: str) -> None:
    """Rate, quality and speed on standard output, the anchor above ours."""
    rows = evaluation.rows
    # The metric psnr with its usual options says the same once more.
    metrics = [
        m for m in rows[OURS].values if not all(np.isclose(r.values[m], r.psnr) for r in rows.values())
    ]
    table = Table(title=title, title_justify="left")
    table.add_column("Method")
    for heading in ("bpp", "RGB PSNR dB", *(UNITS.get(metric, metric) for metric in metrics)):
        table.add_column(heading, justify="right")
    table.add_row(ANCHOR, *_cells(rows[ANCHOR], metrics))
    for name, measured in evaluation.others.items():
        table.add_row(name, *_cells(measured, metrics))
    table.add_row(OURS, *_cells(rows[OURS], metrics), style="bold")
    shown = console()
    shown.print(table)
    encode, decode = evaluation.seconds()
    estimated = evaluation.estimated_bpp
    share = rows[ANCHOR].bpp / rows[OURS].bpp
    said = [f"{evaluation.score:+.2f} dB RGB PSNR against x264 with {share:.0%} of the bytes"]
    said += [f"estimated rate {estimated:.4f} bpp"] if estimated is not None else []
    said += [f"{encode:.3f} s to encode and {decode:.3f} s to decode a frame"]
    said += [f"peak memory {evaluation.peak_memory / 2**20:.0f} MiB"]
    shown.print("; ".join(said))


def draw_codec_evaluation(evaluation: CodecEvaluation) -> dict[str, NDArray[np.uint8]]:
    """A picture by name for each kept clip: source, others, ours, x264; the detail is where they differ most."""
    return {
        f"comparison_{number}": comparison(example.panels, example.difference)
        for number, example in enumerate(evaluation.examples)
    }


def _cells(row: Measured, metrics: Sequence[str]) -> list[str]:
    values = [f"{row.values[metric]:.{PLACES.get(metric, 4)}f}" for metric in metrics]
    return [f"{row.bpp:.4f}", f"{row.psnr:.2f}", *values]

"""The report of a sweep: a table of its jobs, and the score over each setting that was swept."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from core.console import console
from core.files import whole_file, write_json
from core.text import markdown, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKDOWN, RECORD, PLOT = "sweep.md", "sweep.json", "sweep.png"
BEST = "best"


@dataclass(frozen=True)
class Row:
    """One job."""

    number: int
    values: Sequence[str]
    """Values of the settings that were swept, in their order."""
    state: str
    score: float | None
    seconds: float | None
    failure: str | None


@dataclass(frozen=True)
class SweepTable:
    """A sweep: names of the settings that were swept, and its jobs."""

    settings: Sequence[str]
    rows: Sequence[Row]

    @property
    def best(self) -> Row | None:
        """The job with the highest score."""
        scored = [row for row in self.rows if row.score is not None]
        return max(scored, key=lambda row: row.score or 0.0, default=None)

    @property
    def headings(self) -> list[str]:
        """Headings of the table."""
        return ["Job", *self.settings, "Score", "Seconds", "State"]

    def cells(self, row: Row) -> list[str]:
        """A row as text."""
        score = "" if row.score is None else f"{row.score:.4f}"
        seconds = "" if row.seconds is None else f"{row.seconds:.0f}"
        state = f"failed: {row.failure}" if row.failure is not None else row.state
        state = BEST if row is self.best else state
        return [str(row.number), *row.values, score, seconds, state]


def print_sweep(sweep: SweepTable, title: str) -> None:
    """The table on standard output."""
    table = Table(title=title, title_justify="left")
    for heading in sweep.headings:
        table.add_column(heading, justify="right" if heading in ("Job", "Score", "Seconds") else "left")
    for row in sweep.rows:
        table.add_row(*sweep.cells(row), style="bold" if row is sweep.best else "")
    console().print(table)


def write_sweep(sweep: SweepTable, title: str, folder: Path) -> Path:
    """Write table, numbers and plot into a folder; returns the table's path."""
    record: dict[str, Any] = {
        "settings": list(sweep.settings),
        "jobs": [asdict(row) for row in sweep.rows],
        "best": sweep.best.number if sweep.best else None,
    }
    write_json(folder / RECORD, record)
    if sweep.best is not None:
        _plot(sweep, folder / PLOT)
    with whole_file(folder / MARKDOWN) as temporary:
        temporary.write_text(_markdown(sweep, title), "utf-8")
    return folder / MARKDOWN


def _markdown(sweep: SweepTable, title: str) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(markdown, cells)) + " |"

    lines = [f"# {markdown(title)}", "", line(sweep.headings), "|" + " --- |" * len(sweep.headings)]
    lines += [line(sweep.cells(row)) for row in sweep.rows]
    if sweep.best is not None:
        lines += ["", "Higher is better.", "", f"![Score over what was swept]({PLOT})"]
    return "\n".join(lines) + "\n"


def _plot(sweep: SweepTable, path: Path) -> None:
    """One panel for each setting that was swept; without any, the score over the jobs."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [(name, [row.values[i] for row in sweep.rows]) for i, name in enumerate(sweep.settings)]
    panels = panels or [("job", [str(row.number) for row in sweep.rows])]
    with (
        rc_context({"text.parse_math": False}),
        whole_file(path) as temporary,
    ):  # a value may have dollar signs
        figure = Figure(figsize=(4.5 * len(panels), 3.5), layout="constrained")
        FigureCanvasAgg(figure)
        for axes, (name, values) in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            _panel(axes, name, values, sweep)
        figure.savefig(temporary)


def _numbers(values: Sequence[str]) -> list[float]:
    """The values as numbers; none where one is no finite number."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _panel(axes: Axes, name: str, values: Sequence[str], sweep: SweepTable) -> None:
    """Score over one setting: on a scale of numbers where all are, a logarithmic one where they span two decades."""
    numbers = _numbers(values)
    places: list[Any] = numbers or list(map(one_line, values))
    if numbers and min(numbers) > 0 and max(numbers) >= 100 * min(numbers):
        axes.set_xscale("log")
    scored = [(place, row) for place, row in zip(places, sweep.rows, strict=True) if row.score is not None]
    axes.plot([place for place, _ in scored], [row.score or 0.0 for _, row in scored], "o", color="#0b6bcb")
    axes.plot(
        [place for place, row in scored if row is sweep.best],
        [row.score or 0.0 for _, row in scored if row is sweep.best],
        "o",
        color="#d1480f",
        label=BEST,
    )
    axes.set_xlabel(one_line(name))
    axes.set_ylabel("score")
    axes.legend()

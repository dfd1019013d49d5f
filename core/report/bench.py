"""The report of a benchmark: one HTML page that needs nothing else, and the same as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from core.bench.bd import TOO_FEW
from core.bench.cache import Cache
from core.bench.compare import (
    MEAN_CURVE,
    MEAN_OF_SEQUENCES,
    MEASURES,
    Comparison,
    Conditions,
    Curve,
    figures,
    plain,
)
from core.bench.published import Published, published
from core.bench.records import QUALITIES, PointRecord
from core.bench.results import NOTES, Results
from core.files import whole_file, write_json
from core.report import crops
from core.report.svg import Series, chart

PAGE, MARKDOWN, RECORD = "bench.html", "bench.md", "bench.json"
POINTS, DELTAS = "points.csv", "deltas.csv"

DRAWN = {"psnr_rgb": "RGB PSNR, dB", "psnr_yuv": "YUV PSNR 6:1:1, dB", "ms_ssim": "MS-SSIM"}
HEADINGS = {
    "bpp": "bpp",
    "psnr_rgb": "PSNR RGB",
    "psnr_y": "PSNR Y",
    "psnr_yuv": "PSNR YUV",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
}
NONE = "n/a"
AXES = ("kind", "coding", "supervision", "direction")


@dataclass(frozen=True)
class Table:
    """Cells as text; each row belongs to a contender, by which it is filtered."""

    title: str
    headings: Sequence[str]
    rows: list[tuple[str, list[str]]] = field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """All that was measured under the same conditions."""

    title: str
    charts: list[str]
    references: list[Published]
    points: Table
    deltas: list[Table]
    pictures: list[crops.Row]


def write_report(results: Results, folder: Path, cache: Path, pictures: int) -> Path:
    """Write all files into a folder; returns the page."""
    sections = [
        _section(results, conditions, together, Cache(cache), pictures)
        for conditions, together in figures(results.curves).items()
    ]
    tables = [_classification(results), *([_costs(results)] if results.curves else [])]
    failures = _failures(results)
    page = folder / PAGE
    _write(page, _html(results, sections, tables, failures))
    _write(folder / MARKDOWN, _markdown(results, sections, tables, failures))
    _write(folder / POINTS, _csv(_point_rows(results)))
    _write(folder / DELTAS, _csv([plain(comparison) for comparison in results.comparisons]))
    write_json(folder / RECORD, results.plain())
    return page


def _section(
    results: Results, conditions: Conditions, together: Sequence[Curve], cache: Cache, pictures: int
) -> Section:
    data = results.sets[conditions.test_set]
    references = [curve for curve in published() if curve.matches(conditions, data)]
    charts = [_chart(together, references, quality, label) for quality, label in DRAWN.items()]
    mine = [comparison for comparison in results.comparisons if comparison.conditions == conditions]
    anchors = list(dict.fromkeys(comparison.anchor for comparison in mine))
    return Section(
        conditions.title,
        [drawn for drawn in charts if drawn],
        references,
        _points(results, together),
        [_deltas(anchor, [c for c in mine if c.anchor == anchor]) for anchor in anchors],
        crops.rows(together, cache, pictures),
    )


def _chart(curves: Sequence[Curve], references: Sequence[Published], quality: str, label: str) -> str:
    series = [
        Series(
            curve.contender,
            [
                (
                    point.bpp,
                    value,
                    f"{curve.contender} at {name}: {point.bpp:.4f} bpp, {_text(quality, value)}",
                )
                for name, point in curve.points.items()
                if (value := point.value(quality)) is not None
            ],
        )
        for curve in curves
    ]
    series += [
        Series(
            f"{curve.codec} (published)",
            [(x, y, f"{curve.codec}: {x:.4f} bpp, {_text(quality, y)}") for x, y in curve.curve(quality)],
            reference=True,
        )
        for curve in references
    ]
    return chart(series, "bits per pixel", label)


def _points(results: Results, curves: Sequence[Curve]) -> Table:
    """One row for each point."""
    measured = next(iter(curves[0].points.values())).clips[0].values
    values = [*QUALITIES, *sorted(measured.keys() - set(QUALITIES))]
    names = ["bpp", *values]
    table = Table("Points", ["Codec", *AXES, "Point", *(HEADINGS.get(name, name) for name in names)])
    for curve in curves:
        axes = [results.axes[curve.contender][axis] for axis in AXES]
        for name, point in curve.points.items():
            cells = [_text("bpp", point.bpp), *(_text(value, point.value(value)) for value in values)]
            table.rows.append((curve.contender, [curve.contender, *axes, name, *cells]))
    return table


def _deltas(anchor: str, comparisons: Sequence[Comparison]) -> Table:
    """One row for each contender and sequence."""
    table = Table(
        f"Against {anchor}",
        ["Codec", "Sequence", *(f"{m.name}{f', {m.unit}' if m.unit else ''}" for m in MEASURES)],
    )
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for comparison in comparisons:
        place = comparison.contender, comparison.sequence
        cells.setdefault(place, {})[comparison.measure.name] = _verdict(comparison)
    few = {c.contender for c in comparisons if c.sequence == MEAN_CURVE and TOO_FEW in c.delta.reason}
    single = len({s for _, s in cells} - {MEAN_OF_SEQUENCES, MEAN_CURVE}) == 1
    for (contender, sequence), found in cells.items():
        if single and sequence in (MEAN_OF_SEQUENCES, MEAN_CURVE):
            continue  # the only sequence is its own mean
        if sequence != MEAN_CURVE and not single and contender in few:
            continue  # said once
        table.rows.append((contender, [contender, sequence, *(found[m.name] for m in MEASURES)]))
    return table


def _verdict(comparison: Comparison) -> str:
    delta = comparison.delta
    if delta.value is None:
        return f"{NONE}: {delta.reason}"
    places = {"%": 1, "dB": 2}.get(comparison.measure.unit, 4)
    return f"{delta.value:+.{places}f} (Akima {delta.check:+.{places}f}, overlap {delta.overlap:.0%})"


def _classification(results: Results) -> Table:
    table = Table("Classification", ["Codec", "entry", *AXES])
    for contender, axes in results.axes.items():
        table.rows.append((contender, [contender, axes["codec"], *(axes[axis] for axis in AXES)]))
    return table


def _costs(results: Results) -> Table:
    headings = (
        "Codec",
        "Test set",
        "Point",
        "Encode s/frame",
        "of it entropy coder",
        "Decode s/frame",
        "of it entropy coder",
        "Peak MiB",
        "Parameters",
        "Multiply-adds/pixel",
        "Rate counts",
        "Fingerprint",
    )
    table = Table("Time, memory and size", headings)
    times = ("encode_seconds", "encode_entropy_seconds", "decode_seconds", "decode_entropy_seconds")
    for outcome in results.outcomes:
        record = outcome.record
        if record is None:
            continue
        seconds = [record.seconds(name) for name in times]
        only_cold = " (with compiling)" if record.parameters and all(c.cold for c in record.clips) else ""
        cells = [NONE if value is None else f"{value:.4f}{only_cold}" for value in seconds]
        table.rows.append(
            (
                outcome.contender,
                [
                    *(outcome.contender, outcome.test_set, outcome.point),
                    *cells,
                    f"{record.peak_memory / 2**20:.0f}",
                    NONE if record.parameters is None else f"{record.parameters:,}",
                    NONE,
                    record.counted,
                    record.fingerprint,
                ],
            )
        )
    return table


def _failures(results: Results) -> Table:
    table = Table("What failed", ["Codec", "Test set", "Point", "Why"])
    for outcome in results.outcomes:
        if outcome.record is None:
            cells = [outcome.contender, outcome.test_set, outcome.point, outcome.failure]
            table.rows.append((outcome.contender, cells))
    return table


def _text(name: str, value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.2f}" if name.startswith("psnr") else f"{value:.4f}"


def _html(results: Results, sections: Sequence[Section], tables: Sequence[Table], failures: Table) -> str:
    from jinja2 import Environment, StrictUndefined

    template = resources.files("core.report").joinpath("bench.html").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(
        results=results,
        sections=sections,
        tables=tables,
        failures=failures,
        notes=NOTES,
        axes=AXES,
        options={axis: sorted({a[axis] for a in results.axes.values()}) for axis in AXES},
        conditions=_condition_lines(results),
        gain=crops.GAIN,
    )


def _condition_lines(results: Results) -> list[tuple[str, str]]:
    """What was chosen for each contender and test set, as it was resolved."""
    lines: dict[str, str] = {}
    for outcome in results.outcomes:
        if outcome.record:
            lines.setdefault(f"{outcome.contender} at {outcome.point}", _options(outcome.record))
    sets = {name: _pairs({"dataset": data["name"], **data["options"]}) for name, data in results.sets.items()}
    return [*lines.items(), *((f"test set {name}", text) for name, text in sets.items())]


def _options(record: PointRecord) -> str:
    intra = {"intra": record.intra} if record.intra else {}
    device = {f"device.{key}": value for key, value in (record.device or {}).items()}
    return _pairs({"codec": record.codec, **record.options, **intra, **device})


def _pairs(options: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in options.items())


def _markdown(results: Results, sections: Sequence[Section], tables: Sequence[Table], failures: Table) -> str:
    lines = [
        f"# {results.title}",
        "",
        f"`{results.command}`",
        "",
        f"{results.machine}; {_pairs(results.versions)}",
    ]
    for section in sections:
        lines += ["", f"## {section.title}", *_markdown_table(section.points)]
        for table in section.deltas:
            lines += _markdown_table(table)
    for table in (*tables, failures):
        lines += _markdown_table(table) if table.rows else []
    lines += ["", "## Conditions", "", *(f"- {note}" for note in NOTES)]
    lines += [f"- {name}: `{text}`" for name, text in _condition_lines(results)]
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    head = [line(table.headings), line(["---"] * len(table.headings))]
    return ["", f"### {table.title}", "", *head, *(line(cells) for _, cells in table.rows)]


def _point_rows(results: Results) -> list[dict[str, Any]]:
    """A row for each clip of each point, with all that it takes to compute the tables again."""
    return [
        {
            "contender": outcome.contender,
            **results.axes[outcome.contender],
            "point": outcome.point,
            "test_set": outcome.test_set,
            "gop": record.gop,
            "clip": clip.label,
            "frames": clip.frames,
            "width": clip.width,
            "height": clip.height,
            "counted_bytes": clip.counted_bytes,
            "file_bytes": clip.file_bytes,
            "bpp": clip.bpp,
            **clip.values,
            "encode_seconds": clip.encode_seconds,
            "decode_seconds": clip.decode_seconds,
            "peak_memory": clip.peak_memory,
            "parameters": record.parameters,
            "fingerprint": record.fingerprint,
            "source": clip.source,
            "stream": clip.stream,
            "key": clip.key,
        }
        for outcome in results.outcomes
        if (record := outcome.record)
        for clip in record.clips
    ]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    headings = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, "utf-8")

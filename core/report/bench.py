"""The report of a benchmark: one HTML page that needs nothing else, and the same as Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.bench.compare import (
    Conditions,
    Curve,
    figures,
    to_json,
)
from core.bench.published import Published, load_published
from core.bench.results import NOTES, Results
from core.files import whole_file, write_json
from core.measure.cache import Cache
from core.measure.records import TASKS, Record, UpscalerRecord
from core.report import bench_tables, crops
from core.report.bench_tables import AXES, Table
from core.report.page import page
from core.report.svg import Series, chart
from core.text import csv_cell, markdown, markdown_code

PAGE, MARKDOWN, RECORD = "bench.html", "bench.md", "bench.json"
POINTS, UPSCALING, DELTAS = "points.csv", "upscaling.csv", "deltas.csv"

DRAWN = {"psnr_rgb": "RGB PSNR, dB", "psnr_yuv": "YUV PSNR 6:1:1, dB", "ms_ssim": "MS-SSIM"}


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
    codecs = [bench_tables.costs(results)] if results.curves else []
    tables = [
        *bench_tables.upscalers(results),
        *([bench_tables.classification(results)] if results.axes else []),
        *codecs,
        *([one] if (one := bench_tables.uncompared(results)).rows else []),
    ]
    failures = bench_tables.failures(results)
    page = folder / PAGE
    _write(page, _html(results, sections, tables, failures))
    _write(folder / MARKDOWN, _markdown(results, sections, tables, failures))
    _write(folder / POINTS, _csv(_point_rows(results)))
    if upscaled := _upscaling_rows(results):
        _write(folder / UPSCALING, _csv(upscaled))
    _write(folder / DELTAS, _csv([to_json(comparison) for comparison in results.comparisons]))
    write_json(folder / RECORD, results.to_json())
    return page


def _section(
    results: Results, conditions: Conditions, together: Sequence[Curve], cache: Cache, pictures: int
) -> Section:
    data = results.sets[conditions.test_set]
    references = [curve for curve in load_published() if curve.matches(conditions, data)]
    charts = [_chart(together, references, quality, label) for quality, label in DRAWN.items()]
    mine = [comparison for comparison in results.comparisons if comparison.conditions == conditions]
    anchors = list(dict.fromkeys(comparison.anchor for comparison in mine))
    return Section(
        conditions.title,
        [drawn for drawn in charts if drawn],
        references,
        bench_tables.points(results, together),
        [bench_tables.deltas(anchor, [c for c in mine if c.anchor == anchor]) for anchor in anchors],
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
                    f"{curve.contender} at {name}: {point.bpp:.4f} bpp, {bench_tables.text(quality, value)}",
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
            [
                (x, y, f"{curve.codec}: {x:.4f} bpp, {bench_tables.text(quality, y)}")
                for x, y in curve.curve(quality)
            ],
            reference=True,
        )
        for curve in references
    ]
    return chart(series, "bits per pixel", label)


def _html(results: Results, sections: Sequence[Section], tables: Sequence[Table], failures: Table) -> str:
    return page(
        "bench",
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


def _options(record: Record) -> str:
    device = {f"device.{key}": value for key, value in (record.device or {}).items()}
    if isinstance(record, UpscalerRecord):
        return _pairs({"upscaler": record.upscaler, **record.options, **device})
    intra = {"intra": record.intra} if record.intra else {}
    return _pairs({"codec": record.codec, **record.options, **intra, **device})


def _pairs(options: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in options.items())


def _markdown(results: Results, sections: Sequence[Section], tables: Sequence[Table], failures: Table) -> str:
    lines = [
        f"# {markdown(results.title)}",
        "",
        markdown_code(results.command),
        "",
        markdown(f"{results.machine}; {_pairs(results.versions)}"),
    ]
    for section in sections:
        lines += ["", f"## {markdown(section.title)}", *_markdown_table(section.points)]
        for table in section.deltas:
            lines += _markdown_table(table)
    for table in (*tables, failures):
        lines += _markdown_table(table) if table.rows else []
    lines += ["", "## Conditions", "", *(f"- {note}" for note in NOTES)]
    lines += [f"- {markdown(name)}: {markdown_code(text)}" for name, text in _condition_lines(results)]
    return "\n".join(lines) + "\n"


def _markdown_table(table: Table) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(markdown, cells)) + " |"

    head = [line(table.headings), "|" + " --- |" * len(table.headings)]
    return ["", f"### {markdown(table.title)}", "", *head, *(line(cells) for _, cells in table.rows)]


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
            **{f"multiply-adds/pixel, {name}": count for name, count in (record.multiply_adds or {}).items()},
            "fingerprint": record.fingerprint,
            "source": clip.source,
            "stream": clip.stream,
            "key": clip.key,
        }
        for outcome in results.outcomes
        if (record := outcome.coded)
        for clip in record.clips
    ]


def _upscaling_rows(results: Results) -> list[dict[str, Any]]:
    """A row for each task of each clip by each upscaler."""
    return [
        {
            "contender": outcome.contender,
            "point": outcome.point,
            "test_set": outcome.test_set,
            "scale": record.scale,
            "clip": clip.label,
            "width": clip.width,
            "height": clip.height,
            "task": task,
            **clip.values[task],
            "seconds": clip.seconds,
            "peak_memory": clip.peak_memory,
            "parameters": record.parameters,
            **{f"multiply-adds/pixel, {name}": count for name, count in (record.multiply_adds or {}).items()},
            "fingerprint": record.fingerprint,
            "source": clip.source,
            "key": clip.key,
        }
        for outcome in results.outcomes
        if (record := outcome.upscaled)
        for clip in record.clips
        for task in TASKS
    ]


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    headings = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(csv_cell, headings))
    writer.writerows([csv_cell(row.get(heading, "")) for heading in headings] for row in rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, "utf-8")

"""The tables of a benchmark's report, as text: points, verdicts, classification, costs, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.bench.bd import TOO_FEW
from core.bench.compare import MEAN_CURVE, MEAN_OF_SEQUENCES, MEASURES, Comparison, Curve, clips_of
from core.bench.results import Results
from core.measure.cost import DECODE_INTER, ENCODE_INTER, UPSCALE
from core.measure.qualities import QUALITIES
from core.measure.records import TASKS, UpscalerRecord

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


def points(results: Results, curves: Sequence[Curve]) -> Table:
    """One row for each point."""
    measured = next(iter(curves[0].points.values())).clips[0].values
    values = [*QUALITIES, *sorted(measured.keys() - set(QUALITIES))]
    names = ["bpp", *values]
    table = Table("Points", ["Codec", *AXES, "Point", *(HEADINGS.get(name, name) for name in names)])
    for curve in curves:
        axes = [results.axes[curve.contender][axis] for axis in AXES]
        for name, point in curve.points.items():
            cells = [text("bpp", point.bpp), *(text(value, point.value(value)) for value in values)]
            table.rows.append((curve.contender, [curve.contender, *axes, name, *cells]))
    return table


def deltas(anchor: str, comparisons: Sequence[Comparison]) -> Table:
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


def classification(results: Results) -> Table:
    """The class of each contender among codecs."""
    table = Table("Classification", ["Codec", "entry", *AXES])
    for contender, axes in results.axes.items():
        table.rows.append((contender, [contender, axes["codec"], *(axes[axis] for axis in AXES)]))
    return table


def costs(results: Results) -> Table:
    """The cost of each point."""
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
        "kMAC/pixel to encode an inter frame",
        "to decode it",
        "Rate counts",
        "Fingerprint",
    )
    table = Table("Time, memory and size", headings)
    times = ("encode_seconds", "encode_entropy_seconds", "decode_seconds", "decode_entropy_seconds")
    for outcome in results.outcomes:
        record = outcome.coded
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
                    *(_thousands(record.multiply_adds, name) for name in (ENCODE_INTER, DECODE_INTER)),
                    record.counted,
                    record.fingerprint,
                ],
            )
        )
    return table


def upscalers(results: Results) -> list[Table]:
    """Tables of all upscalers that were measured on the same clips: one for each task, and one of what each
    takes."""
    points = {(outcome.contender, outcome.point) for outcome in results.outcomes}
    several = {name for name, count in Counter(name for name, _ in points).items() if count > 1}
    together: dict[str, list[tuple[str, UpscalerRecord]]] = {}
    for outcome in results.outcomes:
        if record := outcome.upscaled:
            name = outcome.contender + (f" at {outcome.point}" if outcome.contender in several else "")
            together.setdefault(clips_of(outcome.test_set, record), []).append((name, record))
    return [table for title, records in together.items() for table in _upscaling_tables(title, records)]


def _upscaling_tables(title: str, records: Sequence[tuple[str, UpscalerRecord]]) -> Iterator[Table]:
    for task in TASKS:
        measured = records[0][1].clips[0].values[task]
        names = [*QUALITIES, *sorted(measured.keys() - set(QUALITIES))]
        table = Table(f"{task}, {title}", ["Upscaler", *(HEADINGS.get(name, name) for name in names)])
        for name, record in records:
            table.rows.append((name, [name, *(text(value, record.value(task, value)) for value in names)]))
        yield table
    headings = ("Upscaler", "s/frame", "Parameters", "kMAC/pixel", "Peak MiB", "Fingerprint")
    table = Table(f"Time, memory and size, {title}", headings)
    for name, record in records:
        cold = " (with compiling)" if record.parameters and all(clip.cold for clip in record.clips) else ""
        cells = [
            f"{record.seconds:.4f}{cold}",
            NONE if record.parameters is None else f"{record.parameters:,}",
            _thousands(record.multiply_adds, UPSCALE),
            f"{record.peak_memory / 2**20:.0f}",
            record.fingerprint or NONE,
        ]
        table.rows.append((name, [name, *cells]))
    yield table


def _thousands(multiply_adds: Mapping[str, float] | None, name: str) -> str:
    return NONE if multiply_adds is None else f"{multiply_adds[name] / 1000:,.1f}"


def failures(results: Results) -> Table:
    """Jobs without a point."""
    table = Table("What failed", ["Codec", "Test set", "Point", "Why"])
    for outcome in results.outcomes:
        if outcome.record is None:
            cells = [outcome.contender, outcome.test_set, outcome.point, outcome.failure]
            table.rows.append((outcome.contender, cells))
    return table


def uncompared(results: Results) -> Table:
    """Pairs of contender and anchor that were not compared."""
    table = Table("Not compared", ["Codec", "Against", "Test set", "Why"])
    for pair in results.apart:
        table.rows.append((pair.contender, [pair.contender, pair.anchor, pair.test_set, pair.reason]))
    return table


def text(name: str, value: float | None) -> str:
    """A measure as it is written."""
    if value is None:
        return NONE
    return f"{value:.2f}" if name.startswith("psnr") else f"{value:.4f}"

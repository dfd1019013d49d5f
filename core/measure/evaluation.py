"""What ``task=evaluate`` shows: a codec beside an anchor with no more bytes, an upscaler beside simple floors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.coding.codec import LoadedCodec
from core.hooks import Array, ClipSource, Output, Upscaler
from core.measure.anchor import Anchor, Match
from core.measure.clips import Clip, Measuring, measured
from core.measure.codecs import MeasuredCodec
from core.measure.qualities import qualities
from core.measure.records import (
    ClipRecord,
    CodedClips,
    Task,
    UpscaledClip,
    UpscaledClips,
    mean,
    mean_of,
)
from core.measure.upscalers import MeasuredUpscaler, by_task, upscaled
from core.media.planes import planar_format
from core.metrics.quality import stored_psnr
from core.upscaling.floors import Floor

if TYPE_CHECKING:
    from mindspore.train import Metric

OURS = "ours"
PSNR = "psnr_rgb"
"""The quality that is taken of a codec beside the chosen metrics."""
FLOOR_NAMES = {Task.SPATIAL: "bicubic", Task.TEMPORAL: "linear blend", Task.BOTH: "bicubic + blend"}
SHORT = {Task.SPATIAL: "s", Task.TEMPORAL: "t", Task.BOTH: "st"}

Values = Mapping[str, float | None]
Seen = Callable[[str], None]
"""Called after each clip, with a few words."""


@dataclass(frozen=True)
class Rated:
    """What a codec reached, on a clip or on all."""

    bpp: float
    psnr: float
    """Of RGB, both pictures rounded to 8 bits, dB."""
    values: Values
    """The chosen metrics."""


@dataclass(frozen=True)
class Anchored:
    """What the anchor reached on a clip, and how."""

    rated: Rated
    crf: float
    pixel_format: str | None
    """None where it has no choice."""


@dataclass(frozen=True)
class CodecExample:
    """The last frame of a clip, for a picture, each (3,H,W) in [0,1]; captions say bpp of the clip and this PSNR."""

    panels: tuple[tuple[str, Array], ...]
    difference: Array
    """Between ours and another's, or the source where there is none, (H,W)."""


@dataclass(frozen=True)
class CodecEvaluation(CodedClips):
    """A codec on all clips."""

    clips: Sequence[ClipRecord]
    estimated_bits: Sequence[float | None]
    """Information content of each clip, where it was asked for."""
    anchor: str | None
    """What the anchor is called; none where there is none."""
    anchored: Sequence[Anchored]
    """Each clip by the anchor, where there is one."""
    examples: Sequence[CodecExample]
    """Of the clips kept for pictures."""
    others: Mapping[str, Rated] = field(default_factory=dict)
    """What other codecs made of the same clips, by name."""

    @property
    def rows(self) -> dict[str, Rated]:
        """Means over clips: ours, then other codecs, then the anchor."""
        rows = {OURS: _mean([_of(clip) for clip in self.clips]), **self.others}
        return rows | ({self.anchor: _mean([one.rated for one in self.anchored])} if self.anchor else {})

    @property
    def score(self) -> float | None:
        """PSNR above that of the anchor with no more bytes, dB: comparable between rates, higher is better."""
        rows = self.rows
        return rows[OURS].psnr - rows[self.anchor].psnr if self.anchor else None

    @property
    def estimated_bpp(self) -> float | None:
        """Mean over clips of the information content, where it was asked for."""
        return mean_of(self._estimated)

    @property
    def _estimated(self) -> list[float | None]:
        pairs = zip(self.estimated_bits, self.clips, strict=True)
        return [None if bits is None else bits / clip.pixels for bits, clip in pairs]

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {
            "rows": {name: asdict(row) for name, row in self.rows.items()},
            "clips": [self._plain_clip(number) for number in range(len(self.clips))],
            "estimated_bpp": self.estimated_bpp,
            "encode_seconds": self.seconds("encode_seconds"),
            "decode_seconds": self.seconds("decode_seconds"),
            "peak_memory": self.peak_memory,
            "score": self.score,
        }

    def _plain_clip(self, number: int) -> dict[str, Any]:
        clip, anchored = self.clips[number], self.anchored[number] if self.anchor else None
        return {
            "frames": clip.frames,
            "width": clip.width,
            "height": clip.height,
            "bytes": clip.counted_bytes,
            "ours": asdict(_of(clip)),
            "anchor": asdict(anchored.rated) if anchored else None,
            "anchor_crf": anchored.crf if anchored else None,
            "anchor_format": anchored.pixel_format if anchored else None,
            "encode_seconds": clip.encode_seconds,
            "decode_seconds": clip.decode_seconds,
            "estimated_bpp": self._estimated[number],
        }


def evaluate_codec(
    loaded: LoadedCodec,
    source: ClipSource,
    metrics: Mapping[str, Metric],
    folder: Path,
    *,
    anchor: Anchor | None = None,
    seed: int = 0,
    pictures: int = 1,
    estimate: bool = False,
    seen: Seen | None = None,
) -> CodecEvaluation:
    """Code every clip of a source into ``folder``/clip_K.mdv, and see what the anchor makes of it with no more bytes.

    ``pictures`` is of how many clips examples are kept. Raises as `core.measure.clips.measured`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = MeasuredCodec(lambda: loaded, lambda number, key: folder / f"clip_{number}.mdv", estimate)
    how = Measuring(metrics=metrics, qualities=(PSNR,), pictures=pictures, seed=seed)
    clips: list[ClipRecord] = []
    bits: list[float | None] = []
    anchored: list[Anchored] = []
    examples: list[CodecExample] = []
    for one in measured(source, work, how):
        clip, record, made = one.clip, one.record, one.made
        assert made is not None, "nothing is found without a cache"
        panels = [(OURS, _of(record), made.pictures[-1])]
        if anchor:
            match = anchor.match(clip.frames, record.counted_bytes, loaded.gop)
            anchored.append(_anchored(match, record, clip, how))
            panels.append((anchor.name, anchored[-1].rated, match.pictures[-1]))
        if one.is_kept:
            examples.append(_example(clip, panels))
        clips.append(record)
        bits.append(made.estimated_bits)
        if seen:
            seen(record.words)
    name = f"{anchor.name}, no more bytes" if anchor else None
    return CodecEvaluation(clips, bits, name, anchored, examples)


def beside(ours: CodecEvaluation, others: Mapping[str, CodecEvaluation]) -> CodecEvaluation:
    """Our evaluation with the results and pictures of others, of the same clips, beside them."""
    examples = []
    for number, example in enumerate(ours.examples):
        panels = [(name, other.examples[number].panels[1]) for name, other in others.items()]
        named = [(name + caption.removeprefix(OURS), picture) for name, (caption, picture) in panels]
        source, own, *anchored = example.panels
        difference = abs(own[1] - named[0][1]).mean(axis=0) if named else example.difference
        examples.append(CodecExample((source, *named, own, *anchored), difference))
    return replace(ours, examples=examples, others={name: other.rows[OURS] for name, other in others.items()})


def _anchored(match: Match, record: ClipRecord, clip: Clip, how: Measuring) -> Anchored:
    values = qualities(match.pictures, clip.frames, how.metrics, how.qualities)
    format = planar_format(match.subsampling, 8) if match.subsampling else None
    return Anchored(_rated(match.bytes * 8 / record.pixels, values), match.crf, format)


def _example(clip: Clip, rated: Sequence[tuple[str, Rated, Array]]) -> CodecExample:
    source = clip.frames[-1]
    panels = [
        (f"{name}: {one.bpp:.4f} bpp, {stored_psnr(picture, source):.2f} dB", picture)
        for name, one, picture in rated
    ]
    other = panels[1][1] if len(panels) > 1 else source
    first = f"source, frame {len(clip.frames) - 1}", source
    return CodecExample((first, *panels), abs(panels[0][1] - other).mean(axis=0))


def _of(record: ClipRecord) -> Rated:
    return _rated(record.bpp, record.values)


def _rated(bpp: float, values: Values) -> Rated:
    psnr = values[PSNR]
    assert psnr is not None
    return Rated(bpp, psnr, {name: value for name, value in values.items() if name != PSNR})


def _mean(each: Sequence[Rated]) -> Rated:
    values = {name: mean_of([one.values[name] for one in each]) for name in each[0].values}
    return Rated(mean([one.bpp for one in each]), mean([one.psnr for one in each]), values)


@dataclass(frozen=True)
class TaskRow:
    """What a method reaches in a task, by metric."""

    task: Task
    method: str
    values: Values


@dataclass(frozen=True)
class UpscalerExample:
    """One clip as the network saw and made it, for a picture."""

    low: Array
    """First input frame, 3,h,w."""
    floor: Array
    ours: Array
    truth: Array
    """Middle high-resolution frame, 3,H,W."""


@dataclass(frozen=True)
class UpscalerEvaluation(UpscaledClips):
    """An upscaler on all clips."""

    clips: Sequence[UpscaledClip]
    floors: Sequence[Mapping[str, Values]]
    """What the floor reached on each clip, by task."""
    examples: Sequence[UpscalerExample]
    """Of the clips kept for pictures."""

    @property
    def rows(self) -> list[TaskRow]:
        """Means over clips in each task: ours, then the floor."""
        ours = [clip.values for clip in self.clips]
        return [
            TaskRow(task, method, _mean_of_task([values[task.value] for values in clips]))
            for task in Task
            for method, clips in ((OURS, ours), (FLOOR_NAMES[task], self.floors))
        ]

    def ours(self) -> dict[str, float]:
        """Our values, flat: ``psnr_st``, ``ssim_s``, …"""
        rows = [row for row in self.rows if row.method == OURS]
        named = {f"{name}_{SHORT[row.task]}": value for row in rows for name, value in row.values.items()}
        return {name: value for name, value in named.items() if value is not None}

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        rows = [{"task": row.task.value, "method": row.method, **row.values} for row in self.rows]
        return {"clips": len(self.clips), "rows": rows}


def evaluate_upscaler(
    upscaler: Upscaler,
    source: ClipSource,
    metrics: Mapping[str, Metric],
    *,
    seed: int = 0,
    pictures: int = 1,
    seen: Seen | None = None,
) -> UpscalerEvaluation:
    """Measure an upscaler on a source, and the floor beside it, by the chosen metrics alone.

    ``pictures`` is of how many clips examples are kept. Raises as `core.measure.clips.measured`, and as
    `core.measure.upscalers.require_triplets`.
    """
    work = MeasuredUpscaler(lambda: upscaler, source)
    how = Measuring(metrics=metrics, qualities=(), pictures=pictures, seed=seed)
    clips: list[UpscaledClip] = []
    floors: list[Mapping[str, Values]] = []
    examples: list[UpscalerExample] = []
    for one in measured(source, work, how):
        assert one.made is not None, "nothing is found without a cache"
        floor = upscaled(Floor(upscaler.scale), one.clip)
        clips.append(one.record)
        floors.append(by_task(floor, one.clip, how))
        if one.is_kept:
            frames, low = one.clip.columns
            made = one.made[Output.MIDDLE]
            examples.append(UpscalerExample(low[0], floor[Output.MIDDLE], made, frames[1]))
        if seen:
            seen(one.record.words)
    return UpscalerEvaluation(clips, floors, examples)


def _mean_of_task(each: Sequence[Values]) -> Values:
    return {name: mean_of([values[name] for values in each]) for name in each[0]}

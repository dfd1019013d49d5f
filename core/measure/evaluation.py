"""The results of ``task=evaluate``: a codec beside an anchor with no more bytes, an upscaler beside simple
baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.coding.codec import LoadedCodec
from core.hooks import Array, ClipSource, Output, Upscaler
from core.measure.clips import Clip, MeasureSettings, measure_clips
from core.measure.codecs import MeasuredCodec
from core.measure.rate_matching import Match, RateMatcher
from core.measure.records import ClipRecord, CodedClips, SrTask, UpscaledClip, UpscaledClips, mean_of
from core.measure.upscalers import MeasuredUpscaler
from core.metrics.quality import stored_psnr
from core.upscaling.baselines import Baseline

if TYPE_CHECKING:
    from mindspore.train import Metric

OURS = "ours"
PSNR = "psnr_rgb"
"""The quality that is taken of a codec beside the chosen metrics."""
BASELINE_NAMES = {SrTask.SPATIAL: "bicubic", SrTask.TEMPORAL: "linear blend", SrTask.BOTH: "bicubic + blend"}
SHORT = {SrTask.SPATIAL: "s", SrTask.TEMPORAL: "t", SrTask.BOTH: "st"}

Values = Mapping[str, float | None]
Seen = Callable[[str], None]
"""Called after each clip, with a few words."""


@dataclass(frozen=True)
class Example:
    """A clip in pictures: captions and (3,H,W) in [0,1], and where they differ, (H,W)."""

    panels: Sequence[tuple[str, Array]]
    difference: Array


@dataclass(frozen=True)
class Row:
    """Rate and quality of a codec, on a clip or on all."""

    bpp: float
    psnr: float
    """RGB PSNR of pictures rounded to 8 bits, dB."""
    values: Values
    """The chosen metrics."""

    @classmethod
    def of(cls, clips: Sequence[ClipRecord]) -> Row:
        """Means over clips."""
        coded = CodedClips(clips)
        values = {name: coded.value(name) for name in clips[0].values}
        return cls(coded.bpp, values.pop(PSNR) or 0.0, values)


@dataclass(frozen=True)
class CodecEvaluation(CodedClips):
    """A codec on all clips."""

    examples: Sequence[Example]
    """Last frames of the clips kept for pictures; captions say bpp of the clip and PSNR of the frame."""
    anchor: str | None = None
    """Name of the anchor, if there is one."""
    anchored: Sequence[tuple[Match, ClipRecord]] = ()
    """Each clip by the anchor."""
    others: Mapping[str, Row] = field(default_factory=dict)
    """Results of other codecs on the same clips, by name."""

    @property
    def rows(self) -> dict[str, Row]:
        """Means over clips: ours, then other codecs, then the anchor."""
        anchored = {self.anchor: Row.of([record for _, record in self.anchored])} if self.anchor else {}
        return {OURS: Row.of(self.clips), **self.others, **anchored}

    @property
    def score(self) -> float | None:
        """PSNR above that of the anchor with no more bytes, dB: comparable between rates, higher is better."""
        rows = self.rows
        return rows[OURS].psnr - rows[self.anchor].psnr if self.anchor else None

    @property
    def estimated_bpp(self) -> float | None:
        """Mean over clips of the information content, where it was asked for."""
        return mean_of([clip.estimated_bpp for clip in self.clips])

    def to_json(self) -> dict[str, Any]:
        """The evaluation as plain values for JSON."""
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
        clip = self.clips[number]
        match, record = self.anchored[number] if self.anchor else (None, None)
        names = ("frames", "width", "height", "encode_seconds", "decode_seconds", "estimated_bpp")
        return {
            **{name: getattr(clip, name) for name in names},
            "bytes": clip.counted_bytes,
            "ours": asdict(Row.of([clip])),
            "anchor": asdict(Row.of([record])) if record else None,
            "anchor_crf": match.crf if match else None,
            "anchor_format": match.pixel_format if match else None,
        }


def evaluate_codec(
    loaded: LoadedCodec,
    source: ClipSource,
    metrics: Mapping[str, Metric],
    folder: Path,
    *,
    anchor: RateMatcher | None = None,
    seed: int = 0,
    pictures: int = 1,
    estimate: bool = False,
    seen: Seen | None = None,
) -> CodecEvaluation:
    """Code every clip of a source into ``folder``/clip_K.mdv, and see what the anchor makes of it with no more bytes.

    ``pictures`` is for how many clips examples are kept. Raises as `core.measure.clips.measure_clips`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    work = MeasuredCodec(lambda: loaded, lambda number, key: folder / f"clip_{number}.mdv", estimate)
    settings = MeasureSettings(metrics=metrics, qualities=(PSNR,), pictures=pictures, seed=seed)
    ours: list[ClipRecord] = []
    anchored: list[tuple[Match, ClipRecord]] = []
    examples = []
    for one in measure_clips(source, work, settings):
        assert one.made is not None, "nothing is found without a cache"
        shown = [(OURS, one.record, one.made)]
        if anchor:
            match = anchor.match(one.clip.frames, one.record.counted_bytes, loaded.gop)
            rival = MeasuredCodec(match.load, lambda number, key: folder / f"clip_{number}.anchor.mdv")
            record, made = rival.measure(one.clip, settings, one.about)
            anchored.append((match, record))
            shown.append((anchor.name, record, made))
        if one.is_kept:
            examples.append(_example(one.clip, shown))
        ours.append(one.record)
        if seen:
            seen(one.record.words)
    return CodecEvaluation(ours, examples, f"{anchor.name}, no more bytes" if anchor else None, anchored)


def _example(clip: Clip, shown: Sequence[tuple[str, ClipRecord, Array]]) -> Example:
    source = clip.frames[-1]
    panels = [(f"source, frame {len(clip.frames) - 1}", source)]
    for name, record, made in shown:
        quality = stored_psnr(made[-1], source)
        panels.append((f"{name}: {record.bpp:.4f} bpp, {quality:.2f} dB", made[-1]))
    other = panels[2][1] if len(panels) > 2 else source
    return Example(panels, abs(panels[1][1] - other).mean(axis=0))


def with_others(ours: CodecEvaluation, others: Mapping[str, CodecEvaluation]) -> CodecEvaluation:
    """Our evaluation with the results and pictures of others, of the same clips, beside them."""
    examples = []
    for number, example in enumerate(ours.examples):
        panels = [(name, other.examples[number].panels[1]) for name, other in others.items()]
        named = [(name + caption.removeprefix(OURS), picture) for name, (caption, picture) in panels]
        source, own, *anchored = example.panels
        difference = abs(own[1] - named[0][1]).mean(axis=0) if named else example.difference
        examples.append(Example((source, *named, own, *anchored), difference))
    return replace(ours, examples=examples, others={name: other.rows[OURS] for name, other in others.items()})


@dataclass(frozen=True)
class TaskRow:
    """Quality of a method in a task, by metric."""

    task: SrTask
    method: str
    values: Values


@dataclass(frozen=True)
class UpscalerEvaluation(UpscaledClips):
    """An upscaler on all clips."""

    baseline: UpscaledClips
    """The same clips by the baseline."""
    examples: Sequence[Example]
    """Middle frames of the clips kept for pictures."""

    @property
    def rows(self) -> list[TaskRow]:
        """Means over clips in each task: ours, then the baseline."""
        return [
            TaskRow(task, method, clips.means(task.value))
            for task in SrTask
            for method, clips in ((OURS, self), (BASELINE_NAMES[task], self.baseline))
        ]

    def ours(self) -> dict[str, float]:
        """Our values, flat: ``psnr_st``, ``ssim_s``, …"""
        each = {f"{name}_{SHORT[task]}": v for task in SrTask for name, v in self.means(task.value).items()}
        return {name: value for name, value in each.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """The evaluation as plain values for JSON."""
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
    """Measure an upscaler on a source, and the baseline beside it, by the chosen metrics alone.

    ``pictures`` is for how many clips examples are kept. Raises as `core.measure.clips.measure_clips`, and as
    `core.measure.upscalers.require_triplets`.
    """
    work = MeasuredUpscaler(lambda: upscaler, source)
    baseline = MeasuredUpscaler(lambda: Baseline(upscaler.scale), source)
    settings = MeasureSettings(metrics=metrics, qualities=(), pictures=pictures, seed=seed)
    ours: list[UpscaledClip] = []
    baselines: list[UpscaledClip] = []
    examples = []
    for one in measure_clips(source, work, settings):
        assert one.made is not None, "nothing is found without a cache"
        record, simple = baseline.measure(one.clip, settings, one.about)
        ours.append(one.record)
        baselines.append(record)
        if one.is_kept:
            frames, low = one.clip.columns
            made, blended = one.made[Output.MIDDLE], simple[Output.MIDDLE]
            panels = [
                ("low resolution, frame 0", low[0]),
                ("bicubic + blend, frame 1", blended),
                ("ours, frame 1", made),
                ("truth, frame 1", frames[1]),
            ]
            examples.append(Example(panels, abs(made - blended).mean(axis=0)))
        if seen:
            seen(one.record.words)
    return UpscalerEvaluation(ours, UpscaledClips(baselines), examples)

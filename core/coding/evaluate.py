"""Measures a codec on clips: real streams, written and read back, beside x264 with no more bytes.

Rates are real: all bytes of the stream's file, with header and checks, over all pixels. Each clip is decoded from its
file by a fresh decoder, and the pictures that come out are measured. Values are means over the frames of a clip, then
over clips. Times are medians over clips, so that the first, in which networks are compiled, does not count.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.coding import anchor
from core.coding.codec import LoadedCodec
from core.coding.frames import StreamDecoder
from core.coding.groups import TimedPicture, coded, planned, unit
from core.entropy.stream import StreamHeader, StreamWriter
from core.errors import ConfigError
from core.hooks import Array, ClipSource, PictureFormat
from core.media.colour import Matrix, Range
from core.metrics.quality import as_stored, mean_psnr, psnr

if TYPE_CHECKING:
    from mindspore.train import Metric

OURS, ANCHOR = "ours", "x264, no more bytes"
RATE = Fraction(25)
"""Frames per second that the streams of clips state: a clip does not know its own."""


@dataclass(frozen=True)
class Measured:
    """What a method reached, on a clip or on all."""

    bpp: float
    psnr: float
    """Of RGB, both pictures rounded to 8 bits, dB."""
    values: dict[str, float]
    """The chosen metrics."""


@dataclass(frozen=True)
class ClipResult:
    """One clip: ours beside the anchor."""

    frames: int
    width: int
    height: int
    bytes: int
    ours: Measured
    anchor: Measured
    anchor_crf: float
    anchor_format: str
    encode_seconds: float
    """For each frame."""
    decode_seconds: float
    """For each frame."""
    estimated_bpp: float | None


@dataclass(frozen=True)
class Example:
    """The last frame of a clip, for a picture, each (3,H,W) in [0,1]; captions say bpp of the clip and this PSNR."""

    panels: tuple[tuple[str, Array], ...]
    difference: Array
    """Between ours and another's, (H,W)."""


@dataclass(frozen=True)
class CodecEvaluation:
    """All clips, and those kept for pictures."""

    clips: list[ClipResult]
    examples: list[Example]
    peak_memory: int
    """Bytes that the process held at most since its start."""
    others: Mapping[str, Measured] = field(default_factory=dict)
    """What other codecs made of the same clips, by name."""

    @property
    def rows(self) -> dict[str, Measured]:
        """Means over clips: ours, then other codecs, then the anchor."""
        return {
            OURS: _mean([clip.ours for clip in self.clips]),
            **self.others,
            ANCHOR: _mean([clip.anchor for clip in self.clips]),
        }

    @property
    def score(self) -> float:
        """PSNR above that of x264 with no more bytes, dB: comparable between rates, higher is better."""
        rows = self.rows
        return rows[OURS].psnr - rows[ANCHOR].psnr

    @property
    def estimated_bpp(self) -> float | None:
        """Mean over clips of the information content, where it was asked for."""
        estimated = [clip.estimated_bpp for clip in self.clips if clip.estimated_bpp is not None]
        return float(np.mean(estimated)) if estimated else None

    def seconds(self) -> tuple[float, float]:
        """To encode and to decode a frame: medians over clips."""
        encode = np.median([clip.encode_seconds for clip in self.clips])
        return float(encode), float(np.median([clip.decode_seconds for clip in self.clips]))


def evaluate(
    loaded: LoadedCodec,
    source: ClipSource,
    metrics: Mapping[str, Metric],
    folder: Path,
    *,
    seed: int = 0,
    keep: int = 1,
    estimate: bool = False,
    seen: Callable[[str], None] | None = None,
) -> CodecEvaluation:
    """Code every clip of a source into ``folder``/clip_k.mdv and measure what comes back.

    ``keep`` clips, evenly spaced, are kept for pictures; ``seen`` is called after each clip, with a few words. Raises
    `ConfigError` when the source has no clips, `StreamError` when a stream does not decode.
    """
    if len(source) == 0:
        raise ConfigError("the data set has no clips in this split.")
    folder.mkdir(parents=True, exist_ok=True)
    kept = set(np.linspace(0, len(source) - 1, num=min(keep, len(source)), dtype=int).tolist())
    clips: list[ClipResult] = []
    examples = []
    for index in range(len(source)):
        frames = source.clip(index, np.random.default_rng([seed, index]))[0]
        result, decoded, other = _code(loaded, frames, folder / f"clip_{index}.mdv", metrics, estimate)
        clips.append(result)
        if index in kept:
            examples.append(_example(result, frames[-1], decoded[-1], other[-1]))
        if seen:
            seen(f"{result.ours.bpp:.4f} bpp, {result.ours.psnr:.2f} dB")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return CodecEvaluation(clips, examples, peak)


def beside(ours: CodecEvaluation, others: Mapping[str, CodecEvaluation]) -> CodecEvaluation:
    """Our evaluation with the results and pictures of others, of the same clips, beside them."""
    examples = []
    for number, example in enumerate(ours.examples):
        panels = [(name, other.examples[number].panels[1]) for name, other in others.items()]
        named = [(name + caption.removeprefix(OURS), picture) for name, (caption, picture) in panels]
        source, own, anchored = example.panels
        difference = abs(own[1] - named[0][1]).mean(axis=0) if named else example.difference
        examples.append(Example((source, *named, own, anchored), difference))
    return replace(ours, examples=examples, others={name: other.rows[OURS] for name, other in others.items()})


def _code(
    loaded: LoadedCodec, frames: Array, path: Path, metrics: Mapping[str, Metric], estimate: bool
) -> tuple[ClipResult, Array, Array]:
    """One clip's result, its pictures as decoded, and the anchor's."""
    started = time.perf_counter()
    estimated = _encode(loaded, frames, path, estimate)
    between = time.perf_counter()
    ours = _decode(loaded, path)
    ended = time.perf_counter()
    count, _, height, width = frames.shape
    size = path.stat().st_size
    other = anchor.match(frames, size, loaded.gop)
    theirs = unit(other.pictures, 8)
    pixels = count * height * width
    result = ClipResult(
        frames=count,
        width=width,
        height=height,
        bytes=size,
        ours=_measure(metrics, ours, frames, size * 8 / pixels),
        anchor=_measure(metrics, theirs, frames, other.bytes * 8 / pixels),
        anchor_crf=other.crf,
        anchor_format=other.pixel_format,
        encode_seconds=(between - started) / count,
        decode_seconds=(ended - between) / count,
        estimated_bpp=estimated / pixels if estimate else None,
    )
    return result, ours, theirs


def _encode(loaded: LoadedCodec, frames: Array, path: Path, estimate: bool) -> float:
    """Write a clip's stream; returns its estimated bits (0 where not asked for)."""
    count, _, height, width = frames.shape
    header = StreamHeader(
        codec=loaded.name,
        fingerprint=loaded.fingerprint,
        width=width,
        height=height,
        depth=8,
        frame_rate=RATE,
        time_base=1 / RATE,
        frames=count,
        pixel_format="rgb24",
        matrix=Matrix.BT709,
        range=Range.FULL,
        gop=loaded.gop,
        arithmetic=loaded.arithmetic,
    )
    pictures = planned(
        (TimedPicture(picture, number) for number, picture in enumerate(frames)), loaded.gop, loaded.scene_cut
    )
    bits = 0.0
    with StreamWriter.create(path, header) as writer:
        for frame, _ in coded(pictures, loaded.codec, PictureFormat(width, height), estimate):
            writer.write(frame.packet)
            bits += frame.estimated_bits or 0.0
    return bits


def _decode(loaded: LoadedCodec, path: Path) -> Array:
    with StreamDecoder(path, loaded) as stream:
        return np.stack([unit(frame.picture, stream.header.depth) for frame in stream.frames()])


def _measure(metrics: Mapping[str, Metric], pictures: Array, truth: Array, bpp: float) -> Measured:
    values = {}
    for name, metric in metrics.items():
        metric.clear()
        for picture, true in zip(pictures, truth, strict=True):  # one at a time: some need much memory
            metric.update(picture[None], true[None])
        values[name] = float(metric.eval())
    pairs = zip(pictures, truth, strict=True)
    return Measured(bpp, mean_psnr(float(psnr(as_stored(p), as_stored(t))) for p, t in pairs), values)


def _mean(results: Sequence[Measured]) -> Measured:
    values = {name: float(np.mean([r.values[name] for r in results])) for name in results[0].values}
    bpp, quality = np.mean([r.bpp for r in results]), np.mean([r.psnr for r in results])
    return Measured(float(bpp), float(quality), values)


def _example(result: ClipResult, source: Array, ours: Array, other: Array) -> Example:
    def caption(name: str, measured: Measured, picture: Array) -> str:
        quality = float(psnr(picture, as_stored(source)))
        return f"{name}: {measured.bpp:.4f} bpp, {quality:.2f} dB"

    panels = (
        (f"source, frame {result.frames - 1}", source),
        (caption(OURS, result.ours, ours), ours),
        (caption("x264", result.anchor, other), other),
    )
    return Example(panels, abs(ours - other).mean(axis=0))

"""The anchor of a codec: what another one, x264 say, makes of the same clip with no more bytes.

Any codec without a network will do whose option ``crf``, the constant rate factor, has a range: the higher, the fewer
bytes. It is searched for each clip; where the codec codes 4:4:4 as well as 4:2:0, so is the better of the two. Only
packets are counted, without a container, and without the text in which encoders describe themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, cast

from core.coding.clips import encode_frames
from core.coding.codec import EXACT, LoadedCodec
from core.coding.groups import to_unit_range
from core.errors import ConfigError
from core.hooks import Array, CodecEntry, CodedFrame, ConventionalCodec, PictureFormat
from core.measure.records import mean
from core.media.colour import Subsampling
from core.media.planes import planar_format
from core.metrics.quality import stored_psnr
from core.options import ranges

STEPS = 12
"""Encodings at most in a search."""
CLOSE_ENOUGH = 0.97
"""Share of the bytes allowed that ends a search."""
_CHROMA = "subsampling"
"""The option that says how chroma is coded."""


@dataclass(frozen=True)
class Match:
    """The anchor at the rate that was found for a clip."""

    codec: LoadedCodec
    crf: float
    pixel_format: str | None
    """The pixel format; None where the codec has no choice of chroma."""
    bytes: int
    psnr: float
    """RGB PSNR, dB."""

    def load(self) -> LoadedCodec:
        """The codec."""
        return self.codec


class RateMatcher:
    """A codec whose rate is searched, with options of its own but for ``crf``, ``gop`` and ``subsampling``.

    Raises `ConfigError` where that cannot be.
    """

    def __init__(self, entry: CodecEntry[Any], options: Any) -> None:
        self.name, self.options = entry.name, options
        self._entry = entry
        allowed = ranges(entry.config).get("crf")
        if entry.needs or allowed is None or allowed.at_least is None or allowed.at_most is None:
            raise ConfigError(
                f"task.anchor={entry.name} cannot be given no more bytes: name a codec without a network whose option "
                "crf has a range, as x264, or null for none."
            )
        self._finest, self._coarsest = allowed.at_least, allowed.at_most
        try:
            replace(options, crf=self._coarsest)
        except ValueError as error:  # where another option excludes it
            raise ConfigError(f"task.anchor_options: {error}") from None

    def match(self, clip: Array, limit: int, gop: int) -> Match:
        """The best that it makes of a clip (T,3,H,W) in [0,1] in at most ``limit`` bytes.

        ``gop`` is the distance of intra frames, 0 for one alone. The rate factor is found by bisection, until at least
        `CLOSE_ENOUGH` of the limit is used. Where even the coarsest takes more than the limit, it is that one.
        """
        found = [self._search(clip, limit, options) for options in self._kinds(gop)]
        fitting = [match for match in found if match.bytes <= limit] or [min(found, key=lambda m: m.bytes)]
        return max(fitting, key=lambda match: match.psnr)

    def _kinds(self, gop: int) -> list[Any]:
        """Options for each way in which it codes chroma."""
        options = replace(self.options, gop=gop)
        if _CHROMA not in {field.name for field in fields(options)}:
            return [options]
        kinds = []
        for subsampling in (Subsampling.YUV420, Subsampling.YUV444):
            try:
                kinds.append(replace(options, **{_CHROMA: subsampling}))
            except ValueError:  # it codes 4:2:0 alone
                continue
        return kinds or [options]

    def _search(self, clip: Array, limit: int, options: Any) -> Match:
        finer, coarser = self._finest, self._coarsest
        best = self._encode(clip, options, coarser)
        for _ in range(STEPS):
            if _size(best) >= CLOSE_ENOUGH * limit:
                break
            crf = round((finer + coarser) / 2, 2)
            frames = self._encode(clip, options, crf)
            if _size(frames) <= limit:
                best, coarser = frames, crf
            else:
                finer = crf
        shown = sorted(best, key=lambda frame: frame.packet.time)
        quality = mean(
            [stored_psnr(to_unit_range(one.picture, 8), true) for one, true in zip(shown, clip, strict=True)]
        )
        chroma = getattr(options, _CHROMA, None)
        format = planar_format(chroma, 8) if chroma else None
        return Match(self._codec(options, coarser), coarser, format, _size(best), quality)

    def _encode(self, clip: Array, options: Any, crf: float) -> list[CodedFrame]:
        height, width = clip.shape[-2:]
        return list(encode_frames(self._codec(options, crf).codec, clip, PictureFormat(width, height)))

    def _codec(self, options: Any, crf: float) -> LoadedCodec:
        codec = self._entry.build(replace(options, crf=crf))
        fingerprint = cast(ConventionalCodec, codec).fingerprint
        return LoadedCodec(self.name, codec, fingerprint, options.gop, False, EXACT, places_intra=True)


def _size(frames: Sequence[CodedFrame]) -> int:
    return sum(len(frame.packet.payload) for frame in frames)

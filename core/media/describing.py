"""Reading what an open file says of how it is to be shown (`core.media.presentation`)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.stream import AttachmentStream, Disposition, Stream
from av.video.stream import VideoStream

from core.media.planes import side_data
from core.media.presentation import (
    UNSPECIFIED,
    Chapter,
    LightLevels,
    MasteringDisplay,
    Presentation,
    Track,
    TrackKind,
)

_MASTERING = struct.Struct("=20i2i")
"""libav's AVMasteringDisplayMetadata: ten fractions, and whether colours and luminances are given."""
_LIGHT = struct.Struct("=2I")
_CHROMATICITY, _LUMINANCE = 50_000, 10_000
"""Units of H.265 in 1 and in 1 cd/m²."""

_OF_THE_PROGRAM = re.compile(
    r"encoder|encoded_by|encoding_tool|major_brand|minor_version|compatible_brands|handler_name|vendor_id|duration.*|"
    r"bps.*|number_of_(frames|bytes).*|_statistics.*|source_id.*|software|rotate|timecode|filename|mimetype|language|"
    r"alpha_mode|stereo_mode|replaygain_.*|iTun.*",
    re.IGNORECASE,
)
"""Names of tags that tell of the file and of the program that made it; they would be wrong in another file."""


def presentation_of(
    container: InputContainer, stream: VideoStream, first: av.VideoFrame, *, sideways: bool = False
) -> Presentation:
    """The facts of ``stream`` with its first decoded frame; ``sideways`` where frames are turned by a quarter."""
    ratio = Fraction(stream.sample_aspect_ratio or 1)
    ratio = ratio if ratio > 0 else Fraction(1)
    mastering, light = _dynamic_range(first)
    zero = (first.pts or 0) * Fraction(stream.time_base or 0)
    return Presentation(
        sample_aspect_ratio=1 / ratio if sideways else ratio,
        matrix=UNSPECIFIED if first.format.is_rgb else int(first.colorspace),
        primaries=int(first.color_primaries),
        transfer=int(first.color_trc),
        mastering=mastering,
        light=light,
        field_order=_fields(stream),
        language=language_of(stream),
        title=stream.metadata.get("title", ""),
        metadata=kept_tags(container.metadata),
        chapters=_chapters(container, zero),
        tracks=tuple(_tracks(container, stream)),
    )


def _tracks(container: InputContainer, pictures: Stream) -> Iterator[Track]:
    """All but the pictures, and the text of an mp4 file's chapters, which are known as such."""
    for stream in container.streams:
        of_chapters = codec_of(stream) == "bin_data" and bool(container.chapters())
        if stream.index != pictures.index and not of_chapters:
            yield _track(stream)


def _fields(stream: VideoStream) -> int:
    """libav's number of the order of fields; 0 also where frames are whole."""
    order = int(stream.codec_context.field_order)
    return order if order > 1 else 0


def kept_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags that tell of the film, in the order of their names."""
    return {name: tags[name] for name in sorted(tags) if not _OF_THE_PROGRAM.fullmatch(name)}


def language_of(stream: Stream) -> str:
    """The language of a track; empty where it is not determined."""
    language = stream.metadata.get("language", "")
    return "" if language == "und" else language


def kind_of(stream: Stream) -> TrackKind:
    """The kind of a track beside the pictures."""
    if stream.disposition & Disposition.attached_pic:
        return TrackKind.COVER
    kinds = {
        "audio": TrackKind.SOUND,
        "subtitle": TrackKind.SUBTITLES,
        "attachment": TrackKind.ATTACHMENT,
        "video": TrackKind.PICTURES,
    }
    return kinds.get(stream.type, TrackKind.DATA)


def _track(stream: Stream) -> Track:
    return Track(kind_of(stream), codec_of(stream), language_of(stream), stream.metadata.get("title", ""))


def codec_of(stream: Stream) -> str:
    """The codec of a track in libav's words, of an attachment the name of its file; empty where libav knows none."""
    if isinstance(stream, AttachmentStream) or stream.codec_context is None:
        return getattr(stream, "name", None) or ""
    return stream.codec_context.name


def _chapters(container: InputContainer, zero: Fraction) -> tuple[Chapter, ...]:
    found = []
    for chapter in container.chapters():
        unit = Fraction(chapter["time_base"] or 0)
        start, end = chapter["start"] * unit - zero, chapter["end"] * unit - zero
        if end > start:
            found.append(Chapter(start, end, chapter["metadata"].get("title", "")))
    return tuple(found)


def _dynamic_range(frame: av.VideoFrame) -> tuple[MasteringDisplay | None, LightLevels | None]:
    mastering = side_data(frame, Type.MASTERING_DISPLAY_METADATA) or b""
    light = side_data(frame, Type.CONTENT_LIGHT_LEVEL) or b""
    return (
        _mastering(mastering) if len(mastering) == _MASTERING.size else None,
        LightLevels(*(min(level, 65535) for level in _LIGHT.unpack_from(light)))
        if len(light) >= _LIGHT.size
        else None,
    )


def _mastering(data: bytes) -> MasteringDisplay | None:
    """The mastering display; None unless both colours and luminances are given, as x265 cannot state one alone."""
    *numbers, has_colours, has_luminances = _MASTERING.unpack(data)
    if not (has_colours and has_luminances) or 0 in numbers[1::2]:
        return None
    values = [Fraction(top, bottom) for top, bottom in zip(numbers[::2], numbers[1::2], strict=True)]
    points = [_limit(value * _CHROMATICITY, 16) for value in values[:8]]
    lowest, highest = (_limit(value * _LUMINANCE, 32) for value in values[8:])
    red, green, blue, white = zip(points[::2], points[1::2], strict=True)
    return MasteringDisplay(red, green, blue, white, highest, lowest)


def _limit(value: Fraction, bits: int) -> int:
    return min(max(round(value), 0), (1 << bits) - 1)

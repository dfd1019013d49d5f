"""The stream's statement of how its video is shown: fields of number, length and bytes; unknown ones are passed
over."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from enum import IntEnum
from fractions import Fraction
from itertools import accumulate
from typing import Any, TypeVar

from core.media.presentation import (
    UNSPECIFIED,
    Chapter,
    LightLevels,
    MasteringDisplay,
    Presentation,
    Track,
    TrackKind,
)
from core.stream.fields import varint

ROOM = 16_384
"""Bytes that the tags take at most, as do the chapters and the tracks; `limit_presentation` leaves out what is
beyond."""
MAX_TEXT_BYTES = 1024

Unknown = tuple[tuple[int, bytes], ...]
"""Fields of later programs, kept as they are: numbers and bytes."""

_T = TypeVar("_T")
_HEAD = struct.Struct("<BH")
_BYTE = struct.Struct("<B")
_RATIO = struct.Struct("<II")
_CODES = struct.Struct("<BBB")
_DISPLAY = struct.Struct("<8H2I")
_LEVELS = struct.Struct("<HH")
_COUNTED = (1 << 32) - 1
_KINDS = (
    TrackKind.SOUND,
    TrackKind.SUBTITLES,
    TrackKind.ATTACHMENT,
    TrackKind.COVER,
    TrackKind.PICTURES,
    TrackKind.DATA,
)


class Field(IntEnum):
    """Numbers of the fields."""

    ASPECT = 1
    COLOUR = 2
    MASTERING = 3
    LIGHT = 4
    ORDER = 5
    LAST_DURATION = 6
    LANGUAGE = 7
    TITLE = 8
    TAGS = 9
    CHAPTERS = 10
    TRACKS = 11


def encode(presentation: Presentation, unknown: Unknown = ()) -> bytes:
    """The fields that say something, by rising numbers. Raises ValueError for what they cannot say."""
    try:
        fields = sorted([*_fields(presentation), *unknown])
        return b"".join(_HEAD.pack(number, len(data)) + data for number, data in fields)
    except struct.error as error:
        raise ValueError(str(error)) from None


def decode(data: bytes) -> tuple[Presentation, Unknown]:
    """What `encode` made of it. Raises ValueError, IndexError or struct.error for anything else."""
    known: dict[str, Any] = {}
    unknown: list[tuple[int, bytes]] = []
    before = -1
    while data:
        number, length = _HEAD.unpack_from(data)
        value, data = data[_HEAD.size : _HEAD.size + length], data[_HEAD.size + length :]
        if len(value) != length or number <= before:
            raise ValueError("its fields are out of order, or one is cut short")
        before = number
        if number in Field._value2member_map_:
            known |= _read(Field(number), _Values(value))
        else:
            unknown.append((number, value))
    return Presentation(**known), tuple(unknown)


def limit_presentation(presentation: Presentation) -> Presentation:
    """The same as far as a stream holds it: long texts are cut, and what is beyond a field's room is left out."""
    tags = [(_cut(name), _cut(text)) for name, text in presentation.metadata.items()]
    chapters = [
        Chapter(_to_storable(max(one.start, Fraction(0))), _to_storable(one.end), _cut(one.title))
        for one in presentation.chapters
        if one.end > 0
    ]
    tracks = [
        Track(one.kind, _cut(one.codec), _cut(one.language), _cut(one.title)) for one in presentation.tracks
    ]
    last = presentation.last_duration
    return replace(
        presentation,
        last_duration=None if last is None else _to_storable(last),
        language=_cut(presentation.language),
        title=_cut(presentation.title),
        metadata=dict(_with_room(tags, _tag)),
        chapters=tuple(_with_room(chapters, _chapter)),
        tracks=tuple(_with_room(tracks, _track)),
    )


def _with_room(items: Sequence[_T], encoded: Callable[[_T], bytes]) -> list[_T]:
    """The items from the first on that fit in a field together."""
    ends = accumulate(len(encoded(item)) for item in items)
    return [item for item, end in zip(items, ends, strict=True) if end <= ROOM]


def _to_storable(time: Fraction) -> Fraction:
    """The time, to a millisecond where its numbers are too large for a field."""
    exact = max(time.numerator, time.denominator) <= _COUNTED
    return time if exact else Fraction(min(round(time * 1000), _COUNTED), 1000)


def _cut(text: str) -> str:
    return text.encode("utf-8", "replace")[:MAX_TEXT_BYTES].decode("utf-8", "ignore")


def _fields(facts: Presentation) -> Iterator[tuple[int, bytes]]:
    """Numbers and bytes of what differs from a presentation that says nothing."""
    if facts.sample_aspect_ratio != 1:
        yield Field.ASPECT, _ratio(facts.sample_aspect_ratio)
    codes = facts.matrix, facts.primaries, facts.transfer
    if codes != (UNSPECIFIED,) * 3:
        yield Field.COLOUR, _CODES.pack(*codes)
    if facts.mastering:
        display = facts.mastering
        points = *display.red, *display.green, *display.blue, *display.white
        yield Field.MASTERING, _DISPLAY.pack(*points, display.highest, display.lowest)
    if facts.light:
        yield Field.LIGHT, _LEVELS.pack(facts.light.content, facts.light.frame_average)
    if facts.field_order:
        yield Field.ORDER, _BYTE.pack(facts.field_order)
    if facts.last_duration is not None:
        yield Field.LAST_DURATION, _ratio(facts.last_duration)
    texts = {
        Field.LANGUAGE: facts.language.encode(),
        Field.TITLE: facts.title.encode(),
        Field.TAGS: b"".join(map(_tag, facts.metadata.items())),
        Field.CHAPTERS: b"".join(map(_chapter, facts.chapters)),
        Field.TRACKS: b"".join(map(_track, facts.tracks)),
    }
    yield from ((number, data) for number, data in texts.items() if data)


def _read(number: Field, values: _Values) -> dict[str, Any]:
    """The facts of a field, by their names in `Presentation`."""
    match number:
        case Field.ASPECT:
            facts: dict[str, Any] = {"sample_aspect_ratio": values.positive()}
        case Field.COLOUR:
            facts = dict(zip(("matrix", "primaries", "transfer"), values.unpack(_CODES), strict=True))
        case Field.MASTERING:
            facts = {"mastering": values.mastering()}
        case Field.LIGHT:
            facts = {"light": LightLevels(*values.unpack(_LEVELS))}
        case Field.ORDER:
            facts = {"field_order": values.unpack(_BYTE)[0]}
        case Field.LAST_DURATION:
            facts = {"last_duration": values.positive()}
        case Field.LANGUAGE:
            facts = {"language": values.rest()}
        case Field.TITLE:
            facts = {"title": values.rest()}
        case Field.TAGS:
            facts = {"metadata": dict(values.each(values.tag))}
        case Field.CHAPTERS:
            facts = {"chapters": tuple(values.each(values.chapter))}
        case Field.TRACKS:
            facts = {"tracks": tuple(values.each(values.track))}
    values.require_end()
    return facts


def _ratio(value: Fraction) -> bytes:
    return _RATIO.pack(value.numerator, value.denominator)


def _text(value: str) -> bytes:
    data = value.encode()
    return varint(len(data)) + data


def _tag(item: tuple[str, str]) -> bytes:
    return _text(item[0]) + _text(item[1])


def _chapter(chapter: Chapter) -> bytes:
    return _ratio(chapter.start) + _ratio(chapter.end) + _text(chapter.title)


def _track(track: Track) -> bytes:
    return bytes([_KINDS.index(track.kind)]) + _text(track.codec) + _text(track.language) + _text(track.title)


class _Values:
    """The values of a field, read front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def each(self, read: Callable[[], _T]) -> Iterator[_T]:
        while self._data:
            yield read()

    def require_end(self) -> None:
        if self._data:
            raise ValueError("a field holds more than it says")

    def unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        values, self._data = form.unpack_from(self._data), self._data[form.size :]
        return values

    def rest(self) -> str:
        data, self._data = self._data, b""
        return data.decode()

    def ratio(self) -> Fraction:
        numerator, denominator = self.unpack(_RATIO)
        return Fraction(numerator, denominator)

    def positive(self) -> Fraction:
        if (value := self.ratio()) == 0:
            raise ValueError("a shape or a duration is 0")
        return value

    def mastering(self) -> MasteringDisplay:
        *points, highest, lowest = self.unpack(_DISPLAY)
        red, green, blue, white = zip(points[::2], points[1::2], strict=True)
        return MasteringDisplay(red, green, blue, white, highest, lowest)

    def text(self) -> str:
        length = self._length()
        if length > len(self._data):
            raise ValueError("a text is cut short")
        data, self._data = self._data[:length], self._data[length:]
        return data.decode()

    def _length(self) -> int:
        """A varint of two bytes at most; a text is no longer."""
        low, *_ = self.unpack(_BYTE)
        return low if low < 0x80 else (low & 0x7F) | self.unpack(_BYTE)[0] << 7

    def tag(self) -> tuple[str, str]:
        return self.text(), self.text()

    def chapter(self) -> Chapter:
        return Chapter(self.ratio(), self.ratio(), self.text())

    def track(self) -> Track:
        return Track(_KINDS[self.unpack(_BYTE)[0]], self.text(), self.text(), self.text())

"""Records of our own that come back from JSON: nothing in such a file is believed before its type is checked.

A record is a dataclass. Its annotations say what a file may hold: plain types, `Annotated` with `Within` or
`Matching`, sequences, mappings with texts for keys, unions, literals and other dataclasses.
"""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

from core.errors import RecordError

T = TypeVar("T")

MAX_DEPTH = 32
"""Lists and objects within each other, at most; ours have less than ten."""
_LIMIT = float(1 << 63)


@dataclass(frozen=True)
class Within:
    """Bounds of a field's numbers; none is beyond ±2^63, which infinities and NaN are not within either."""

    least: float = -_LIMIT
    most: float = _LIMIT
    finite: bool = True
    """False where any float will do, infinities and NaN too."""

    def problem(self, value: Any) -> str:
        """The fault of a value; empty where there is none."""
        if isinstance(value, float) and not self.finite:
            return ""
        least, most = max(self.least, -_LIMIT), min(self.most, _LIMIT)
        return "" if least <= value <= most else f"is {value!r:.40}, out of its range"


@dataclass(frozen=True)
class Matching:
    """Pattern of a field's texts: those that it matches as a whole."""

    pattern: str

    def problem(self, value: Any) -> str:
        """The fault of a value; empty where there is none."""
        return "" if re.fullmatch(self.pattern, value) else f"is {value!r:.40}, not of its form"


Count = Annotated[int, Within(least=0)]
Positive = Annotated[int, Within(least=1)]
Seconds = Annotated[float, Within(least=0)]
AnyFloat = Annotated[float, Within(finite=False)]
"""Infinities and NaN too."""
Sha256 = Annotated[str, Matching("[0-9a-f]{64}")]


def read_record(cls: type[T], path: Path) -> T:
    """The record in a JSON file; raises OSError where it cannot be read, `RecordError` where it is no such record."""
    return decode_record(cls, parse_json(path.read_bytes()))


def parse_json(text: str | bytes) -> Any:
    """Plain values of JSON text; raises `RecordError` where it is none, or is nested more than `MAX_DEPTH` times."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is no JSON ({error})") from None
    if _is_deep(value, MAX_DEPTH):
        raise RecordError(f"it is nested more than {MAX_DEPTH} times")
    return value


def _is_deep(value: Any, left: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    return left == 0 or any(
        _is_deep(v, left - 1) for v in (value if isinstance(value, list) else value.values())
    )


def decode_record(cls: type[T], plain: Any) -> T:
    """A dataclass, or a value of another annotated type, from plain values of JSON.

    Raises `RecordError`, naming the field, for a value of another type or out of its range, a field that is missing,
    and one that is not known; also where the dataclass itself raises ValueError.
    """
    return _decode(cls, plain, "it", {})


_Types = Mapping[Any, Any]
"""Types that stand for the type variables of a generic dataclass."""


def _decode(kind: Any, plain: Any, place: str, bound: _Types) -> Any:
    """A value of the annotated type; ``place`` names it in errors."""
    kind = bound.get(kind, kind) if isinstance(kind, TypeVar) else kind
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return plain
    if origin is Annotated:
        return _decode_annotated(arguments, plain, place, bound)
    if origin in (Union, types.UnionType):
        return _union(arguments, plain, place, bound)
    if origin is Literal:
        if isinstance(plain, str) and plain in arguments:
            return plain
    elif dataclasses.is_dataclass(kind):
        return _dataclass(kind, plain, place)
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        if isinstance(plain, dict):
            return {
                key: _decode(arguments[1], value, f"{place}[{key!r:.40}]", bound)
                for key, value in plain.items()
            }
    elif isinstance(origin, type) and issubclass(origin, Sequence):
        if isinstance(plain, list):
            made = (_decode(arguments[0], value, f"{place}[{i}]", bound) for i, value in enumerate(plain))
            return tuple(made) if origin is tuple else list(made)
    elif kind in (int, float):
        return _number(kind, plain, place, Within())
    elif type(plain) is (type(None) if kind is None else kind):
        return plain
    raise RecordError(f"{place} is {plain!r:.40}, which it cannot be")


def _decode_annotated(arguments: Sequence[Any], plain: Any, place: str, bound: _Types) -> Any:
    kind, check = arguments
    value = _number(kind, plain, place, check) if kind in (int, float) else _decode(kind, plain, place, bound)
    if problem := check.problem(value):
        raise RecordError(f"{place} {problem}")
    return value


def _number(kind: Any, plain: Any, place: str, within: Within) -> Any:
    if isinstance(plain, bool) or not isinstance(plain, int if kind is int else int | float):
        raise RecordError(f"{place} is {plain!r:.40}, not {'an integer' if kind is int else 'a number'}")
    if problem := within.problem(plain):
        raise RecordError(f"{place} {problem}")
    return kind(plain)


def _union(kinds: Sequence[Any], plain: Any, place: str, bound: _Types) -> Any:
    for kind in kinds[:-1]:
        try:
            return _decode(kind, plain, place, bound)
        except RecordError:
            continue
    return _decode(kinds[-1], plain, place, bound)


def _dataclass(cls: Any, plain: Any, place: str) -> Any:
    if not isinstance(plain, dict):
        raise RecordError(f"{place} is {plain!r:.40}, not an object with fields")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    if unknown := sorted(plain.keys() - fields.keys()):
        raise RecordError(f"{place} has a field {unknown[0]!r:.40}, which is not known")
    annotations, bound = typing.get_type_hints(cls, include_extras=True), _bound(cls)
    values = {}
    for name, field in fields.items():
        if name in plain:
            values[name] = _decode(annotations[name], plain[name], name, bound)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise RecordError(f"{place} lacks the field '{name}'")
    try:
        return cls(**values)
    except ValueError as error:
        raise RecordError(f"{place} makes no sense: {error}") from None


def _bound(cls: Any) -> dict[Any, Any]:
    """What the type variables of generic base classes stand for in a class."""
    return {
        variable: kind
        for base in getattr(cls, "__orig_bases__", ())
        for variable, kind in zip(
            getattr(typing.get_origin(base), "__parameters__", ()), typing.get_args(base), strict=False
        )
    }

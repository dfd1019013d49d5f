"""JSON records spoiled: as values of other types and sizes, and as bytes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

from .mutations import Rng, spoiled

Edit = tuple[Any, Any]
"""A container and the key in it."""

_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        1 << 31,
        1 << 63,
        1 << 200,
        0.5,
        1e308,
        -1e308,
        float("nan"),
        float("inf"),
    ),
    *(
        "",
        "9",
        "text",
        "\x00",
        "\x1b[2J\x1b]0;owned\x07",
        "../../elsewhere",
        "x" * 100_000,
        "[/red]",
        "é\u202e",
    ),
    *([], {}, [[]], {"": None}, [None] * 1000, {"a": {"b": []}}),
)


def spoiled_json(rng: Rng, text: str, kept: Callable[[Any], Any] = lambda value: value) -> str:
    """A record of which one to three values are others; ``kept`` mends what must stay right, as a checksum."""
    value = json.loads(text)
    for _ in range(int(rng.integers(1, 4))):
        value = _edited(rng, value)
    return json.dumps(kept(value))


def spoiled_record(rng: Rng, data: bytes) -> bytes:
    """A JSON file spoiled by value or by byte, or nested deeper than any reader goes."""
    way = rng.random()
    if way < 0.6:
        try:
            return spoiled_json(rng, data.decode()).encode()
        except (ValueError, RecursionError):
            return spoiled(rng, data)
    if way < 0.65:
        return b"[" * 200_000
    if way < 0.7:
        return bytes(len(data))
    return spoiled(rng, data)


def _edited(rng: Rng, value: Any) -> Any:
    value = copy.deepcopy(value)
    places = list(_places(value))
    if not places or rng.random() < 0.05:
        return _VALUES[int(rng.integers(len(_VALUES)))]
    container, key = places[int(rng.integers(len(places)))]
    way = rng.random()
    if way < 0.2:
        del container[key]
    elif way < 0.3 and isinstance(container, dict):
        container[str(key) + "x"] = container.pop(key)
    elif way < 0.4:
        other, name = places[int(rng.integers(len(places)))]
        container[key] = copy.deepcopy(other[name])
    else:
        container[key] = copy.deepcopy(_VALUES[int(rng.integers(len(_VALUES)))])
    return value


def _places(value: Any) -> Iterator[Edit]:
    """Every place in nested lists and dictionaries."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])

"""Words of a command line as Hydra reads them: values in quotes, and the names of files just as they were typed.

Hydra gives a meaning to ``=``, ``,``, ``(``, ``[``, ``{``, quotes, ``#``, ``~``, blanks, ``null`` and ``${x}``. A file
may have any of them in its name; so the value of an option that holds a path is put into quotes before Hydra sees it.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString
from hydra.errors import HydraException

from core.entries import PATH

JOINED = 8
"""Pieces of a list, parted by commas, that are tried as the name of one file."""
_PIECE = re.compile(r"""\s*(?:'(?:\\'|[^'])*'|"(?:\\"|[^"])*")\s*(?=,|$)|[^,]*""", re.DOTALL)


@dataclass(frozen=True)
class PathOption:
    """An option that holds a path."""

    many: bool = False
    """Whether it is a list of them."""
    optional: bool = False
    """Whether ``null`` clears it; it is the name of a file elsewhere."""


HYDRA_PATHS = {
    "hydra.run.dir": PathOption(),
    "hydra.sweep.dir": PathOption(),
    "hydra.searchpath": PathOption(many=True),
}
"""Hydra's options that name files."""


def path_options(config: type, prefix: str = "") -> Iterator[tuple[str, PathOption]]:
    """The options of a dataclass that are annotated as a path, and those of the dataclasses within it."""
    for name, hint in get_type_hints(config, include_extras=True).items():
        if dataclasses.is_dataclass(hint):
            assert isinstance(hint, type)
            yield from path_options(hint, f"{prefix}{name}.")
        elif _holds_path(hint):
            parts = [hint, *get_args(hint)]
            many = any(get_origin(part) is list for part in parts)
            yield prefix + name, PathOption(many, type(None) in parts)


def _holds_path(hint: Any) -> bool:
    return PATH in getattr(hint, "__metadata__", ()) or any(map(_holds_path, get_args(hint)))


def word(key: str, value: Any) -> str:
    """A setting as a word of the command line that gives exactly this value."""
    return f"{key}={_literal(value)}"


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ",".join(map(_literal, value)) + "]"
    return _quote(str(value))


def _quote(text: str) -> str:
    """A text in quotes, with nothing in it that Hydra or OmegaConf would replace.

    Both take backslashes as they are, but for those ahead of what they escape: a quote, and ``${``.
    """
    text = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", text)
    return "'" + re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + (r"\'" if m[2] else ""), text) + "'"


def values(word: str) -> list[Any]:
    """The values that a word gives its option: one value, or those of a sweep; none where Hydra cannot read it."""
    try:
        value = _override(word).value()
    except HydraException:
        return []
    if isinstance(value, ChoiceSweep):
        return [getattr(item, "text", item) for item in value.list]
    return [value]


def as_typed(words: Sequence[str], paths: Mapping[str, PathOption], multirun: bool = False) -> list[str]:
    """The words with every path in quotes; what stands in quotes already, Hydra reads as it always does.

    With ``multirun``, values parted by commas are a sweep, unless a file of the whole name exists.
    """
    return [_word_as_typed(word, paths, multirun) for word in words]


def _word_as_typed(word: str, paths: Mapping[str, PathOption], multirun: bool) -> str:
    key, sign, value = word.partition("=")
    option = paths.get(key.lstrip("+"))
    if not sign or option is None or (option.optional and value == "null"):
        return word
    if multirun and _is_call(word):
        return word
    if not option.many:
        pieces = _pieces(value) if multirun and not os.path.lexists(value) else [value]
        return f"{key}={','.join(map(_path, pieces))}"
    lists = re.split(r"(?<=\]),(?=\[)", value) if multirun else [value]
    return f"{key}={','.join(map(_list, lists))}"


def _list(text: str) -> str:
    """A list of paths; one path without brackets is a list as well."""
    if not (text.startswith("[") and text.endswith("]")):
        return f"[{_path(text)}]"
    return f"[{','.join(map(_path, _pieces(text[1:-1])))}]" if text[1:-1].strip() else "[]"


def _pieces(text: str) -> list[str]:
    """The pieces between commas, but for those in quotes and in the names of files that exist."""
    found, place = [], 0
    while place <= len(text):
        match = _PIECE.match(text, place)
        assert match
        found.append(match[0])
        place = match.end() + 1
    return list(_join(found))


def _join(pieces: Sequence[str]) -> Iterator[str]:
    while pieces:
        ends = range(1, min(JOINED, len(pieces)) + 1)
        end = next((end for end in ends if os.path.lexists(",".join(pieces[:end]))), 0)
        yield ",".join(pieces[:end]) if end else pieces[0].strip()
        pieces = pieces[max(end, 1) :]


def _path(text: str) -> str:
    """A path in quotes; ``~/`` is the home folder, as in a shell, unless something of that name exists."""
    if os.path.lexists(text):
        return _quote(text)
    if isinstance(_parse(f"x={text}"), QuotedString):
        return text
    if text == "???":  # which OmegaConf takes for a value that is missing, whatever stands around it
        text = "./???"
    if text == "~" or text.startswith("~/"):
        text = os.path.expanduser(text)  # noqa: PTH111 - it leaves slashes as they are, and needs no home
    return _quote(text)


def _is_call(word: str) -> bool:
    """Whether a value is one of the sweeps that Hydra writes as a call, as ``choice(a,b)``."""
    if not re.search(r"=\s*\w+\(.*\)\s*$", word, re.DOTALL) or os.path.lexists(word.partition("=")[2]):
        return False
    try:
        return _override(word).is_sweep_override()
    except HydraException:
        return False


def _parse(word: str) -> Any:
    """The value that Hydra reads, with its quotes; None where it cannot."""
    try:
        return _override(word)._value
    except HydraException:
        return None


def _override(word: str) -> Override:
    return OverridesParser.create().parse_override(word)

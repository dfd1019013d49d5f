"""Options as data: each is a field of a dataclass, beside its default the range of its values.

    @dataclass
    class GrainConfig(Options):
        channels: int = option(64, at_least=4, multiple_of=4)

The range is checked where a configuration is composed, under the option's whole name, and by `Options` where Python
makes the dataclass. ``--help`` and the reference show it. What concerns several fields is for ``__post_init__``.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import re
import textwrap
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import pairwise
from typing import Any

from omegaconf import MISSING

_AMOUNT = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([kMG]?)")
_THOUSANDS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_RANGE = "range"
"""Key of a field's metadata."""


@dataclass(frozen=True)
class Range:
    """Which values an option may have; a number must be finite as well. None is no bound."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    multiple_of: int | None = None
    one_of: tuple[object, ...] = ()
    """The only values, if there are any here."""

    def __contains__(self, value: Any) -> bool:
        if self.one_of:
            return value in self.one_of
        return (
            -math.inf < value < math.inf
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
            and (self.multiple_of is None or value % self.multiple_of == 0)
        )

    def __str__(self) -> str:
        """The range as it follows "it must be": "at least 4 and a multiple of 4"."""
        if self.one_of:
            *most, last = map(str, self.one_of)
            return f"{', '.join(most)} or {last}" if most else last
        bounds = {
            "at least": self.at_least,
            "above": self.above,
            "at most": self.at_most,
            "below": self.below,
        }
        if self.at_least is not None and self.at_most is not None:
            bounds = {f"between {self.at_least:g} and": self.at_most}
        words = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
        return " and ".join([*words, f"a multiple of {self.multiple_of}"] if self.multiple_of else words)

    def fault(self, name: str, value: Any) -> str | None:
        """The fault of the value of an option of this name; None and what is yet to be given are not wrong."""
        if value is None or value == MISSING or value in self:
            return None
        return f"{name} is {value}; it must be {self}."


def option(
    default: Any,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    multiple_of: int | None = None,
    one_of: tuple[object, ...] = (),
) -> Any:
    """A field of a dataclass with a default and a range. Where it may be None, None is within any range."""
    allowed = Range(at_least, above, at_most, below, multiple_of, one_of)
    return dataclasses.field(default=default, metadata={_RANGE: allowed})


class Options:
    """Base of a dataclass of options, which refuses values beyond their ranges.

    Raises ValueError with a sentence that names the option. A ``__post_init__`` of a subclass calls that of this one.
    """

    def __post_init__(self) -> None:
        for name, allowed in ranges(type(self)).items():
            if fault := allowed.fault(name, getattr(self, name)):
                raise ValueError(fault)


def ranges(options: type) -> dict[str, Range]:
    """The range of each field that has one. A field that is stated anew in a subclass keeps it, or states its own."""
    found: dict[str, Range] = {}
    for base in reversed(options.__mro__):
        for field in vars(base).get("__dataclass_fields__", {}).values():
            if _RANGE in field.metadata:
                found[field.name] = field.metadata[_RANGE]
    return found


def amount(name: str, text: str) -> float:
    """``400k`` or ``1.5M`` as a number, by thousands; raises ValueError, naming the option, where it is none, or 0."""
    match = _AMOUNT.fullmatch(text)
    value = float(match[1]) * _THOUSANDS[match[2]] if match else 0.0
    if not value:
        raise ValueError(f"{name} is {text}; give it as 400k, 1.5M or 2000000.")
    return value


@cache
def meanings(section: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, or member of an Enum; a derived class may say another one."""
    found: dict[str, str] = {}
    for base in reversed(section.__mro__):
        if not (dataclasses.is_dataclass(base) or issubclass(base, Enum)) or base is Enum:
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0].body  # type: ignore[attr-defined]
        for statement, below in pairwise(body):
            text = _text(below)
            if text and isinstance(statement, ast.AnnAssign | ast.Assign):
                target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
                found[ast.unparse(target)] = " ".join(inspect.cleandoc(text).split())
    return found


def _text(statement: ast.stmt) -> str | None:
    """The text of a statement that is nothing but a text."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None

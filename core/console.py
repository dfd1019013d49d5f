"""The console on which people are shown tables: text is printed as it is, whatever characters it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.text import printable


class _Plain(Console):
    """A console on which brackets, colons and control characters of a text mean nothing."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)


Fact = tuple[str, str]
"""What it is, and what it is like."""


def print_facts(title: str, facts: Sequence[Fact]) -> None:
    """Print facts under a title, each in a row."""
    table = Table(title=title, title_justify="left", show_header=False, min_width=60)
    for name, value in facts:
        table.add_row(name, value)
    console().print(table)


def console(stderr: bool = False) -> Console:
    """The console of standard output, or of standard error."""
    return _Plain(stderr=stderr, markup=False, emoji=False, highlight=False)

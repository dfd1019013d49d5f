"""Where people are shown tables: text stands there as it is, whatever characters it has."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from core.text import printable


class _Plain(Console):
    """A console on which brackets, colons and control characters of a text mean nothing."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)


def console(stderr: bool = False) -> Console:
    """The console of standard output, or of standard error."""
    return _Plain(stderr=stderr, markup=False, emoji=False, highlight=False)

"""Text from files on its way out: what terminals, Markdown, HTML and spreadsheets would obey is made harmless."""

from __future__ import annotations

import html
import logging
import re
from typing import Any


def printable(text: str) -> str:
    """The same text with what does not print (control characters, lone surrogates) as escapes; line ends stay."""
    return text if text.isprintable() else "".join(map(_escape, text))


def one_line(text: str) -> str:
    """Like `printable`, with line ends escaped too: for names that come from files."""
    return printable(text).replace("\n", "\\n")


def _escape(character: str) -> str:
    if character.isprintable() or character == "\n":
        return character
    return character.encode("unicode_escape").decode()


_MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")


def markdown(text: str) -> str:
    """Text that stands in Markdown, in a table too, as it is: on one line, without markup or HTML."""
    line = printable(text).replace("\n", " ")
    return _MARKDOWN.sub(r"\\\1", html.escape(line, quote=False))


def markdown_code(text: str) -> str:
    """Text as code in Markdown, between more backticks than it has in a row."""
    line = printable(text).replace("\n", " ")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"


def csv_cell(value: Any) -> Any:
    """A value for CSV: a text in which a spreadsheet would see a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


class _PrintableRecord(logging.LogRecord):
    """A record whose message holds nothing that a terminal obeys."""

    def getMessage(self) -> str:  # noqa: N802 (logging's name)
        return printable(super().getMessage())


def escape_logs() -> None:
    """Have all messages that are logged from now on escaped as `printable` does."""
    logging.setLogRecordFactory(_PrintableRecord)

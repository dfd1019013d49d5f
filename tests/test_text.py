"""Text from files on its way out: nothing in it is obeyed, and what is plain comes out as it was."""

import logging
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

import core
from core.console import console
from core.errors import MediaError
from core.progress import Meter
from core.text import csv_cell, escape_logs, markdown, markdown_code, one_line, printable

HOSTILE = "x\x1b]0;owned\x07\x1b[2J\u202e\udc80"
PLAIN = "Zoë's film – 4K [take 2].mp4: 50 % \\ ✓"


@given(text=st.text())
def test_what_is_left_prints(text):
    assert printable(text).replace("\n", "").isprintable()
    assert one_line(text).isprintable()


def test_plain_text_and_line_ends_stay():
    assert printable(f"{PLAIN}\n{PLAIN}") == f"{PLAIN}\n{PLAIN}"
    assert printable(HOSTILE) == "x\\x1b]0;owned\\x07\\x1b[2J\\u202e\\udc80"
    assert one_line("a\nError: b") == "a\\nError: b"


def test_errors_are_printable():
    assert str(MediaError(f"{HOSTILE}\nsecond line")) == f"{printable(HOSTILE)}\nsecond line"


def test_logs_are_printable(caplog):
    factory = logging.getLogRecordFactory()
    try:
        escape_logs()
        logging.getLogger("core.any").warning("%s of %d", HOSTILE, 3)
    finally:
        logging.setLogRecordFactory(factory)
    assert f"{printable(HOSTILE)} of 3" in caplog.text
    assert "\x1b" not in caplog.text


@pytest.mark.parametrize(
    "text", ["[/data/a.mp4]", "[psnr,ssim]", "[bold]w", ":smile:", "a[/b].npz", HOSTILE, "[link=x]y"]
)
def test_tables_show_text_as_it_is(capsys, text):
    table = Table(title=text, title_justify="left")
    table.add_column(text, no_wrap=True)
    table.add_row(text)
    console().print(table)
    console().print(text)
    said = capsys.readouterr().out
    assert said.count(printable(text)) == 4
    assert "\x1b" not in said


def test_progress_shows_text_as_it_is(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Meter(f"[/a] {HOSTILE}", 2) as meter:
        meter.advance(f"[/b] {HOSTILE}")
        assert [task.description for task in meter._bar.tasks] == [f"[/a] {printable(HOSTILE)}"]
        assert meter._bar.tasks[0].fields["words"] == f"[/b] {printable(HOSTILE)}"
    said = capsys.readouterr().err
    assert "[/a]" in said and "owned\x07" not in said


def test_there_is_one_console():
    root = Path(core.__file__).parent
    sources = [*root.rglob("*.py"), *(root.parent / "plugins").rglob("*.py")]
    made = [path.name for path in sources if re.search(r"\bConsole\b", path.read_text("utf-8"))]
    assert made == ["console.py"]


def test_markdown_stands_as_it_is():
    assert markdown("<img src=x onerror=y>") == "&lt;img src=x onerror=y&gt;"
    assert markdown("a|b\nc `d` *e* [f](g) h_i") == r"a\|b c \`d\` \*e\* \[f\](g) h\_i"
    assert markdown("x264 at 27, 0.5 bpp") == "x264 at 27, 0.5 bpp"


@pytest.mark.parametrize("text", ["a", "`", "a`b``c", "<script>", "``", ""])
def test_code_of_markdown_ends_where_it_should(text):
    code = markdown_code(text)
    fence = re.match("`+", code)[0]
    assert code.endswith(fence) and fence not in code[len(fence) : -len(fence)].replace(fence + "`", "")
    assert text in code


@pytest.mark.parametrize("text", ["=A1", "+1", "-1+1", "@b", "\t=1", "\r=1"])
def test_texts_that_would_be_formulas_are_quoted(text):
    assert csv_cell(text) == "'" + text


@pytest.mark.parametrize("value", [-1.5, 3, None, "a=b", "x-1", "", "27"])
def test_other_cells_stay(value):
    assert csv_cell(value) == value

"""Every message that the page of errors quotes is one that the sources can say."""

import ast
import re

from .commands import ROOT

PAGE = ROOT / "docs" / "faq.md"
SOURCES = ("core/**/*.py", "plugins/**/*.py", "mindvideo.py", "run")
QUOTED = re.compile(r"^\*\*`(.+)`\*\*$", re.MULTILINE)
VARIES = "…"


def said():
    """Every text of the sources, with what is put into it left open."""
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    part.value if isinstance(part, ast.Constant) else VARIES for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def quoted():
    return QUOTED.findall(PAGE.read_text("utf-8"))


def fixed(message):
    return [part for part in message.split(VARIES) if part]


def test_every_message_is_said_somewhere():
    texts = list(said())
    patterns = {
        message: re.compile(".*?".join(map(re.escape, fixed(message))), re.DOTALL) for message in quoted()
    }
    assert [m for m, pattern in patterns.items() if not any(map(pattern.search, texts))] == []


def test_every_message_has_enough_that_is_fixed():
    assert len(quoted()) > 60
    assert [m for m in quoted() if len("".join(fixed(m))) < 10] == []


def test_no_message_stands_twice():
    assert len(set(quoted())) == len(quoted())

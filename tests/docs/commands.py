"""The commands that the documentation tells its readers to type, each with its place and what is said beside it.

A command is a line of a block of plain or console text that begins with one of `PROGRAMS`, or such words between
backticks in a sentence. ``…`` stands for words that the reader knows; a line that begins with it goes on from the
command before. What a command needs that a test lacks is told by its own comment (``# needs …``) or by a sentence of
the paragraph before it that begins with *Needs*.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = ("python", "./run", "make", "mindvideo", "pytest", "copier", "msrun", "pip", "tensorboard", "cp")
ENTRIES = (("python", "-m", "core"), ("mindvideo",))
"""What the words of mindvideo stand behind."""
PAGES = (
    *("README.md", "CONTRIBUTING.md", "benchmarks/README.md"),
    *("docs/**/*.md", "plugins/*/README.md", "examples/*/README.md"),
)
PLAIN = ("", "console")
"""Languages of blocks that hold commands."""

FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`]+)`")
NEEDS = re.compile(r"(?:^|[.:*] )\**Needs (.*?)[.:]", re.DOTALL)
FILE = re.compile(r"# (\S+\.yaml)\n")


@dataclass(frozen=True)
class Command:
    """One command, without its prompt, comment and variables."""

    page: str
    line: int
    words: tuple[str, ...]
    needs: str = ""
    """What tests lack of what it needs."""
    told: str = ""
    """What the page shows that it says, where that is an error."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"

    @property
    def own(self) -> tuple[str, ...] | None:
        """The words behind ``python -m core``, wherever that stands; None where the command is another."""
        for entry in ENTRIES:
            for start in range(len(self.words)):
                if self.words[start : start + len(entry)] == entry:
                    return self.words[start + len(entry) :]
        return None


def pages() -> list[Path]:
    """All pages of the repository that tell commands."""
    return sorted({path for pattern in PAGES for path in ROOT.glob(pattern)})


def commands(path: Path, root: Path = ROOT) -> list[Command]:
    """The commands of a page in their order."""
    text = path.read_text("utf-8")
    name = str(path.relative_to(root))
    return sorted([*_typed(text, name), *_named(text, name)], key=lambda command: command.line)


def files(path: Path) -> dict[str, str]:
    """Files that the page tells to write: blocks of YAML whose first line is a comment with a name."""
    blocks = [block for language, block in FENCE.findall(path.read_text("utf-8")) if language == "yaml"]
    return {found[1]: block for block in blocks if (found := FILE.match(block))}


def _typed(text: str, page: str) -> Iterator[Command]:
    """Commands in blocks."""
    before: tuple[str, ...] = ()
    for block in FENCE.finditer(text):
        if block[1] not in PLAIN:
            continue
        needs = _needs(_paragraph_before(text, block.start()))
        first = text.count("\n", 0, block.start()) + 2
        lines = block[2].splitlines()
        for number, line in _joined(lines):
            written, _, comment = line.partition(" # ")
            words = _words(written.removeprefix("$ "))
            if words[:1] == ("…",) and before:
                words = (*before, *words)
            elif words and words[0] in PROGRAMS:
                before = words
            else:
                continue
            own = comment.strip().removeprefix("needs ") if comment.strip().startswith("needs ") else ""
            yield Command(page, first + number, words, own or needs, _answer(line, lines[number + 1 :]))


def _answer(line: str, rest: list[str]) -> str:
    """The error that a session shows after a command that it types at a prompt."""
    return rest[0] if line.startswith("$ ") and rest and rest[0].startswith("Error: ") else ""


def _named(text: str, page: str) -> Iterator[Command]:
    """Commands in sentences, with at least one word of their own."""
    prose = FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
    for quoted in QUOTED.finditer(prose):
        words = _words(quoted[1])
        if words[:1] and words[0] in PROGRAMS and any(map(_says_something, words[1:])):
            paragraph = prose[prose.rfind("\n\n", 0, quoted.start()) + 2 : quoted.end()]
            yield Command(page, prose.count("\n", 0, quoted.start()) + 1, words, _needs(paragraph))


def _says_something(word: str) -> bool:
    """Whether a word is neither part of `ENTRIES` nor a placeholder for other words."""
    return word not in ("…", "-m", "core", "CMD", "COMMAND")


def _joined(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Lines with those that a backslash joins to them, by the number of the first."""
    number = 0
    while number < len(lines):
        first, line = number, lines[number]
        while line.endswith("\\") and number + 1 < len(lines):
            number += 1
            line = line[:-1] + lines[number].strip()
        yield first, line
        number += 1


def _words(line: str) -> tuple[str, ...]:
    """The words of a command without the variables before it; none of what no shell could read."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ()
    while words and re.fullmatch(r"[A-Z_a-z]+=\S*", words[0]):
        words = words[1:]
    return tuple(words)


def _paragraph_before(text: str, end: int) -> str:
    return text[:end].rstrip().rpartition("\n\n")[2]


def _needs(paragraph: str) -> str:
    found = NEEDS.search(paragraph)
    return " ".join(found[1].split()) if found else ""

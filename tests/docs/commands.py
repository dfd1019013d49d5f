"""The commands that the documentation tells its readers to type, each with its place and what is said beside it.

A command is a line of a block of plain or console text that begins with one of `PROGRAMS`, or such words between
backticks in a sentence. ``…`` stands for words that the reader knows; a line that begins with it goes on from the
command before. What a command needs that tests lack stands in its own comment (``# needs …``), or in a sentence that
begins with *Needs* in its paragraph, in the paragraph before its block or table, or at the beginning of its page.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
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

BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`]+)`")
NEEDS = re.compile(r"(?:^|(?<=[.:-] )|(?<=\n))Needs (.+?)[.:;]", re.DOTALL)
PARAGRAPHS = re.compile(r"\n\s*\n|\n(?=- )")
FILE = re.compile(r"(?:# @package \S+\n)?# (\S+\.yaml)\n")


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
    in_sentence: bool = False
    """Whether it stands between backticks, and not in a block."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"

    @property
    def text(self) -> str:
        """As it is typed within mindvideo's environment."""
        words = self.words[self.words[0] == "./run" :]
        return "python -m core" if words == ("make", "run") else shlex.join(words)

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
    page = str(path.relative_to(root))
    return sorted([*_in_blocks(text, page), *_in_sentences(text, page)], key=lambda command: command.line)


def files(path: Path) -> dict[str, str]:
    """Files that the page tells to write: YAML with its name as a comment, below Hydra's own, which is to be first."""
    blocks = [block for language, block in BLOCK.findall(path.read_text("utf-8")) if language == "yaml"]
    return {found[1]: block for block in blocks if (found := FILE.match(block))}


def _in_blocks(text: str, page: str) -> Iterator[Command]:
    before: tuple[str, ...] = ()
    for block in BLOCK.finditer(text):
        if block[1] not in PLAIN:
            continue
        needs = _needs(text, block.start())
        first = _line(text, block.start()) + 1
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


def _in_sentences(text: str, page: str) -> Iterator[Command]:
    """With at least one word of their own."""
    prose = BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)
    for quoted in QUOTED.finditer(prose):
        words = _words(quoted[1])
        if words and words[0] in PROGRAMS and any(_says_something(words[0], word) for word in words[1:]):
            needs = _needs(text, _place(text, prose, quoted.start()))
            yield Command(page, _line(prose, quoted.start()), words, needs, in_sentence=True)


def _place(text: str, prose: str, start: int) -> int:
    """Where in the whole text something stands that was found in the text without blocks."""
    line = prose.count("\n", 0, start)
    column = start - (prose.rfind("\n", 0, start) + 1)
    return sum(len(each) + 1 for each in text.split("\n")[:line]) + column


def _says_something(program: str, word: str) -> bool:
    """Whether a word is neither part of `ENTRIES`, nor a placeholder, nor prose after the project's name."""
    if program == "mindvideo":
        return "=" in word or word.startswith("-")
    return word not in ("…", "-m", "core", "CMD", "COMMAND")


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _answer(line: str, rest: list[str]) -> str:
    """The error that a session shows after a command that it types at a prompt."""
    return rest[0] if line.startswith("$ ") and rest and rest[0].startswith("Error: ") else ""


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
    """The words of a command without the variables before it, and up to a pipe; none of what no shell could read."""
    try:
        words = shlex.split(line)
    except ValueError:
        return ()
    while words and re.fullmatch(r"[A-Z_a-z]+=\S*", words[0]):
        words = words[1:]
    return tuple(takewhile(lambda word: word not in ("|", ">"), words))


def _needs(text: str, place: int) -> str:
    """What the sentences beside a place say that is needed."""
    found = NEEDS.search(_paragraph(text, place)) or NEEDS.search(_beginning(text))
    return " ".join(found[1].split()) if found else ""


def _paragraph(text: str, place: int) -> str:
    """The paragraph or item of a list at a place; for a block or a table, the paragraph before it."""
    ends = [0, *(gap.end() for gap in PARAGRAPHS.finditer(text)), len(text)]
    number = max(n for n, end in enumerate(ends) if end <= place)
    paragraph = text[ends[number] : ends[number + 1]] if number + 1 < len(ends) else ""
    return (
        text[ends[number - 1] : ends[number]] if number and paragraph.startswith(("```", "|")) else paragraph
    )


def _beginning(text: str) -> str:
    """The first paragraph after the title."""
    parts = [part for part in PARAGRAPHS.split(text) if part.strip() and not part.startswith("# ")]
    return parts[0] if parts else ""

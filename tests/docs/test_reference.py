"""The pages that are made from the code are what the code says."""

import ast
import dataclasses
import inspect
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from core import config, hooks

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "reference"


@pytest.fixture(scope="module")
def docs():
    """What is imported within the folder docs."""
    sys.path.insert(0, str(ROOT / "docs"))
    yield import_module
    sys.path.remove(str(ROOT / "docs"))


def written():
    """Each hook of core/hooks.py as it stands there: its signature, in the form of Python's own printer."""
    tree = ast.parse(Path(hooks.__file__).read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and "hookspec" in map(ast.unparse, node.decorator_list):
            yield node.name, f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"


def test_the_page_is_up_to_date(docs):
    for path, text in docs("make_reference").pages().items():
        assert (FOLDER / path).read_text("utf-8") == text, "run python docs/make_reference.py"


def test_there_is_no_other_page_of_options(docs):
    made = set(docs("make_reference").pages())
    assert {f"configuration/{page.name}" for page in (FOLDER / "configuration").iterdir()} == made - {
        "facades.md",
        "hooks.md",
    }


def test_every_hook_is_documented_with_its_exact_signature():
    text = (FOLDER / "hooks.md").read_text("utf-8")
    sections = dict(re.findall(r"^## `(\w+)`\n\n```python\n(.*)\n```\n\n\S", text, re.MULTILINE))
    assert sections == dict(written())
    assert len(sections) >= 13


def test_every_entry_class_is_documented():
    text = (FOLDER / "hooks.md").read_text("utf-8")
    records = [
        value for value in vars(hooks).values() if inspect.isclass(value) and issubclass(value, hooks.Entry)
    ]
    assert [record.__name__ for record in records if f"`{record.__name__}`" not in text] == ["Entry"]


def test_every_option_has_a_meaning(docs):
    options = list(docs("options_reference").all_options())
    assert [option.key for option in options if not re.search(r"\w{3}.*[.)]$", option.meaning)] == []
    assert len(options) > 250


def test_every_entry_has_a_section_with_all_its_options(docs):
    registry = docs("options_reference").own()
    for group in hooks.KINDS:
        page = (FOLDER / "configuration" / f"{group}.md").read_text("utf-8")
        sections = dict(re.findall(rf"^## `{group}=(\S+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
        for name, section in sections.items():
            prefix = f"{group}.{name}." if group in config.MANY else f"{group}."
            fields = dataclasses.fields(registry.find(group, name).config)
            assert [field.name for field in fields if f"`{prefix}{field.name}" not in section] == []
        assert sorted(sections) == registry.names(group)


def test_a_row_says_what_may_be_given(docs):
    page = (FOLDER / "configuration" / "device.md").read_text("utf-8")
    assert "| `device.device_id` | integer, at least 0, or `null` | `null` | Card to use;" in page
    assert (
        "| `device.mode` | `auto`, `graph`, `pynative` | `auto` | How networks are executed.<br>`auto`: `graph`,"
        in page
    )

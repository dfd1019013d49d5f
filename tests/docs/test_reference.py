"""The reference of hooks is what the code says."""

import ast
import inspect
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from core import hooks

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def maker():
    specification = spec_from_file_location("make_reference", ROOT / "docs" / "make_reference.py")
    module = module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def written():
    """Each hook of core/hooks.py as it stands there: its signature, in the form of Python's own printer."""
    tree = ast.parse(Path(hooks.__file__).read_text())
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, f"def {node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"


def test_the_page_is_up_to_date(maker):
    told = "run python docs/make_reference.py"
    assert maker.PAGE.read_text("utf-8") == maker.page(), told


def test_every_hook_is_documented_with_its_exact_signature(maker):
    sections = dict(
        re.findall(r"^## `(\w+)`\n\n```python\n(.*)\n```\n\n\S", maker.PAGE.read_text(), re.MULTILINE)
    )
    assert sections == dict(written())
    assert len(sections) >= 13


def test_every_entry_class_is_documented(maker):
    text = maker.PAGE.read_text("utf-8")
    records = [
        value for value in vars(hooks).values() if inspect.isclass(value) and issubclass(value, hooks.Entry)
    ]
    assert [record.__name__ for record in records if f"`{record.__name__}`" not in text] == ["Entry"]

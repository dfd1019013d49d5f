"""What plugins import from core: façades alone, which offer it under the names that type checkers see."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAZY = ("core.codec", "core.training", "core.metrics", "core.data", "core.media")
"""Façades that options may be imported from."""
FACADES = {"core", "core.errors", "core.hooks", "core.nn", "core.nn.init", *LAZY}
IMPORT = re.compile(r"^ *from (core[\w.]*) import (?:\(([^)]*)\)|([^\n(]*))$", re.MULTILINE)


def texts():
    """What plugins are written with, here and elsewhere: sources, a template of sources, and those in the guides."""
    for folder in ("plugins", "examples", "template", "docs/how-to", "docs/tutorials"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".jinja", ".md"):
                yield path.relative_to(ROOT), path.read_text("utf-8")


def imported(text):
    """(module, name) of every import from core, also from within functions and for types alone."""
    for module, lines, line in IMPORT.findall(text):
        for name in (lines or line).split("#")[0].split(","):
            if name.strip():
                yield module, name.split()[0]


def test_imports_of_all_forms_are_seen():
    source = "from core.nn.conv import (\n    A,\n    B as C,\n)\nif x:\n    from core import D, E as F\n"
    assert list(imported(source)) == [
        ("core.nn.conv", "A"),
        ("core.nn.conv", "B"),
        ("core", "D"),
        ("core", "E"),
    ]


def test_plugins_examples_template_and_guides_import_facades_alone():
    found = [(path, module) for path, text in texts() for module, _ in imported(text)]
    strange = {
        (str(path), module)
        for path, module in found
        if module not in FACADES and not (module.startswith("core.testing"))
    }
    assert strange == set()
    assert {path.parts[0] for path, _ in found} == {"plugins", "examples", "template", "docs"}


def test_what_they_import_is_offered():
    wanted = {pair for _, text in texts() for pair in imported(text)}
    assert len(wanted) > 100
    assert [(m, name) for m, name in sorted(wanted) if not hasattr(import_module(m), name)] == []


@pytest.mark.parametrize("facade", sorted(FACADES - {"core.errors", "core.nn.init"}))
def test_type_checkers_see_what_there_is(facade):
    """Each name that a façade states for types, it has, from the module that it says."""
    module = import_module(facade)
    stated = [
        (alias.asname or alias.name, node.module, alias.name)
        for node in ast.walk(ast.parse(Path(module.__file__).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module.startswith("core.")
        and node.module not in ("core.facade", "core.run")
        for alias in node.names
    ]
    assert stated
    for name, source, original in stated:
        assert getattr(module, name) is getattr(import_module(source), original)


def test_what_a_facade_does_not_offer_is_an_error():
    for facade in ("core", *LAZY):
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            _ = import_module(facade).nothing


@pytest.mark.heavy
def test_options_may_be_imported_without_mindspore():
    source = f"import sys, {', '.join(LAZY)}; sys.exit('mindspore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], cwd=ROOT, check=False).returncode == 0

"""Core knows no plugin by name, in code or in YAML: what plugins bring to its benchmarks they bring themselves."""

import ast
import re
from pathlib import Path

import pytest

from core.registry import CORE, load

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/plugin.py"))
SOURCES = sorted(path.relative_to(ROOT) for path in ROOT.glob("core/**/*.py"))
YAML = sorted(path.relative_to(ROOT) for path in ROOT.glob("conf/**/*.yaml"))


def named(text, names):
    """Those of the names that stand in a text as words, alone or before an underscore."""
    return {name for name in names if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", text)}


def strings(tree):
    """All strings of a module but docstrings, which are for readers."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_names_are_found_in_words_and_paths():
    assert named("task.contenders.dvc: dvc_demo", ["dvc", "dvcp"]) == {"dvc"}
    assert named("/contender/x265_dvcp", ["dvc", "dvcp"]) == {"dvcp"}


def test_no_string_of_core_names_a_plugin():
    names = [name for name in PLUGINS if name != "anchors"]  # a word of benchmarks as well
    assert len(names) >= 6 and len(SOURCES) > 150
    found = {
        str(path): names
        for path in SOURCES
        if (names := named(" ".join(strings(ast.parse((ROOT / path).read_text("utf-8")))), names))
    }
    assert found == {}


def test_no_yaml_of_core_names_a_plugin_or_what_it_offers():
    offered = {entry.name for plugin in load().plugins if plugin.name != CORE for _, entry in plugin.entries}
    names = {*PLUGINS, *offered} - {"anchors"}
    assert {"dvc", "x264", "cycmunet"} <= names and len(YAML) > 15
    found = {str(path): said for path in YAML if (said := named((ROOT / path).read_text("utf-8"), names))}
    assert found == {
        "conf/config.yaml": {"cycmunet"}
    }  # the demo that the command runs where no word is given


@pytest.mark.parametrize("folder", ["core", "conf"])
def test_no_file_of_core_is_called_as_a_plugin(folder):
    names = [name for name in PLUGINS if name != "anchors"]
    stems = {path.stem for path in (ROOT / folder).rglob("*") if path.suffix}
    assert not {name for stem in stems for name in named(stem, names)}

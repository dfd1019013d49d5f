"""The plugin is there, costs nothing until it is used, and its words are spelt as others' are."""

from __future__ import annotations

import dataclasses
import keyword
import re
import subprocess
import sys

import pytest

from core.hooks import Lazy
from core.registry import Plugin, Registry, load
from core.testing.cases import yaml_text

ENTRY_NAME = re.compile(r"[a-z][a-z0-9_-]*")
OPTION_NAME = re.compile(r"[a-z][a-z0-9_]*")


def test_the_plugin_is_active(registry: Registry, name: str) -> None:
    """It is installed, and admitted."""
    reasons = {rejection.name: rejection.reason for rejection in registry.rejected}
    assert name not in reasons, f"the plugin '{name}' is rejected: {reasons[name]}"
    known = sorted(plugin.name for plugin in registry.plugins)
    assert name in known, f"there is no plugin '{name}'; installed are {', '.join(known)}"


def test_the_plugin_can_be_left_out(plugin: Plugin) -> None:
    """``plugins.disable`` takes it away, and nothing else with it but what builds on it."""
    if plugin.name == "core":
        pytest.skip("core itself always loads")
    without = load([plugin.name])
    assert plugin.name in without.disabled
    assert plugin.name not in [active.name for active in without.plugins]


def test_importing_the_plugin_starts_no_mindspore(registry: Registry, plugin: Plugin) -> None:
    """``--help``, completion and mistakes in settings must be answered at once."""
    module = vars(registry.manager.get_plugin(plugin.name))["__name__"]
    code = f"import sys, {module}; sys.exit('mindspore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or f"importing {module} imports MindSpore"


def test_everything_named_is_there(registry: Registry, plugin: Plugin) -> None:
    """What the plugin names by `core.hooks.lazy` can be imported and called."""
    owners = [registry.manager.get_plugin(plugin.name), *(entry for _, entry in plugin.entries)]
    for named in (value for owner in owners for value in vars(owner).values() if isinstance(value, Lazy)):
        assert callable(named.resolve()), named


def test_names_are_lower_case(plugin: Plugin) -> None:
    """Of entries and YAML: letters, digits, ``_`` and ``-``; of options: the same without ``-``."""
    names = [entry.name for _, entry in plugin.entries]
    names += [preset.rpartition("/")[2] for preset in plugin.presets]
    assert [name for name in names if not ENTRY_NAME.fullmatch(name)] == []
    options = [
        f"{kind}.{option.name}"
        for kind, entry in plugin.entries
        for option in dataclasses.fields(entry.config)
        if not OPTION_NAME.fullmatch(option.name) or keyword.iskeyword(option.name)
    ]
    assert options == []


def test_everything_says_what_it_is(plugin: Plugin) -> None:
    """``--help`` shows the first line of each entry's options, and the first comment of each YAML file."""
    silent = [f"{kind}={entry.name}" for kind, entry in plugin.entries if not _documented(entry.config)]
    assert silent == [], "options without a docstring"
    assert [preset for preset in plugin.presets if not _commented(plugin, preset)] == []


def _documented(options: type) -> bool:
    """Whether there is a docstring; without one, a dataclass gets its signature."""
    return bool(options.__doc__) and not (options.__doc__ or "").startswith(f"{options.__name__}(")


def _commented(plugin: Plugin, preset: str) -> bool:
    lines = yaml_text(plugin, preset).splitlines()
    return any(line.startswith("#") and "@package" not in line for line in lines)

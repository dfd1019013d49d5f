"""What a plugin is made of: entries, and what builds their things, imported when it is first called."""

import sys
from dataclasses import dataclass

import pytest

from core.hooks import HOOK_API, HOOK_OF_KIND, LossEntry, MetricEntry, Plugin, lazy


@dataclass
class Options:
    """No options."""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a module ``parts`` and, once asked for, a plugin."""
    folder = tmp_path / "lazy_package"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "parts.py").write_text("class Loss:\n    def of(config):\n        return ['loss', config]\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "lazy_package"]:
        del sys.modules[name]


def made(package, source):
    (package / "plugin.py").write_text(f"from core.hooks import Plugin, lazy\n{source}")
    from lazy_package import plugin

    return plugin


def test_what_is_lazy_is_imported_at_its_first_call_within_the_callers_package(package):
    build = made(package, "build = lazy('.parts:Loss.of')").build
    assert "lazy_package.parts" not in sys.modules
    assert build(3) == ["loss", 3]
    assert "lazy_package.parts" in sys.modules


def test_an_absolute_target():
    assert lazy("math:hypot")(3, 4) == 5


@pytest.mark.parametrize("target", ["", ".parts", ".parts:", ":build"])
def test_a_target_that_names_nothing(target):
    with pytest.raises(ValueError, match=r"write it as lazy\('\.module:name'\)"):
        lazy(target)


def test_a_plugin_offers_each_entry_by_the_hook_of_its_kind():
    loss, metric = LossEntry("one", Options, lazy("m:l")), MetricEntry("two", Options, lazy("m:m"))
    plugin = Plugin(metric, loss)
    offered = {hook: getattr(plugin, hook)() for hook in HOOK_OF_KIND.values() if getattr(plugin, hook)()}
    assert offered == {"losses": [loss], "metrics": [metric]}
    assert plugin.HOOK_API == HOOK_API


def test_a_plugin_is_made_of_entries_alone():
    with pytest.raises(TypeError, match="'one' is none"):
        Plugin("one")


def test_callbacks_are_those_that_it_is_given():
    assert list(Plugin().callbacks(run="run")) == []
    assert list(Plugin(callbacks=lambda run: [run, 1]).callbacks(run="run")) == ["run", 1]


def test_the_package_conf_beside_it_is_its_yaml(package):
    plugin = made(package, "plugin = Plugin()").plugin
    assert plugin.config_package() is None
    (package / "conf").mkdir()
    (package / "conf" / "__init__.py").touch()
    assert plugin.config_package() == "lazy_package.conf"

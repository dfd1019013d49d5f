"""What was admitted is found again, by name and by the type of its options; what was not is told with a near miss."""

from dataclasses import dataclass
from importlib import metadata

import pytest

from core import registry
from core.errors import PluginError
from core.hooks import LossEntry, Plugin


@dataclass
class Grain:
    """Options."""


@dataclass
class Rain:
    """Others."""


GRAIN = LossEntry("grain", Grain, Grain)
RAIN = LossEntry("rain", Rain, Rain)


@pytest.fixture
def filled():
    """A registry with two plugins."""
    made = registry.Registry()
    for number, entry in enumerate((GRAIN, RAIN)):
        presets = frozenset({f"loss/{entry.name}_strong"})
        plugin = registry.Plugin(
            entry.name * 2, "somewhere", f"{number}.0", (("loss", entry),), "conf", presets
        )
        made.admit(plugin, Plugin(entry))
    return made


def test_entries_are_found_by_name_and_by_type(filled):
    assert filled.names("loss") == ["grain", "rain"] and filled.names("model") == []
    assert filled.find("loss", "rain") is RAIN
    assert filled.entry_of("loss", Grain) is GRAIN and filled.entry_of("model", Grain) is None
    assert filled.entry_of("loss", None) is None


def test_owners(filled):
    assert filled.owner("loss", "grain").name == "graingrain" and filled.owner("loss", "hail") is None
    assert filled.presets() == {"loss/grain_strong": "graingrain", "loss/rain_strong": "rainrain"}


def test_an_unknown_name_is_told_with_a_near_miss(filled):
    with pytest.raises(
        PluginError, match=r"there is no loss 'gain'; did you mean 'grain'\? \(known: grain, rain\)"
    ):
        filled.find("loss", "gain")
    with pytest.raises(PluginError, match=r"there is no model 'x' \(known: none\)"):
        filled.find("model", "x")


def test_hooks_of_all_plugins_are_called(filled):
    assert {entry.name for offered in filled.manager.hook.losses() for entry in offered} == {"grain", "rain"}


def test_own_plugins_come_first_and_core_before_them():
    points = [point.name for point in registry._entry_points()]
    own = [p.name for p in metadata.entry_points(group=registry.GROUP) if p.dist.name == "mindvideo"]
    assert points[0] == registry.CORE
    assert points[1 : len(own)] == sorted(set(own) - {registry.CORE})


@pytest.mark.parametrize(
    ("disable", "only", "told"),
    [
        (["dcv"], None, r"plugins\.disable names 'dcv', which is not installed; did you mean 'dcvc'"),
        ([], "dvc, nothing", r"MINDVIDEO_PLUGINS names 'nothing', which is not installed \(known:"),
        (["core"], None, "which offers the tasks and devices and always loads"),
    ],
)
def test_wrong_choices_of_plugins_are_named(monkeypatch, disable, only, told):
    if only is not None:
        monkeypatch.setenv(registry.ONLY_VARIABLE, only)
    with pytest.raises(PluginError, match=told):
        registry.load(disable)


def test_what_is_left_out_is_known():
    made = registry.load(["dvcp"])
    assert made.disabled == ["dvcp"] and "dvcp" not in made.names("model") and "dvc" in made.names("model")
    assert not any("dvcp" in preset for preset in made.presets())


def test_without_mindvideo_itself_nothing_loads(monkeypatch):
    monkeypatch.setattr(metadata, "entry_points", lambda group: [])
    with pytest.raises(PluginError, match="mindvideo is not installed in this Python"):
        registry.load()

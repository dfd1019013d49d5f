"""Everything that the plugin offers can be chosen on the command line, and its YAML composes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, get_type_hints

import pytest
import yaml
from omegaconf import OmegaConf

from core.config import MANY, check, compose_for_show, offer
from core.hooks import KINDS, Options
from core.options import ranges
from core.registry import Plugin, Registry
from core.tasks.measure import settle_words
from core.testing.cases import Case, cases, yaml_text

MUST_BE_TRIED = ("model", "codec", "upscaler")


@pytest.fixture(scope="module", autouse=True)
def _offered(registry: Registry) -> None:
    """What is installed is given to Hydra once."""
    offer(registry)


def test_every_entry_can_be_chosen(registry: Registry, plugin: Plugin) -> None:
    """``<kind>=<name>`` composes to the entry's own options, and those that need no value are sound."""
    for kind, entry in plugin.entries:
        word = f"{kind}=[{entry.name}]" if kind in MANY else f"{kind}={entry.name}"
        config = compose_for_show(["experiment=none", word], registry)
        section = f"{kind}.{entry.name}" if kind in MANY else kind
        assert OmegaConf.get_type(OmegaConf.select(config, section)) is entry.config, word
        if not OmegaConf.missing_keys(OmegaConf.structured(entry.config)):
            assert isinstance(entry.config(), entry.config)


def test_ranges_hold_in_python_as_well(plugin: Plugin) -> None:
    """Options with ranges have `core.hooks.Options` as their base, which checks them wherever they are made."""
    configs = [config for _, entry in plugin.entries for config in within(entry.config)]
    assert [config for config in configs if ranges(config) and not issubclass(config, Options)] == []


def within(config: type) -> Iterator[type]:
    """A dataclass of options, and those of its sections."""
    yield config
    for kind in get_type_hints(config).values():
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            yield from within(kind)


def test_presets_and_experiments_compose(registry: Registry, plugin: Plugin) -> None:
    """Each YAML file of a group that is chosen by name, or by which the plugin joins a benchmark."""
    for preset in sorted(plugin.presets):
        group, _, name = preset.partition("/")
        if group == "experiment":
            composed([f"experiment={name}"], registry)
        elif group in KINDS and group not in MANY:
            words = ["experiment=none", f"{group}={name}"]
            composed(words if group == "task" else [*words, "task=doctor"], registry)
        elif group == "benchmark":
            where, _, name = preset.rpartition("/")
            composed(["experiment=none", f"+{where}={name}", "task=bench"], registry)


def test_contenders_compose(registry: Registry, plugin: Plugin) -> None:
    """The codecs and rates that the plugin brings to ``task=bench``."""
    for preset in sorted(preset for preset in plugin.presets if preset.startswith("contender/")):
        contender: dict[str, Any] = yaml.safe_load(yaml_text(plugin, preset))
        assert sorted(contender) == ["points", "words"], preset
        assert contender["points"], preset
        for more in contender["points"].values():
            composed([*settle_words(contender["words"]), *more, "task=measure"], registry)


def test_everything_that_computes_is_tried(plugin: Plugin) -> None:
    """Each model, codec and upscaler is chosen in one of the plugin's ``conformance/*.yaml``."""
    chosen = {word for case in cases(plugin, []) for word in case.words}
    offered = [f"{kind}={entry.name}" for kind, entry in plugin.entries if kind in MUST_BE_TRIED]
    forgotten = [word for word in offered if word not in chosen]
    assert forgotten == [], (
        f"no conformance/*.yaml of the plugin chooses {', '.join(forgotten)}: write one with the words of a command "
        "line at small sizes, as `words: [model=mine, model.channels=4, dataset=stills, …]`"
    )


def test_subjects_compose(case: Case) -> None:
    """What the suite is to try; its network is built."""
    if case.chooses("model"):
        assert list(case.run.model().get_parameters())


def composed(words: Sequence[str], registry: Registry) -> None:
    """Compose and check, with a stand-in for what must be given."""
    config = compose_for_show(words, registry)
    for key in OmegaConf.missing_keys(config):
        OmegaConf.update(config, key, 0)
    check(config, registry)

"""Gives the plugins' entries to Hydra, and turns a composed configuration into typed, checked settings.

The dataclass of each entry becomes the configuration ``<kind>/<name>``, so a wrong type or a misspelt key fails
while composing. All problems of a configuration are reported together, before a device is touched.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import fields
from importlib import resources
from typing import Any

import yaml
from hydra import compose, initialize_config_module
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from core import hooks
from core.entries import NAMED_BY_OPTIONS
from core.errors import ConfigError
from core.options import Range, ranges
from core.registry import Registry, suggestion
from core.settings import Settings
from core.words import HYDRA_PATHS, PathOption, as_typed, path_options, word

CONFIG_PACKAGE = "core.conf"
CONFIG_NAME = "config"
COMPOSE_ERRORS = (HydraException, OmegaConfBaseException, ValueError)
"""Errors that Hydra raises for a user's mistake."""
GROUPS = (*hooks.KINDS, "experiment", "sweep")
"""The groups of choices by name, as ``group=name``."""
MANY = ("metric",)
"""Kinds of which a run has several, by name."""

_offered: list[Registry] = []
"""The registry that Hydra has, if it has one: it keeps what it was given for the whole process."""


def offer(registry: Registry) -> None:
    """Give every entry's dataclass and every plugin's YAML to Hydra, unless it has them."""
    if registry in _offered:
        return
    _offered[:] = [registry]
    store = ConfigStore.instance()
    store.store(name="settings", node=Settings)
    for plugin in registry.plugins:
        for kind, entry in plugin.entries:
            package = f"{kind}.{entry.name}" if kind in MANY else kind
            store.store(group=kind, name=entry.name, node=entry.config, package=package, provider=plugin.name)
    for benchmark, joining in _benchmarks(registry).items():
        node = {"defaults": [{f"/benchmark/{benchmark}": joining}]}
        store.store(group="benchmarks", name=benchmark, node=node, package="_global_")
    packages = [p.config_package for p in registry.plugins if p.config_package]
    Plugins.instance().register(_search_path(packages))


def _benchmarks(registry: Registry) -> dict[str, list[str]]:
    """The contenders of each benchmark: the names of plugins' ``benchmark/<benchmark>/<name>.yaml``."""
    found: dict[str, list[str]] = {}
    for group, _, name in (preset.rpartition("/") for preset in sorted(registry.presets())):
        if group.startswith("benchmark/"):
            found.setdefault(group.removeprefix("benchmark/"), []).append(name)
    return found


def _search_path(packages: Sequence[str]) -> type[SearchPathPlugin]:
    class MindvideoSearchPath(SearchPathPlugin):
        """Adds the plugins' YAML folders to Hydra's search path."""

        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for package in packages:
                if package != CONFIG_PACKAGE:
                    search_path.append(provider=package, path=f"pkg://{package}")

    return MindvideoSearchPath


def paths(registry: Registry, words: Sequence[str] = ()) -> dict[str, PathOption]:
    """Every option that holds a path, by its key; where entries differ, as in those that the words choose."""
    chosen = dict(word.partition("=")[::2] for word in words)
    found = {**HYDRA_PATHS, **dict(path_options(Settings))}
    for kind in hooks.KINDS:
        for name in sorted(registry.names(kind), key=lambda name: name == chosen.get(kind)):
            prefix = f"{kind}.{name}." if kind in MANY else f"{kind}."
            found.update(path_options(registry.find(kind, name).config, prefix))
    return found


def default_experiment() -> str:
    """The experiment that the primary configuration names."""
    text = (resources.files(CONFIG_PACKAGE) / f"{CONFIG_NAME}.yaml").read_text("utf-8")
    return next(item["experiment"] for item in yaml.safe_load(text)["defaults"] if "experiment" in item)


def compose_for_show(overrides: Sequence[str], registry: Registry) -> DictConfig:
    """The configuration of a command line, unchecked; raises `ConfigError` when it does not compose."""
    with _composing():
        config, faults = _compose_valid(as_typed(overrides, paths(registry, overrides)), registry)
    if faults:
        raise ConfigError(_message(faults))
    return config


def compose_settings(overrides: Sequence[str], registry: Registry) -> Settings:
    """Settings from the words of a command line; raises `ConfigError` with every problem at once."""
    with _composing():
        config, faults = _compose_valid(as_typed(overrides, paths(registry, overrides)), registry)
    return check(config, registry, faults)


def _composing() -> AbstractContextManager[Any]:
    """The context that `compose` works in; within a job of Hydra's it is there already."""
    if GlobalHydra.instance().is_initialized():
        return nullcontext()
    return initialize_config_module(CONFIG_PACKAGE, version_base="1.3")


def check(config: DictConfig, registry: Registry, faults: Sequence[str] = ()) -> Settings:
    """Typed settings of a composed configuration; raises `ConfigError` with every problem, ``faults`` first."""
    try:
        return _check(config, registry, faults)
    except OmegaConfBaseException as error:  # of a value that refers to another one
        key = f"{error.full_key}: " if error.full_key else ""
        raise ConfigError(_message([*faults, key + explain(error)])) from None


def _check(config: DictConfig, registry: Registry, faults: Sequence[str]) -> Settings:
    task = registry.entry_of("task", OmegaConf.get_type(config, "task"))
    if not isinstance(task, hooks.TaskEntry):
        faults = [*faults, f"no task is chosen: give task=… (known: {', '.join(registry.names('task'))})"]
        raise ConfigError(_message(faults))
    needed = [*task.needs, *_needed_within(config, task, registry)]
    unused = hooks.KINDS.keys() - {"task", *MANY, *needed, *task.takes}
    problems = [*faults, *_missing_values(config, unused), *_missing_sections(config, task, needed, registry)]
    problems += _impossible_paths(config, registry, unused)
    known = [field.name for field in fields(Settings)]
    sections: dict[str, Any] = {}
    for name in map(str, config):
        if name not in known:
            problems.append(f"there is no setting '{name}'{suggestion(name, known)}")
            continue
        if OmegaConf.is_config(config[name]) and OmegaConf.missing_keys(config[name]):
            continue
        try:
            if beyond := list(_out_of_range(config, name)):
                problems += beyond
            else:
                sections[name] = _typed(config, name)
        except (ValueError, OmegaConfBaseException) as error:
            problems.append(f"{name}: {explain(error)}")
    if problems:
        raise ConfigError(_message(problems))
    return Settings(**sections)


def _out_of_range(config: DictConfig, section: str) -> Iterator[str]:
    for key, allowed in option_ranges(config[section], f"{section}."):
        if fault := allowed.fault(key, OmegaConf.select(config, key)):
            yield fault


def option_ranges(config: Any, prefix: str = "") -> Iterator[tuple[str, Range]]:
    """The key of each option within a composed configuration that has a range, and the range."""
    if not isinstance(config, DictConfig) or config._is_none() or config._is_missing():
        return
    allowed = ranges(OmegaConf.get_type(config) or dict)
    for name in map(str, config):
        if name in allowed:
            yield prefix + name, allowed[name]
        else:
            yield from option_ranges(config._get_node(name), f"{prefix}{name}.")


def _typed(config: DictConfig, name: str) -> Any:
    value = config[name]
    return OmegaConf.to_object(value) if OmegaConf.is_config(value) else value


def _missing_values(config: DictConfig, unused: Collection[str]) -> list[str]:
    """Complaints about ``???``, but for those of sections that the task does not use."""
    keys = sorted(OmegaConf.missing_keys(config))
    return [f"{key} has no value: give it as {key}=…" for key in keys if key.split(".")[0] not in unused]


def _impossible_paths(config: DictConfig, registry: Registry, unused: Collection[str]) -> Iterator[str]:
    """Complaints about paths that can name nothing, but for those of sections that the task does not use."""
    for key, kind in paths(registry).items():
        if key.startswith("hydra.") or key.split(".")[0] in unused:
            continue
        try:
            value = OmegaConf.select(config, key, throw_on_missing=False)
        except OmegaConfBaseException:
            continue  # which is told of the whole section
        for path in value if kind.many and OmegaConf.is_list(value) else [value]:
            if path == "":
                yield f"{key} is empty: give it as {key}=PATH" + ", or null for none" * kind.optional
            elif isinstance(path, str) and "\0" in path:
                yield f"{key} has a NUL in it, which no path can have"


def _missing_sections(
    config: DictConfig, task: hooks.TaskEntry[Any], needed: Sequence[str], registry: Registry
) -> Iterator[str]:
    for kind in dict.fromkeys(needed):
        if registry.entry_of(kind, OmegaConf.get_type(config, kind)) is None:
            known = ", ".join(registry.names(kind)) or "none"
            yield f"task={task.name} needs {kind}=…, or an experiment=… that chooses one (known: {known})"


def _needed_within(config: DictConfig, task: hooks.TaskEntry[Any], registry: Registry) -> Iterator[str]:
    """Kinds that the codec of a task, or else its upscaler, is built from."""
    asked = [kind for kind in ("codec", "upscaler") if kind in (*task.needs, *task.takes)]
    chosen = (registry.entry_of(kind, OmegaConf.get_type(config, kind)) for kind in asked)
    entry: Any = next((entry for entry in chosen if entry is not None), None)
    needs = entry.needs if entry is not None else ()
    if "network" in needs:
        yield "model"
    if "codec" in needs:
        name = OmegaConf.select(config, f"codec.{NAMED_BY_OPTIONS['codec']}", throw_on_missing=False)
        inner: Any = registry.find("codec", name) if name in registry.names("codec") else None
        needs = inner.needs if inner is not None else ()
    if "intra" in needs:
        yield "intra"


def _compose_valid(overrides: Sequence[str], registry: Registry) -> tuple[DictConfig, list[str]]:
    """The configuration of the overrides that compose, and what is wrong with each of the others."""
    with suppress(*COMPOSE_ERRORS):  # each by itself tells more
        return compose(CONFIG_NAME, list(overrides)), []
    accepted: list[str] = []
    faults: list[str] = []
    try:
        config = compose(CONFIG_NAME)
    except COMPOSE_ERRORS as error:
        raise ConfigError(explain(error)) from None
    for override in _choices_first(overrides):
        try:
            config = compose(CONFIG_NAME, [*accepted, override])
        except COMPOSE_ERRORS as error:
            faults.append(_fault(override, error, config, registry))
        else:
            accepted.append(override)
    return config, faults


def _choices_first(overrides: Sequence[str]) -> list[str]:
    """Sort overrides: first where to look, then choices of groups, then values."""
    order = ("hydra.searchpath",), GROUPS
    keys = {word: word.split("=")[0].lstrip("+~") for word in overrides}
    return sorted(overrides, key=lambda word: [keys[word] not in keys_first for keys_first in order])


def _fault(override: str, error: Exception, config: DictConfig, registry: Registry) -> str:
    """The reason why an override does not compose with those of ``config``."""
    name, _, value = override.partition("=")
    if value and isinstance(error, OverrideParseException):
        quoted = shlex.quote(word(name, value))
        return f"{override}: this value cannot be read; to have it as it stands, give {quoted}"
    key = name.lstrip("+~")
    absent = isinstance(error, MissingConfigException) and error.missing_cfg_file == f"{key}/{value}"
    if key in GROUPS and absent and value not in (known := _options(registry, key)):
        return f"{override}: there is no {key} '{value}'{suggestion(value, known)}"
    if key in GROUPS:
        return f"{override}: {explain(error)}"
    known = _known_keys(config)
    if key not in known:
        return f"{override}: there is no setting '{key}'{_near(key, known)}"
    return f"{override}: {explain(error)}"


def _options(registry: Registry, group: str) -> list[str]:
    presets = [p.partition("/")[2] for p in registry.presets() if p.startswith(f"{group}/")]
    return sorted({*registry.names(group), *presets}) if group in hooks.KINDS else presets


def _known_keys(config: DictConfig, prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name in map(str, config):
        keys.append(prefix + name)
        node = config._get_node(name)
        if isinstance(node, DictConfig) and not node._is_none() and not node._is_missing():
            keys.extend(_known_keys(node, f"{prefix}{name}."))
    return keys


def _near(key: str, known: list[str]) -> str:
    """Near misses of a key; the words listed are those of the same section, not all of them."""
    section = key.rpartition(".")[0]
    siblings = [k for k in known if k.rpartition(".")[0] == section]
    return suggestion(key, siblings or [k for k in known if "." not in k])


def explain(error: Exception) -> str:
    """The first sentence of a library's error, without its internals."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = str(cause).partition("Config search path:")[0]
    if unknown := re.search(r"ConfigKeyError raised while composing .*\n\s*full_key: (\S+)", text, re.DOTALL):
        return f"it sets '{unknown[1]}', and there is no such setting"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(cause, GrammarParseError):
        return f"a reference within it, as ${{section.key}}, is not written well ({' '.join(lines)})"
    kept = [line for line in lines if not re.match(r"(full_key|object_type|reference_type):?", line)]
    return " ".join(kept) or type(error).__name__


def _message(problems: Sequence[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    return f"{len(problems)} problems in the configuration:\n" + "\n".join(f"  - {p}" for p in problems)


def entry_section(section: Any) -> dict[str, Any]:
    """A typed section as plain data (enums by name), for checkpoints and reports."""
    container = OmegaConf.to_container(OmegaConf.structured(section), enum_to_str=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}

"""Finds plugins, admits or rejects each, and looks their entries up.

Admission is per plugin: whatever is wrong with one (it fails to import, exits, was written for another hook
API, clashes with another) rejects that plugin with one reason, and the rest runs.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.util
import inspect
import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.abc import InspectLoader
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from core import hooks
from core.errors import PluginError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

GROUP = "mindvideo.plugins"
ONLY_VARIABLE = "MINDVIDEO_PLUGINS"
CORE = "core"
"""The plugin through which core makes its own offers; it is always loaded."""


@dataclass(frozen=True)
class Plugin:
    """An admitted plugin."""

    name: str
    distribution: str
    version: str
    entries: tuple[tuple[str, hooks.Entry[Any]], ...]
    config_package: str | None
    presets: frozenset[str]
    """``group/name`` of each YAML file it brings."""
    weights: tuple[hooks.WeightsEntry, ...] = ()


@dataclass(frozen=True)
class Rejection:
    """A plugin that was found and not admitted."""

    name: str
    distribution: str
    reason: str


class Registry:
    """The admitted plugins and their entries; a value, made once by `load`."""

    def __init__(self) -> None:
        self.plugins: list[Plugin] = []
        self.rejected: list[Rejection] = []
        self.disabled: list[str] = []
        self.manager = _plugin_manager()
        self._entries: dict[tuple[str, str], tuple[hooks.Entry[Any], Plugin]] = {}

    def admit(self, plugin: Plugin, implementation: object) -> None:
        """Add a plugin that `_examine` found to be sound."""
        self.manager.register(implementation, plugin.name)
        self.plugins.append(plugin)
        for kind, entry in plugin.entries:
            self._entries[kind, entry.name] = (entry, plugin)

    def names(self, kind: str) -> list[str]:
        """Names of all entries of a kind, sorted."""
        return sorted(name for entry_kind, name in self._entries if entry_kind == kind)

    def owner(self, kind: str, name: str) -> Plugin | None:
        """The plugin that offers an entry, or None."""
        found = self._entries.get((kind, name))
        return found[1] if found else None

    def find(self, kind: str, name: str) -> hooks.Entry[Any]:
        """The entry of a kind and name; raises `PluginError` with the known names and a near miss."""
        found = self._entries.get((kind, name))
        if not found:
            raise PluginError(f"there is no {kind} '{name}'{suggestion(name, self.names(kind))}.")
        return found[0]

    def entry_of(self, kind: str, config: type | None) -> hooks.Entry[Any] | None:
        """The entry of a kind whose options have this type, or None."""
        for (entry_kind, _), (entry, _) in self._entries.items():
            if entry_kind == kind and entry.config is config:
                return entry
        return None

    def weights(self) -> dict[str, hooks.WeightsEntry]:
        """The weights that have names, by these; mindvideo's own first."""
        return {entry.name: entry for plugin in self.plugins for entry in plugin.weights}

    def presets(self) -> dict[str, str]:
        """``group/name`` of every YAML file -> name of the plugin that brings it."""
        return {preset: plugin.name for plugin in self.plugins for preset in plugin.presets}


def suggestion(word: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown word: the near miss, and the known words."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"{hint} (known: {', '.join(known) or 'none'})"


def load(disable: Collection[str] = ()) -> Registry:
    """Find every installed plugin and admit those that are sound.

    ``disable`` names plugins to leave out. The environment variable ``MINDVIDEO_PLUGINS`` ("a,b"), when set,
    names the only plugins to load. Raises `PluginError` when a name in either is unknown, or when mindvideo
    itself is not installed.
    """
    registry = Registry()
    found = _entry_points()
    only = _only()
    _check_known(found, disable, only)
    for point in found:
        if point.name != CORE and (point.name in disable or (only is not None and point.name not in only)):
            registry.disabled.append(point.name)
            continue
        _consider(registry, point)
    _require_core(registry)
    return registry


def _require_core(registry: Registry) -> None:
    for rejection in registry.rejected:
        if rejection.name == CORE:
            raise PluginError(f"mindvideo's own part 'core' is broken: {rejection.reason}; install it again.")


def _plugin_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


def _entry_points() -> list[metadata.EntryPoint]:
    """Installed plugins, mindvideo's own first so that a clash is always the other one's."""
    points = list(metadata.entry_points(group=GROUP))
    own = [p for p in points if _distribution(p) == "mindvideo"]
    if not any(p.name == CORE for p in own):
        raise PluginError(
            "mindvideo is not installed in this Python: run './run python -m core' in the checkout, "
            "or 'pip install -e .'."
        )
    others = sorted((p for p in points if p not in own), key=lambda p: (p.name, _distribution(p)))
    return sorted(own, key=lambda p: (p.name != CORE, p.name)) + others


def _distribution(point: metadata.EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown distribution"


def _only() -> set[str] | None:
    value = os.environ.get(ONLY_VARIABLE)
    return None if value is None else {name.strip() for name in value.split(",") if name.strip()}


def _check_known(found: list[metadata.EntryPoint], disable: Collection[str], only: set[str] | None) -> None:
    known = {point.name for point in found}
    for source, names in (("plugins.disable", disable), (ONLY_VARIABLE, only or ())):
        for name in names:
            if name not in known:
                raise PluginError(
                    f"{source} names '{name}', which is not installed{suggestion(name, known)}."
                )
    if CORE in disable:
        raise PluginError(
            "plugins.disable names 'core', which offers the tasks and devices and always loads."
        )


def _consider(registry: Registry, point: metadata.EntryPoint) -> None:
    try:
        implementation, plugin = _examine(registry, point)
    except _Unsound as unsound:
        registry.rejected.append(Rejection(point.name, _distribution(point), str(unsound)))
    else:
        registry.admit(plugin, implementation)


class _Unsound(Exception):
    """Why a plugin is not admitted."""


def _examine(registry: Registry, point: metadata.EntryPoint) -> tuple[object, Plugin]:
    if any(plugin.name == point.name for plugin in registry.plugins):
        other = next(plugin for plugin in registry.plugins if plugin.name == point.name)
        raise _Unsound(f"a plugin of this name is already loaded, from {other.distribution}")
    implementation = _implementation(point)
    _require_api(getattr(implementation, "HOOK_API", None))
    offers = _offers(implementation)
    entries = tuple(_checked_entries(registry, offers))
    package, presets = _presets(registry, offers, entries)
    version = point.dist.version if point.dist else "unknown"
    weights = tuple(_checked_weights(registry, offers))
    return implementation, Plugin(
        point.name, _distribution(point), version, entries, package, presets, weights
    )


def _implementation(point: metadata.EntryPoint) -> object:
    """The module with a plugin's hooks, or the `core.hooks.Plugin` in a module."""
    module = _import(point)
    if not point.attr:
        return module
    named = getattr(module, point.attr, None)
    if isinstance(named, hooks.Plugin):
        return named
    if named is None:
        made = [name for name, value in vars(module).items() if isinstance(value, hooks.Plugin)]
        raise _Unsound(
            f"its entry point names '{point.value}', which is not there{suggestion(point.attr, made)}"
        )
    kind = "a class" if isinstance(named, type) else type(named).__name__
    raise _Unsound(f"its entry point names '{point.value}', which is no core.hooks.Plugin but {kind}")


def _import(point: metadata.EntryPoint) -> ModuleType:
    try:
        module = importlib.import_module(point.module)
    except KeyboardInterrupt:
        raise
    except SystemExit as error:
        raise _Unsound(f"it exits while being imported (sys.exit({error.code!r}))") from error
    except BaseException as error:
        _require_api(_stated_api(point.module))
        raise _Unsound(f"it cannot be imported: {type(error).__name__}: {_one_line(error)}") from error
    return module


def _require_api(api: object) -> None:
    if api != hooks.HOOK_API:
        stated = "states no HOOK_API" if api is None else f"was written for hook API {api}"
        raise _Unsound(f"it {stated}; this mindvideo has hook API {hooks.HOOK_API}")


def _stated_api(module: str) -> int:
    """The HOOK_API in the source of a module that failed to import; ours, where that cannot be told."""
    source = None
    with suppress(Exception):  # whatever keeps it from being found has been told by its import
        spec = importlib.util.find_spec(module)
        source = spec.loader.get_source(module) if spec and isinstance(spec.loader, InspectLoader) else None
    found = re.search(r"^HOOK_API\s*=\s*(\d{1,9})\b", source or "", re.MULTILINE)
    return int(found[1]) if found else hooks.HOOK_API


def _offers(implementation: object) -> Any:
    """The plugin's hooks, callable, in a manager of its own: a fault cannot touch the others."""
    manager = _plugin_manager()
    try:
        manager.register(implementation)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise _Unsound(_hook_fault(manager, implementation) or _one_line(error)) from error
    return manager.hook


def _hook_fault(manager: pluggy.PluginManager, implementation: object) -> str | None:
    """The fault of a plugin's hooks, in our words: an unknown hook or a misspelt argument."""
    known = [name for name in vars(hooks) if hasattr(getattr(hooks, name), f"{hooks.PROJECT}_spec")]
    for name in dir(implementation):
        if manager.parse_hookimpl_opts(implementation, name) is None:
            continue
        if name not in known:
            return f"it implements an unknown hook '{name}'{suggestion(name, known)}"
        wanted = inspect.signature(getattr(hooks, name)).parameters
        for argument in inspect.signature(getattr(implementation, name)).parameters:
            if argument not in wanted:
                return f"its hook '{name}' has an unknown argument '{argument}'{suggestion(argument, wanted)}"
    return None


def _checked_entries(registry: Registry, offers: Any) -> Iterator[tuple[str, hooks.Entry[Any]]]:
    seen: set[tuple[str, object]] = set()
    for kind, record in hooks.KINDS.items():
        for entry in _call(offers, hooks.HOOK_OF_KIND[kind]):
            if not isinstance(entry, record):
                raise _Unsound(
                    f"its hook '{hooks.HOOK_OF_KIND[kind]}' returns {entry!r}, not a {record.__name__}"
                )
            _check_entry(registry, kind, entry)
            if (kind, entry.name) in seen or (kind, entry.config) in seen:
                raise _Unsound(f"it offers {kind} '{entry.name}', or its options class, twice")
            seen |= {(kind, entry.name), (kind, entry.config)}
            yield kind, entry


def _checked_weights(registry: Registry, offers: Any) -> Iterator[hooks.WeightsEntry]:
    taken = set(registry.weights())
    for entry in _call(offers, "weights"):
        if not isinstance(entry, hooks.WeightsEntry):
            raise _Unsound(f"its hook 'weights' returns {entry!r}, not a WeightsEntry")
        if not entry.name.replace("-", "").replace("_", "").isalnum():
            raise _Unsound(f"it offers weights '{entry.name}'; a name has letters, digits, '_' and '-' only")
        if entry.name in taken:
            raise _Unsound(f"it offers weights '{entry.name}', which are offered already")
        taken.add(entry.name)
        yield entry


def _call(offers: Any, hook: str) -> list[Any]:
    try:
        return [entry for result in getattr(offers, hook)() for entry in result]
    except Exception as error:
        raise _Unsound(f"its hook '{hook}' fails: {type(error).__name__}: {_one_line(error)}") from error


def _check_entry(registry: Registry, kind: str, entry: hooks.Entry[Any]) -> None:
    if not entry.name.replace("-", "_").isidentifier():
        raise _Unsound(f"it offers {kind} '{entry.name}'; a name has letters, digits, '_' and '-' only")
    owner = registry.owner(kind, entry.name)
    if owner:
        raise _Unsound(f"it offers {kind} '{entry.name}', which plugin '{owner.name}' offers already")
    if registry.entry_of(kind, entry.config):
        raise _Unsound(f"the options of its {kind} '{entry.name}' are another entry's class; subclass it")
    if f"{kind}/{entry.name}" in registry.presets():
        raise _Unsound(f"it offers {kind} '{entry.name}', which is the name of another plugin's YAML")
    if not dataclasses.is_dataclass(entry.config):
        raise _Unsound(f"the options of its {kind} '{entry.name}' are not a dataclass")
    if isinstance(entry, hooks.TaskEntry):
        _check_verb(registry, entry)
    try:
        OmegaConf.structured(entry.config)
    except (OmegaConfBaseException, TypeError, ValueError) as error:
        raise _Unsound(
            f"the options of its {kind} '{entry.name}' are unusable: {_one_line(error)}"
        ) from error


def _check_verb(registry: Registry, task: hooks.TaskEntry[Any]) -> None:
    tasks = [registry.find("task", name) for name in registry.names("task")]
    if other := next((t for t in tasks if isinstance(t, hooks.TaskEntry) and t.called == task.called), None):
        raise _Unsound(f"its task '{task.name}' has the verb '{task.called}' of task '{other.name}'")
    known = {f"task.{option.name}" for option in dataclasses.fields(task.config)} | {"experiment"}
    named = [*task.positional, *([f"task.{task.decodes}"] if task.decodes else [])]
    if unknown := next((key for key in named if key not in known), None):
        raise _Unsound(f"its task '{task.name}' names '{unknown}', which is none of its options")


def _presets(
    registry: Registry, offers: Any, entries: tuple[tuple[str, hooks.Entry[Any]], ...]
) -> tuple[str | None, frozenset[str]]:
    packages = offers.config_package()
    if not packages:
        return None, frozenset()
    package = packages[0]
    try:
        folder = resources.files(package)
        presets = frozenset(_yaml_names(folder, ""))
    except (ImportError, TypeError, OSError) as error:
        raise _Unsound(f"its config package '{package}' cannot be read: {_one_line(error)}") from error
    taken = registry.presets()
    own = {f"{kind}/{entry.name}" for kind, entry in entries}
    for preset in sorted(presets):
        if preset in taken:
            raise _Unsound(f"its {preset}.yaml has the name of one that plugin '{taken[preset]}' brings")
        kind, _, name = preset.partition("/")
        owner = registry.owner(kind, name)
        if owner or preset in own:
            raise _Unsound(
                f"its {preset}.yaml has the name of a {kind} that '{owner.name if owner else 'itself'}' offers"
            )
    return package, presets


def _yaml_names(folder: Traversable, prefix: str) -> Iterator[str]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _yaml_names(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".yaml"):
            yield prefix + item.name.removesuffix(".yaml")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]

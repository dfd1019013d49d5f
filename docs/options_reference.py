"""The pages of options: every option of every entry, as its dataclass has it, and every experiment and preset."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import cache
from importlib import resources
from itertools import takewhile
from typing import Any, Union, get_args, get_origin, get_type_hints

from core import config, hooks
from core.options import Range, meanings, ranges
from core.registry import Registry, load
from core.settings import Settings

MADE = """\
*Made from the code by `docs/make_reference.py`.* How settings are composed: [configuration](../../configuration.md).
"""
INDEX = """\
An option that several entries of a group share stands once, ahead of them. A default of `???` is a value that must be
given. Installed plugins add entries and options of their own; `--help` lists them.

Chosen by name, as `GROUP=NAME`: {groups}; and [experiments and presets](presets.md). What belongs to the run itself
follows here.
"""
GROUPS = {
    "task": "What the command does.",
    "device": "What networks run on. More: [devices](../../devices.md).",
    "model": "The network.",
    "loss": "What a training makes small.",
    "dataset": "Where clips come from. More: [data sets](../../data.md).",
    "metric": "How pictures are compared; `metric=[psnr,ssim]` chooses several. More: [metrics](../../metrics.md).",
    "optimizer": "How weights follow gradients.",
    "step": "What one training step does.",
    "upscaler": "What makes videos larger and smoother.",
    "codec": "What codes videos.",
    "intra": "What codes the intra frames of codecs that code none themselves, such as DVC's. A learned picture "
    "codec is part of the stream's fingerprint: give the same one for decoding. Pictures of `hevc` and `png` decode "
    "whatever is chosen.",
}
PRESETS = {
    "experiment": "Whole sets of settings.",
    "sweep": "How the jobs of a [sweep](../../how-to/sweep.md) are chosen and run.",
    "contender": "What [the benchmark](../../how-to/benchmark.md) compares: `+contender@task.contenders.NAME=…`",
    "testset": "What it compares on: `+testset@task.sets.NAME=…`",
}


@dataclasses.dataclass(frozen=True)
class Option:
    """One row of a table."""

    key: str
    kind: Any
    """Its type."""
    default: Any
    meaning: str
    range: Range | None
    """Of its values."""
    home: type
    """The class that states it, or the section that it is nested in."""


def pages() -> dict[str, str]:
    """Every page, by the name of its file."""
    registry = own()
    pages = {f"{group}.md": _join(_page(group, registry)) for group in hooks.KINDS}
    return {"index.md": _index(), **pages, "presets.md": _join(_presets_page(registry))}


def _index() -> str:
    """The page of the run's own options."""
    groups = ", ".join(f"[`{group}`]({group}.md)" for group in hooks.KINDS)
    return _join(["# All options\n", MADE, INDEX.format(groups=groups), *_run()])


def _join(parts: Iterable[str]) -> str:
    return "\n".join(part for part in parts if part)


def _page(group: str, registry: Registry) -> Iterator[str]:
    """The page of one group."""
    yield from (f"# Options of `{group}`\n", MADE, f"{GROUPS[group]}\n", *_group(registry, group))
    if presets := _presets(registry, group):
        yield from ("## Presets\n", presets)


def _presets_page(registry: Registry) -> Iterator[str]:
    """The page of what is chosen by name and has no options: whole sets of settings."""
    yield from ("# Experiments and presets\n", MADE)
    for group, text in PRESETS.items():
        yield from (f"## `{group}`\n", f"{text}\n", _presets(registry, group))


@cache
def own() -> Registry:
    """The registry without what other distributions have installed."""
    foreign = [plugin.name for plugin in load().plugins if plugin.distribution != "mindvideo"]
    return load(disable=foreign)


def all_options() -> Iterator[Option]:
    """Every option of the run and of every entry."""
    yield from options(Settings, "")
    registry = own()
    for group in hooks.KINDS:
        for name in registry.names(group):
            yield from options(registry.find(group, name).config, _prefix(group, name))


def options(section: type, prefix: str, within: type | None = None) -> Iterator[Option]:
    """The options of a dataclass in their order, those of nested ones in place of them."""
    kinds, meanings, allowed = get_type_hints(section), _meanings(section), ranges(section)
    for field in dataclasses.fields(section):
        kind, key = kinds[field.name], prefix + field.name
        home = within or next(
            base for base in section.__mro__ if field.name in vars(base).get("__annotations__", {})
        )
        if dataclasses.is_dataclass(kind):
            yield from options(kind, f"{key}.", home)
        elif key not in hooks.KINDS:
            yield Option(
                key, kind, _default(field), meanings.get(field.name, ""), allowed.get(field.name), home
            )


def _prefix(group: str, name: str) -> str:
    return f"{group}.{name}." if group in config.MANY else f"{group}."


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _meanings(section: type) -> dict[str, str]:
    """The docstring below each field or member of a class, as Markdown."""
    return {name: _to_markdown(text) for name, text in meanings(section).items()}


def _to_markdown(text: str) -> str:
    """A docstring as Markdown of one line."""
    return " ".join(inspect.cleandoc(text).replace("``", "`").split())


def _run() -> Iterator[str]:
    """The tables of what belongs to the run and to its sections."""
    kinds = get_type_hints(Settings)
    yield "## The run\n"
    yield _table(option for option in options(Settings, "") if "." not in option.key)
    for name, kind in kinds.items():
        if dataclasses.is_dataclass(kind):
            yield f"## `{name}`\n\n{_sentence(kind)}\n"
            yield _table(options(kind, f"{name}."))


def _group(registry: Registry, group: str) -> Iterator[str]:
    """What is shared by several entries of a group, then each of them."""
    entries = {name: registry.find(group, name).config for name in registry.names(group)}
    own = set(entries.values())
    of = {name: list(options(section, _prefix(group, name))) for name, section in entries.items()}
    users: dict[type, list[str]] = {}
    for name in entries:
        for base in {option.home: None for option in of[name] if option.home not in own}:
            users.setdefault(base, []).append(name)
    shared = {base: names for base, names in users.items() if len(names) > 1}
    for base, names in shared.items():
        yield f"## Shared by {', '.join(f'`{name}`' for name in names)}\n\n{_sentence(base)}\n"
        prefix = _prefix(group, "NAME")
        yield _table(option for option in options(base, prefix) if option.home is base)
    for name, section in entries.items():
        yield f"## `{group}={name}`\n\n{_sentence(section)}\n"
        yield _table(option for option in of[name] if option.home not in shared)
        yield _also(option.key for option in of[name] if option.home in shared)


def _also(keys: Iterable[str]) -> str:
    told = ", ".join(f"`{key}`" for key in keys)
    return f"Shared ones, as above: {told}.\n" if told else ""


def _sentence(section: type) -> str:
    """The first paragraph of a class's docstring."""
    return _to_markdown(inspect.cleandoc(section.__doc__ or "").partition("\n\n")[0])


def _table(rows: Iterable[Option]) -> str:
    """A table of options, or nothing; what the values of a type mean is told once in it."""
    told: set[type] = set()
    lines = [
        f"| `{row.key}` | {_range_text(row)} | {_show(row.default)} | {_meaning(row, told)} |" for row in rows
    ]
    if not lines:
        return ""
    return "\n".join(["| option | values | default | meaning |", "|---|---|---|---|", *lines, ""])


def _meaning(option: Option, told: set[type]) -> str:
    """The meaning of an option, and of each of its values, unless their type is among those told before."""
    named = [kind for kind in (option.kind, *get_args(option.kind)) if _is_enum(kind) and kind not in told]
    told.update(named)
    values = [f"`{name}`: {text}" for kind in named for name, text in _meanings(kind).items()]
    return "<br>".join([option.meaning, *values]).replace("|", "\\|")


def _range_text(option: Option) -> str:
    """What may be given for an option."""
    if option.range is None:
        return _values(option.kind)
    if option.range.one_of:
        return ", ".join(f"`{value}`" for value in option.range.one_of)
    kind, *null = _values(option.kind).split(" or ")
    return ", or ".join([f"{kind}, {option.range}", *null])


def _values(kind: Any) -> str:
    """What may be given for a type."""
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_values(part) for part in get_args(kind))
    if _is_enum(kind):
        return ", ".join(f"`{member.name}`" for member in kind)
    words = {int: "integer", float: "number", str: "text", bool: "`true`, `false`", type(None): "`null`"}
    return words.get(kind) or {list: "list", dict: "mapping"}[get_origin(kind)]


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _show(value: Any) -> str:
    """A default, as one would type it."""
    if isinstance(value, Enum):
        return f"`{value.name}`"
    if value is None or isinstance(value, bool):
        return f"`{'null' if value is None else str(value).lower()}`"
    if isinstance(value, list):
        return f"`[{','.join(map(str, value))}]`"
    return f"`{value}`"


def _presets(registry: Registry, group: str) -> str:
    """The table of the YAML files of a group, each with the comment that it begins with."""
    found = [
        (name, plugin.config_package, preset)
        for plugin in registry.plugins
        for preset in plugin.presets
        for folder, _, name in [preset.partition("/")]
        if folder == group
    ]
    rows = [
        f"| `{group}={name}` | {_comment(str(package), preset)} |" for name, package, preset in sorted(found)
    ]
    return "\n".join(["| name | what |", "|---|---|", *rows, ""]) if rows else ""


def _comment(package: str, preset: str) -> str:
    """The sentences at the beginning of a YAML file, without the command lines below them."""
    lines = (resources.files(package) / f"{preset}.yaml").read_text("utf-8").splitlines()
    comments = takewhile(
        lambda line: line.startswith("#"), (line for line in lines if not line.startswith("# @"))
    )
    told = takewhile(lambda text: not text.startswith("python -m"), (line.lstrip("# ") for line in comments))
    words = re.compile(r"'[^']+=[^']*'|(?<!`)(\$\w+|\b[\w.]+=[^\s,;:)]*[^\s,.;:)])")
    return words.sub(lambda found: f"`{found[0]}`", " ".join(told)).rstrip(":").replace("|", "\\|")

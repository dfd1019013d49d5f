"""The page of hooks: every one of core/hooks.py, its exact signature and what it may return."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator

from core import hooks

INTRODUCTION = """\
# Hooks and entries

*Made from `core/hooks.py` by `docs/make_reference.py`.* How to use it: [the tutorial](../tutorials/write-a-plugin.md)
and [what a plugin can offer](../how-to/write-a-plugin.md).

A plugin implements any of these {count} hooks. An entry point of group `mindvideo.plugins` names it: an object
`core.hooks.Plugin`, made of entries, has them all; a module has those that it writes, and states `HOOK_API = {api}`.
All but the last two return entries, whose `build` makes the thing from its options.
"""

REST = """\
## What a plugin is made with

::: core.hooks.Plugin

::: core.hooks.lazy

::: core.options

## The records

::: core.entries

## What the things do

::: core.interfaces

## The registry

::: core.registry
"""


def page() -> str:
    """The whole page."""
    specifications = list(all_hooks())
    introduction = INTRODUCTION.format(count=len(specifications), api=hooks.HOOK_API)
    return "\n".join([introduction, *map(_hook, specifications), REST])


def all_hooks() -> Iterator[Callable[..., object]]:
    """The hook specifications, in the order of the file."""
    for value in vars(hooks).values():
        if inspect.isfunction(value) and hasattr(value, f"{hooks.PROJECT}_spec"):
            yield value


def signature(hook: Callable[..., object]) -> str:
    """A hook as it is specified."""
    return f"def {hook.__name__}{str(inspect.signature(hook)).replace(chr(39), '')}"


def _hook(hook: Callable[..., object]) -> str:
    """The section of one hook."""
    kinds = [kind for kind, name in hooks.HOOK_OF_KIND.items() if name == hook.__name__]
    records = [record for kind in kinds for record in _records(hooks.KINDS[kind])]
    text = inspect.cleandoc(hook.__doc__ or "").replace("``", "`")
    lines = [f"## `{hook.__name__}`\n", f"```python\n{signature(hook)}\n```\n", f"{text}\n"]
    if records:
        lines += [
            "| entry | its fields beside `name` and `config` |",
            "|---|---|",
            *map(_record, records),
            "",
        ]
    return "\n".join(lines)


def _records(record: type) -> list[type]:
    """An entry class and those of core derived from it."""
    return [record, *(kind for kind in record.__subclasses__() if kind.__module__ == record.__module__)]


def _record(record: type) -> str:
    """The row of one entry class."""
    fields = [field for field in dataclasses.fields(record) if field.name not in ("name", "config")]
    told = ", ".join(f"`{field.name}: {field.type}`" for field in fields).replace("|", "\\|")
    return f"| `{record.__name__}` | {told} |"

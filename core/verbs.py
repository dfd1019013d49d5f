"""The short form of a command line: a verb, and words behind it that need no key.

``mindvideo upscale IN OUT device.threads=4`` says ``task=upscale task.input=IN task.output=OUT device.threads=4``. The
words of Hydra are the interface; this spells them out. A word is a setting where it is written as ``key=value`` with a
key of ours and no file is called so; all others are taken as they stand, whatever characters they have.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, cast

import omegaconf
from hydra._internal.utils import get_args_parser

from core import hooks
from core.config import GROUPS
from core.errors import ConfigError
from core.registry import Registry, suggestion
from core.settings import Settings
from core.words import path_options, word

_SETTING = re.compile(r"(?:(?P<added>\+{1,2})|(?P<dropped>~))?(?P<section>\w+)(?P<rest>[^=\s]*)(?P<sign>=?)")


def split_words(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Flags with their values, and all other words, in whatever order they stand; behind ``--`` nothing is a flag."""
    known = get_args_parser()._option_string_actions
    flags: list[str] = []
    others: list[str] = []
    left = deque(words)
    while left:
        given = left.popleft()
        if given == "--":
            return flags, [*others, *left]
        if not given.startswith("-") or given == "-" or given.startswith("-."):
            others.append(given)
            continue
        flags.append(given)
        full = next((name for name in known if given[:2] == "--" and name.startswith(given)), given)
        action = known.get(given) or known.get(full)
        if action and left and (action.nargs is None or left[0] in (action.choices or ())):
            flags.append(left.popleft())
    return flags, others


def spell_out(words: Sequence[str], registry: Registry, multirun: bool = False) -> list[str]:
    """The words of Hydra for a command line without flags; the long form stays as it is.

    With ``multirun``, values parted by commas are a sweep. Raises `ConfigError` for an unknown verb, and for a word
    that has no place.
    """
    if not begins_with_verb(words, registry):
        return list(words)
    task = task_of(words[0], registry)
    settings = [given for given in words[1:] if _is_setting(given, registry)]
    if other := next((given for given in settings if given.startswith("task=")), None):
        raise ConfigError(f"{words[0]} is task={task.name}: leave {other} out.")
    keys = {given.lstrip("+").partition("=")[0] for given in settings}
    places = iter([key for key in task.positional if key not in keys])
    paths = dict(path_options(task.config, "task."))
    made = []
    for given in words[1:]:
        if _is_setting(given, registry):
            continue
        key = next(places, None)
        if key is None:
            raise ConfigError(_superfluous(given, task, registry))
        made.append(word(key, given) if key in paths and not multirun else f"{key}={given}")
    return [f"task={task.name}", *made, *settings]


def begins_with_verb(words: Sequence[str], registry: Registry) -> bool:
    """Whether a command line begins with a verb; what has a ``=`` is a setting, maybe a misspelt one."""
    return bool(words) and "=" not in words[0] and not _is_setting(words[0], registry)


def task_of(verb: str, registry: Registry) -> hooks.TaskEntry[Any]:
    """The task that a verb stands for; raises `ConfigError` with a near miss and all verbs."""
    tasks = {task.called: task for task in tasks_of(registry)}
    by_name = {task.name: task for task in tasks.values()}
    found = tasks.get(verb) or by_name.get(verb)
    if found is None:
        raise ConfigError(f"'{verb}' is neither a verb nor a setting{suggestion(verb, tasks)}.")
    return found


def tasks_of(registry: Registry) -> Iterator[hooks.TaskEntry[Any]]:
    """All tasks, by name."""
    for name in registry.names("task"):
        yield cast(hooks.TaskEntry[Any], registry.find("task", name))


def usage(task: hooks.TaskEntry[Any]) -> str:
    """Its verb and its words, those that may be left out in brackets."""
    options = {f"task.{option.name}": option for option in fields(task.config)}
    return " ".join([task.called, *(_show(key, options.get(key)) for key in task.positional)])


def _show(key: str, option: Field[Any] | None) -> str:
    name = key.rpartition(".")[2].upper()
    required = option is not None and option.default in (MISSING, omegaconf.MISSING)
    return name if required else f"[{name}]"


def _is_setting(given: str, registry: Registry) -> bool:
    """Whether a word sets something; a file of its whole name is taken for a file."""
    found = _SETTING.match(given)
    if not found or found["section"] not in _sections(registry) or os.path.lexists(given):
        return False
    if "/" in found["rest"] and found["section"] != "hydra" and not found["added"]:
        return False
    return bool(found["sign"] or found["dropped"])


def _sections(registry: Registry) -> set[str]:
    """The first words of the keys of settings."""
    presets = {preset.partition("/")[0] for preset in registry.presets()}
    return {"hydra", *GROUPS, *(field.name for field in fields(Settings)), *presets}


def _superfluous(given: str, task: hooks.TaskEntry[Any], registry: Registry) -> str:
    key, sign, _ = given.partition("=")
    if sign and re.fullmatch(r"[\w.]+", key):
        return f"{given}: there is no setting '{key}'{suggestion(key.partition('.')[0], _sections(registry))}"
    return f"'{given}' has no place in: mindvideo {usage(task)}"

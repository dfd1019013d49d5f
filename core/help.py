"""``--help``: what the command does, what can be chosen, and the settings that the given words compose to."""

from __future__ import annotations

import dataclasses
import inspect
import re
from enum import Enum
from importlib import resources
from typing import Any

import omegaconf
import yaml
from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from core import hooks, verbs
from core.config import option_ranges
from core.console import console
from core.options import meanings, ranges
from core.registry import Plugin, Registry

INTRODUCTION = """\
mindvideo: open learned video on MindSpore.

  mindvideo upscale IN.mp4 OUT.mp4 task.checkpoint=FILE    make a video smoother and larger
  mindvideo encode IN.mp4 OUT.mdv task.checkpoint=FILE     code a video into a stream
  mindvideo decode IN.mdv                                  turn a stream back into a video
  mindvideo info FILE                                      what a stream, a checkpoint or a video is
  mindvideo doctor                                         what this installation has, and what is wrong with it
  mindvideo                                                train the small default network and show what it learned
  mindvideo train NAME device=ascend                       train another experiment, elsewhere
  mindvideo --multirun optimizer.lr=1e-3,1e-4              try several values (sweep=joblib: side by side)
  mindvideo --cfg job                                      print the settings, run nothing
  mindvideo output=FOLDER task.resume=true                 go on with a run that was stopped

A verb is task=VERB, and the words behind it are options of the task: `mindvideo upscale --help` shows them. All
else is group=NAME to choose, key=value to set; --help behind such words alone shows what they compose to.
`python -m core` is the same command. Tab completion: eval "$(mindvideo -sc install=bash)"
"""


def print_help(registry: Registry, config: DictConfig) -> None:
    """Print everything on standard output."""
    shown = console()
    shown.print(INTRODUCTION, soft_wrap=True)
    shown.print(_choices(registry))
    shown.print(
        "\nSettings as composed by this command line; change any with key=value:\n",
        soft_wrap=True,
    )
    shown.print(_with_ranges(config), soft_wrap=True)


def print_task(task: hooks.TaskEntry[Any]) -> None:
    """Print what one task does, how it is called, and its options."""
    shown = console()
    told = " ".join(inspect.cleandoc(task.config.__doc__ or "").split())
    shown.print(f"mindvideo {verbs.usage(task)} [key=value …]\n\n{told}\n", soft_wrap=True)
    shown.print(_task_options(task.config))
    shown.print(
        f"\nThe same in full: python -m core task={task.name} …; --help alone shows all that can be chosen and set.",
        soft_wrap=True,
    )


def _task_options(config: type) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Option", no_wrap=True)
    table.add_column("Default")
    table.add_column("What it is")
    told, allowed = meanings(config), ranges(config)
    for field in dataclasses.fields(config):
        made = field.default_factory
        default = field.default if made is dataclasses.MISSING else made()
        meaning = told.get(field.name, "").replace("``", "")
        if field.name in allowed:
            meaning = f"{meaning.rstrip('.')}; {allowed[field.name]}."
        table.add_row(f"task.{field.name}", _to_plain(default), meaning)
    return table


def _to_plain(default: Any) -> str:
    if default == omegaconf.MISSING:
        return "must be given"
    if isinstance(default, Enum):
        return default.name
    if isinstance(default, str):
        return default
    return yaml.safe_dump(default, default_flow_style=True).partition("\n")[0]


def _with_ranges(config: DictConfig) -> str:
    """The settings as YAML; behind each value that has a range, the range."""
    allowed = dict(option_ranges(config))
    lines, path = [], [""]
    for line in OmegaConf.to_yaml(config).splitlines():
        if found := re.match(r"( *)(\w+):", line):
            path = [*path[: len(found[1]) // 2], found[2]]
        key = ".".join(path)
        lines.append(f"{line}  # {allowed.pop(key)}" if key in allowed else line)
    return "\n".join(lines)


def _choices(registry: Registry) -> Table:
    table = Table(title="What can be chosen", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for column in ("Group", "Name", "From", "What it is"):
        table.add_column(column, no_wrap=column != "What it is")
    for kind in ("task", "experiment", "sweep", *(k for k in hooks.KINDS if k != "task")):
        for number, (name, plugin, words) in enumerate(sorted(_options(registry, kind))):
            table.add_row(f"{kind}=" if number == 0 else "", name, plugin, words)
    return table


def _options(registry: Registry, kind: str) -> list[tuple[str, str, str]]:
    """Name, plugin and one line of every choice of a group: entries, then YAML files."""
    options = []
    for plugin in registry.plugins:
        for entry_kind, entry in plugin.entries:
            if entry_kind == kind:
                options.append((entry.name, plugin.name, _first_line(entry.config.__doc__)))
        for preset in plugin.presets:
            if preset.startswith(f"{kind}/"):
                options.append((preset.removeprefix(f"{kind}/"), plugin.name, _comment(plugin, preset)))
    return options


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def _comment(plugin: Plugin, preset: str) -> str:
    """The first comment of a YAML file, up to its first full stop."""
    assert plugin.config_package is not None
    text = (resources.files(plugin.config_package) / f"{preset}.yaml").read_text("utf-8")
    lines = [
        line[1:].strip() for line in text.splitlines() if line.startswith("#") and "@package" not in line
    ]
    return " ".join(lines).partition(". ")[0].rstrip(".")

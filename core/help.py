"""``--help``: what the command does, what can be chosen, and the settings that the given words compose to."""

from __future__ import annotations

import re
from importlib import resources

from omegaconf import DictConfig, OmegaConf
from rich.table import Table

from core import hooks
from core.config import ranged
from core.console import console
from core.registry import Plugin, Registry

INTRODUCTION = """\
mindvideo: open learned video on MindSpore.

  python -m core                                       train the small default network and show what it learned
  python -m core experiment=NAME device=ascend         train another one, elsewhere
  python -m core task=upscale task.checkpoint=FILE task.input=IN.mp4 task.output=OUT.mp4
  python -m core task=doctor                           what this installation has, and what is wrong with it
  python -m core --multirun optimizer.lr=1e-3,1e-4     try several values (sweep=joblib: side by side)
  python -m core --cfg job                             print the settings, run nothing
  python -m core output=FOLDER task.resume=true        go on with a run that was stopped

Words are group=NAME to choose, key=value to set; flags stand before them. Add --help to any command line to see
what it composes to. `mindvideo` is the same command. Tab completion: eval "$(mindvideo -sc install=bash)"
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


def _with_ranges(config: DictConfig) -> str:
    """The settings as YAML; behind each value that has a range, the range."""
    allowed = dict(ranged(config))
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

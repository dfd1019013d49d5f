"""Composes command lines of mindvideo without running them: a list of them in, a list of complaints out, as JSON.

A process of its own, since it sees plugins that the tests of this process must not see. MindSpore is not started.
"""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path

from hydra import compose
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep

from core import config, implied, verbs
from core.app import plugins
from core.config import COMPOSE_ERRORS, CONFIG_NAME
from core.errors import MindvideoError

FOLDERS = ("--config-dir",)
"""Flags whose value is a folder of YAML."""
SHOWS = ("--cfg", "-sc", "--shell-completion")
"""Flags with a value that changes nothing of what is composed."""


def main() -> None:
    """Answer each command line with its problem, or with null."""
    registry = plugins(())
    config.offer(registry)
    json.dump([problem(line, registry) for line in json.load(sys.stdin)], sys.stdout)
    assert "mindspore" not in sys.modules


def problem(words, registry):
    """What is wrong with a command line. Where ``…`` stands for words, values may be missing."""
    try:
        for overrides in jobs(settings(words, registry), registry):
            if not ("experiment" in dict(words_of(overrides)) or names_files(overrides, registry)):
                overrides = implied.complete(overrides, registry)  # by the weights that come along
            with config._composing():
                composed = compose(CONFIG_NAME, overrides)
            if "…" not in words and "--help" not in words and not left_to_files(overrides, registry):
                config.check(composed, registry)
    except (MindvideoError, *COMPOSE_ERRORS) as error:
        return config.explain(error)
    return None


def left_to_files(overrides, registry):
    """Whether a checkpoint or a stream, which is not here, says what there is to check."""
    said = dict(words_of(overrides))
    task = registry.find("task", said.get("task", "train"))
    checkpoint = any(option.name == "checkpoint" for option in fields(task.config))
    return checkpoint and said.get("experiment", "none") == "none" and names_files(overrides, registry)


def words_of(overrides):
    """Key and value of each."""
    return [override.partition("=")[::2] for override in overrides]


def names_files(overrides, registry):
    """Whether words name a checkpoint or a stream."""
    said = dict(words_of(overrides))
    return bool(said.get("task.checkpoint") or registry.find("task", said.get("task", "train")).decodes)


def settings(words, registry):
    """The overrides of a command line, of which a later one replaces an earlier one; flags become overrides or go."""
    chosen, plain = {}, []
    given = iter(word.replace("$PWD", str(Path.cwd())) for word in words if word != "…")
    for word in given:
        if word in FOLDERS:
            chosen[word] = f"hydra.searchpath=[file://{Path.cwd()}/{next(given)}]"
        elif word in SHOWS:
            next(given)
        elif not word.startswith("-"):
            plain.append(word.replace("…", "VALUE"))
    chosen |= {word.partition("=")[0]: word for word in verbs.spell_out(plain, registry)}
    return list(chosen.values())


def jobs(overrides, registry):
    """Overrides of the first and the last job of a sweep, or of the only one there is."""
    kept = [word for word in overrides if not of_a_launcher(word, registry)]
    values = [choices(word) for word in kept]
    first, last = [made[0] for made in values], [made[-1] for made in values]
    return [first] if first == last else [first, last]


def of_a_launcher(word, registry):
    """Whether a word chooses or sets launchers and sweepers, which extras bring; presets of them must exist."""
    key, _, value = word.partition("=")
    if key == "sweep" and f"sweep/{value}" not in registry.presets():
        raise MindvideoError(f"there is no sweep '{value}'")
    return key == "sweep" or key.startswith(("hydra/", "hydra.launcher", "hydra.sweep"))


def choices(word):
    """What a word says in each job."""
    override = OverridesParser.create().parse_override(word)
    value = override.value()
    if isinstance(value, ChoiceSweep):
        return [
            f"{override.input_line.partition('=')[0]}={each}" for each in override.sweep_string_iterator()
        ]
    if isinstance(value, IntervalSweep):
        return [f"{override.input_line.partition('=')[0]}={each}" for each in (value.start, value.end)]
    return [word]


if __name__ == "__main__":
    main()

"""What the words of a command line leave to the files that they name.

A checkpoint says which model, codec, upscaler and data set it was made for; a stream, which codec and weights decode
it. What they say becomes words ahead of those that were typed; where both speak of the same, the typed one stands.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core import hooks, weights
from core.config import compose_settings, entry_section, paths
from core.entries import NAMED_BY_OPTIONS
from core.errors import CheckpointError, ConfigError
from core.registry import Registry
from core.settings import Settings
from core.words import as_typed, values, word

if TYPE_CHECKING:
    from core.training.checkpoint import Description

MADE_FOR: tuple[hooks.Need, ...] = ("codec", "upscaler")
"""Kinds that are chosen by the checkpoint of their network."""


def settings_of(words: Sequence[str], registry: Registry) -> Settings:
    """Settings from the words of a command line and from what they leave to files; errors as `compose_settings`."""
    return compose_settings(complete(as_typed(words, paths(registry, words)), registry), registry)


def complete(words: Sequence[str], registry: Registry) -> list[str]:
    """The words, with their paths as `as_typed`, behind those that they leave to files; weights by name become paths.

    Raises a `MindvideoError` for a checkpoint or a stream that cannot be used so.
    """
    words = [_with_names(given, registry) for given in words]
    typed = _by_key(words)
    task = _task(typed, registry)
    if task is None:
        return words
    chosen = "experiment" in typed and values(typed["experiment"]) != ["none"]
    if not chosen and "checkpoint" in (option.name for option in fields(task.config)):
        words = [*_words_of_files(task, typed, registry), *words]
    if "codec" in (*task.needs, *task.takes):
        words = [*_words_within_codec(_by_key(words), registry), *words]
    return words


def _by_key(words: Sequence[str]) -> dict[str, str]:
    """The last word of each key, without the signs before it."""
    return {given.partition("=")[0].lstrip("+~"): given for given in words}


def _task(typed: Mapping[str, str], registry: Registry) -> hooks.TaskEntry[Any] | None:
    """The task that is chosen; None where that says nothing, as for a misspelt one, which composing tells."""
    chosen = values(typed["task"]) if "task" in typed else ["train"]
    if len(chosen) != 1 or chosen[0] not in registry.names("task"):
        return None
    return cast(hooks.TaskEntry[Any], registry.find("task", chosen[0]))


def _with_names(given: str, registry: Registry) -> str:
    """A word that takes weights, with paths in the place of names."""
    key, sign, _ = given.partition("=")
    name = key.rpartition(".")[2]
    if not sign or not (name == "checkpoint" or name.endswith("_checkpoint") or key == "weights"):
        return given
    found = [_file(value, registry) for value in values(given)]
    return f"{key}={','.join(word('', value)[1:] for value in found)}" if found != values(given) else given


def _file(value: Any, registry: Registry) -> Any:
    """The path that a name stands for; a file of that name comes first, and what cannot be a name stays."""
    if not isinstance(value, str) or os.path.lexists(value):
        return value
    if value not in registry.weights() and (Path(value).suffix or os.sep in value or not value):
        return value
    return str(weights.find_weights(value, registry))


def _words_of_files(task: hooks.TaskEntry[Any], typed: Mapping[str, str], registry: Registry) -> list[str]:
    """The words that files say; those of a sweep must say the same."""
    given = next((typed[key] for key in ("task.checkpoint", "weights") if key in typed), None)
    files = [value for value in values(given) if value] if given else []
    if files:
        return _merge_equal({file: list(_of_checkpoint(Path(file), task, typed, registry)) for file in files})
    if task.decodes and not (given or typed.keys() & {"codec", "model"}):
        streams = typed.get(f"task.{task.decodes}")
        return _merge_equal(
            {file: _of_stream(Path(file), task, typed, registry) for file in values(streams or "") if file}
        )
    if not (given or task.decodes or typed.keys() & {*MADE_FOR, "model"}):
        for kind in MADE_FOR:
            if kind in task.needs and (path := weights.default_of(kind, registry)):
                return [
                    word("task.checkpoint", str(path)),
                    *_of_checkpoint(path, task, typed, registry),
                ]
    return []


def _words_within_codec(typed: Mapping[str, str], registry: Registry) -> Iterator[str]:
    """The codec and the upscaler within a codec, and their checkpoints, as far as nothing was typed."""
    name = _only(typed.get("codec"))
    if name not in registry.names("codec"):
        return
    entry = cast(hooks.CodecEntry[Any], registry.find("codec", name))
    for kind, option in NAMED_BY_OPTIONS.items():
        if kind in entry.needs:
            yield from _words_of_part(kind, f"codec.{option}", typed, registry)


def _words_of_part(
    kind: hooks.Need, role: str, typed: Mapping[str, str], registry: Registry
) -> Iterator[str]:
    """The name of a part and its checkpoint: each told by the other, both by the weights that come along.

    Words of a sweep say nothing, nor does whatever is wrong with a checkpoint: that is told where it is opened.
    """
    from core.training.checkpoint import describe, is_ours

    option = f"{role}_checkpoint"
    given = _only(typed[option]) if option in typed else weights.default_of(kind, registry)
    if not given or not Path(given).is_file() or not is_ours(Path(given)):
        return
    said = describe(Path(given))
    section = _made_for(kind, said, str(said.model["model"]), registry)
    if section is None or (role in typed and _only(typed[role]) != section[kind]):
        return
    if role not in typed:
        yield word(role, section[kind])
    if option not in typed:
        yield word(option, str(given))


def _only(given: str | None) -> Any:
    """The value that a word gives; None without one, and for the several of a sweep."""
    found = values(given) if given else []
    return found[0] if len(found) == 1 else None


def _merge_equal(found: Mapping[str, list[str]]) -> list[str]:
    """The words of all files of a sweep."""
    (first, words), *others = found.items() if found else [("", [])]
    for other, said in others:
        if said != words:
            raise ConfigError(
                f"{first} and {other} are for different settings ({' '.join(words)}; {' '.join(said)}): give each a "
                "command of its own."
            )
    return words


def _of_stream(
    source: Path, task: hooks.TaskEntry[Any], typed: Mapping[str, str], registry: Registry
) -> list[str]:
    """The codec and the weights that a stream names; raises `StreamError` where it is none."""
    from core.stream import StreamReader

    if source == Path("-"):
        raise ConfigError(
            "what decodes a stream from a pipe must be said: give task.checkpoint=FILE, or codec=NAME experiment=none."
        )
    with StreamReader(source) as reader:
        header = reader.header
    words = weights.deciding(source, header.codec, header.fingerprint, registry)
    words = [each for each in words if each.partition("=")[0] not in typed]
    checkpoint = next((each for each in words if each.startswith("task.checkpoint=")), None)
    if checkpoint is None:
        return ["experiment=none", *words] if "experiment" not in typed else words
    (path,) = values(checkpoint)
    return [*_of_checkpoint(Path(path), task, typed, registry), *words]


def _of_checkpoint(
    path: Path, task: hooks.TaskEntry[Any], typed: Mapping[str, str], registry: Registry
) -> Iterator[str]:
    """What a checkpoint of ours was made for, as far as the task uses it and nothing was typed; else nothing."""
    from core.training.checkpoint import describe, is_ours

    if not path.is_file() or not is_ours(path):
        return  # another kind of file says nothing, and a missing one is told where it is opened
    said = describe(path)
    model = str(said.model["model"])
    if model not in registry.names("model"):
        plugin = said.plugin.get("distribution", "another distribution")
        raise CheckpointError(
            f"{path} is of model={model}, which {plugin} offers and which is not here: install it."
        )
    if "experiment" not in typed:
        yield "experiment=none"
    if "model" not in typed:
        yield from _words("model", said.model, registry)
    used = [kind for kind in MADE_FOR if kind in (*task.needs, *task.takes)]
    for kind in used:
        if kind in typed:
            _require_own(kind, path, model, typed, registry)
        elif section := _made_for(kind, said, model, registry):
            yield from _words(kind, section, registry)
        elif kind in task.needs:
            raise CheckpointError(
                f"{path} holds a network of model={model}, which is not made for any {kind}: task={task.name} needs "
                "one that is."
            )
    if "dataset" in task.needs and "dataset" not in typed:
        yield from _data(said, registry)


def _made_for(kind: hooks.Need, said: Description, model: str, registry: Registry) -> dict[str, Any] | None:
    """The settings that the checkpoint was made for, if it is here; for an older one, the one entry of its plugin
    that takes a network."""
    section = said.made_for.get(kind)
    if section or said.made_for:
        return section if section and section[kind] in registry.names(kind) else None
    owner = registry.owner("model", model)
    fitting = [
        name
        for name in registry.names(kind)
        if registry.owner(kind, name) is owner and "network" in cast(Any, registry.find(kind, name)).needs
    ]
    return {kind: fitting[0]} if len(fitting) == 1 else None


def _words(kind: str, section: Mapping[str, Any], registry: Registry) -> Iterator[str]:
    """An entry and its options, but for those that have their defaults."""
    entry = registry.find(kind, str(section[kind]))
    defaults = entry_section(entry.config)
    yield f"{kind}={entry.name}"
    for name, value in section.items():
        if name in defaults and defaults[name] != value:
            yield word(f"{kind}.{name}", value)


def _require_own(
    kind: hooks.Need, path: Path, model: str, typed: Mapping[str, str], registry: Registry
) -> None:
    """Raise `ConfigError` where what was typed takes no network of the checkpoint's model."""
    names = [name for name in values(typed[kind]) if name in registry.names(kind)]
    for name in names if "model" not in typed else ():
        entry = cast(Any, registry.find(kind, name))
        if "network" in entry.needs and registry.owner(kind, name) is not registry.owner("model", model):
            raise ConfigError(
                f"{path} holds a network of model={model}, which {kind}={name} does not take: leave {kind}={name} "
                "out, or give another checkpoint."
            )


def _data(said: Description, registry: Registry) -> Iterator[str]:
    """The data set that a network was trained on; the package's clips, if the checkpoint names none that is here."""
    section = said.made_for.get("dataset")
    if section and section["dataset"] in registry.names("dataset"):
        yield from _words("dataset", section, registry)
        return
    yield "dataset=clips"
    if isinstance(scale := said.model.get("scale"), int):
        yield f"dataset.scale={scale}"

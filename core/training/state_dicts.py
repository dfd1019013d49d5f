"""The state dict among what a training script keeps: which container holds it, and what its names are behind prefixes.

A file of weights may hold them twice (as trained, averaged), beside an optimizer's, under names that wrappers of the
network made longer. What is wanted, by name, decides what is meant.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import CheckpointError

log = logging.getLogger(__name__)

State = Mapping[str, Any]
"""Tensors by name, perhaps beside other things."""

AVERAGES = (
    *("params_ema", "ema", "model_ema", "ema_model", "state_dict_ema", "ema_state_dict"),
    *("net_g_ema", "generator_ema", "g_ema"),
)
"""Names of containers that hold averages over the steps of a training, which are what is published."""
CONTAINERS = (
    *AVERAGES,
    *("params", "state_dict", "model_state_dict", "model", "generator", "net_g", "net", "network", "weights"),
)
"""Names of containers of weights, those first that are taken where several would do."""
PREFIXES = ("module.", "model.", "generator.", "net.", "network.")
"""Prefixes that wrappers of a network put before the names of its tensors."""
COMPILED = "_orig_mod."
"""The prefix that torch.compile puts into names, at any place."""

SHOWN = 8
"""Names listed in a sentence before it says how many more there are."""
_MAX_DEPTH = 8
_MAX_PREFIXES = 4


def weights_in(content: Any, path: Path, key: str | None, wanted: AbstractSet[str]) -> State:
    """The tensors by name that a file's content holds, without containers and prefixes around them.

    ``key`` names the container to take; without, it is the one that has most of what is wanted, of equal ones that
    which stands first in `CONTAINERS`. What was taken and what was left aside is logged. Raises `CheckpointError`
    when there is none, or none of this name.
    """
    found = {
        ".".join(place): state for form in (_nested(content), content) for place, state in _states(form, ())
    }
    if not found:
        raise CheckpointError(f"{path} holds no state dict (names with tensors).")
    place = _choose(found, wanted) if key is None else _find_named(found, key, path)
    _tell(path, place, found, content)
    tensors = {name: value for name, value in found[place].items() if _is_tensor(value)}
    return without_prefixes(tensors, wanted)


def _is_tensor(value: Any) -> bool:
    """Whether it is an array, or a tensor of PyTorch, which need not be installed."""
    return isinstance(value, np.ndarray) or (hasattr(value, "detach") and hasattr(value, "numpy"))


def _nested(content: Any) -> Any:
    """The same; where the names of a flat file begin with those of several containers, with these containers."""
    if not isinstance(content, Mapping) or not all(isinstance(name, str) for name in content):
        return content
    parts = {name: name.partition(".") for name in content if _is_tensor(content[name])}
    first = {name: head for name, (head, _, rest) in parts.items() if head in CONTAINERS and rest}
    if len(set(first.values())) < 2 or 2 * len(first) < len(content):
        return content
    made: dict[str, Any] = {name: value for name, value in content.items() if name not in first}
    for name, container in first.items():
        made.setdefault(container, {})[name.partition(".")[2]] = content[name]
    return made


def _states(content: Any, place: tuple[str, ...], seen: AbstractSet[int] = frozenset()) -> Iterator[Any]:
    """Every container of tensors with the keys that lead to it; one that holds itself is entered once."""
    if id(content) in seen or len(place) > _MAX_DEPTH:
        return
    if isinstance(content, Mapping):
        if any(_is_tensor(value) for value in content.values()):
            yield place, {str(name): value for name, value in content.items()}
        inner = content.items()
    elif isinstance(content, list | tuple):
        inner = dict(enumerate(content)).items()
    else:
        return
    for name, value in inner:
        if isinstance(value, Mapping | list | tuple):
            yield from _states(value, (*place, str(name)), seen | {id(content)})


def _choose(found: Mapping[str, State], wanted: AbstractSet[str]) -> str:
    """The container that has most of what is wanted; of equal ones, that which stands first in `CONTAINERS`."""

    def merit(place: str) -> tuple[int, int, int]:
        names = without_prefixes(found[place], wanted).keys()
        ranks = [CONTAINERS.index(word) for word in place.split(".") if word in CONTAINERS]
        rank = min(ranks, default=len(CONTAINERS) + (1 if place else 0))
        return len(wanted & names), -rank, len(names)

    return max(found, key=merit)


def _find_named(found: Mapping[str, State], key: str, path: Path) -> str:
    """The container of this name, or the only one within it."""
    within = [place for place in found if place == key or place.startswith(key + ".")]
    if key not in found and len(within) != 1:
        raise CheckpointError(
            f"task.key={key} is no container of {path}; there are: {', '.join(sorted(filter(None, found))) or 'none'}."
        )
    return key if key in found else within[0]


def _tell(path: Path, place: str, found: Mapping[str, State], content: Any) -> None:
    """Say what was taken of a file, and what was left aside."""
    others = sorted(other for other in found if other not in ("", place))
    if place:
        log.info("%s: the weights are those of '%s'.", path, place)
    if others:
        log.info("Also there, to be taken with task.key=NAME: %s.", _some(others))
    top = content if isinstance(content, Mapping) else {}
    used = {name.partition(".")[0] for name in found}
    plain = [str(name) for name, value in top.items() if not _is_tensor(value) and str(name) not in used]
    plain += [name for name, value in found[place].items() if place and not _is_tensor(value)]
    if plain:
        log.info("Left aside, as it is no tensor: %s.", _some(sorted(set(plain))))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def without_prefixes(state: State, wanted: AbstractSet[str]) -> State:
    """The same values under names without prefixes of wrappers, where most names have them.

    That form of the names is taken that has most of what is wanted; where none has any of it, the shortest.
    """
    state = _rename(state, lambda name: name.replace(COMPILED, "")) or state
    usual = list(_forms(state, few=False))
    best = max((*usual, *_forms(state, few=True)), key=lambda form: len(wanted & form.keys()))
    return best if wanted & best.keys() else usual[-1]


def _forms(state: State, few: bool, left: int = _MAX_PREFIXES) -> Iterator[State]:
    """The names as they are, then without one prefix, without two, …; ``few``: also where few names have it."""
    yield state
    for prefix in PREFIXES if left else ():
        have = sum(name.startswith(prefix) for name in state)
        shorter = _rename(state, lambda name, prefix=prefix: name.removeprefix(prefix))
        if shorter and have and (few or 2 * have > len(state)):
            yield from _forms(shorter, few, left - 1)


def _rename(state: State, rename: Any) -> State | None:
    """The values under other names; None where two would have the same."""
    made = {rename(name): value for name, value in state.items()}
    return made if len(made) == len(state) else None

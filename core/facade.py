"""Packages as façades: the names that plugins may import, from modules that are loaded when a name is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def lazily(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """A package's ``__getattr__``: it loads the ``names`` of each module when they are first used."""
    homes = {name: module for module, offered in names.items() for name in offered}

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(import_module(homes[name]), name)

    return load

"""Packages as façades: the names that plugins may import, from modules that are loaded when a name is first used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module


def lazily(package: str, names: Mapping[str, Iterable[str]]) -> Callable[[str], object]:
    """What a package has as its ``__getattr__``: the ``names`` of each module, which it states for types as well."""
    homes = {name: module for module, offered in names.items() for name in offered}

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        return getattr(import_module(homes[name]), name)

    return load

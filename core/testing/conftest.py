"""Fixtures of the conformance suite: the plugin that ``--plugin`` names, and each of its cases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from core.app import plugins
from core.registry import Plugin, Registry
from core.testing.cases import Case, cases

NEEDS = {"trained": "step", "coder": "codec", "upscaler": "upscaler"}
"""Fixtures that are made of a case, and the kind that it must have chosen."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for ``case`` runs once for each that has what it needs."""
    if "case" not in metafunc.fixturenames:
        return
    found = _cases(_name(metafunc.config), tuple(metafunc.config.getoption("--set")))
    kinds = [kind for fixture, kind in NEEDS.items() if fixture in metafunc.fixturenames]
    fitting = [case for case in found if all(map(case.chooses, kinds))]
    metafunc.parametrize("case", fitting, ids=lambda case: case.name, scope="session")


@cache
def _cases(name: str, words: tuple[str, ...]) -> list[Case]:
    """The same objects for all tests, which share what they have built."""
    plugin = _found(plugins(()), name)
    return cases(plugin, words) if plugin else []


@pytest.fixture(scope="session")
def name(pytestconfig: pytest.Config) -> str:
    """The name of the plugin to try."""
    return _name(pytestconfig)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The installed plugins."""
    return plugins(())


@pytest.fixture(scope="session")
def plugin(registry: Registry, name: str) -> Plugin:
    """The plugin; tests are skipped where it is not active."""
    found = _found(registry, name)
    if found is None:
        pytest.skip(f"the plugin {name} is not active")
    return found


@pytest.fixture(scope="session")
def trained(case: Case) -> Case:
    """A case with a training step."""
    return case


@pytest.fixture(scope="session")
def coder(case: Case) -> Case:
    """A case with a codec."""
    return case


@pytest.fixture
def pynative() -> Iterator[None]:
    """Operator by operator, where whole graphs would be compiled for every size."""
    import mindspore as ms

    mode = ms.get_context("mode")
    ms.set_context(mode=ms.PYNATIVE_MODE)
    yield
    ms.set_context(mode=mode)


def _found(registry: Registry, name: str) -> Plugin | None:
    return next((plugin for plugin in registry.plugins if plugin.name == name), None)


def _name(config: pytest.Config) -> str:
    name: str | None = config.getoption("--plugin")
    if name is None:
        raise pytest.UsageError("name the plugin to try: pytest --pyargs core.testing --plugin NAME")
    return name

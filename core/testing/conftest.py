"""What the conformance suite tries: the plugin that ``--plugin`` names, and each of its subjects."""

from __future__ import annotations

from functools import cache

import pytest

from core.app import plugins
from core.registry import Plugin, Registry
from core.testing.subjects import Subject, subjects


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for ``subject`` runs once for each."""
    if "subject" not in metafunc.fixturenames:
        return
    found = _subjects(_name(metafunc.config), tuple(metafunc.config.getoption("--set")))
    metafunc.parametrize("subject", found, ids=lambda subject: subject.name, scope="session")


@cache
def _subjects(name: str, words: tuple[str, ...]) -> list[Subject]:
    """The same objects for all tests, which share what they have built."""
    plugin = _found(plugins(()), name)
    return subjects(plugin, words) if plugin else []


@pytest.fixture(scope="session")
def name(pytestconfig: pytest.Config) -> str:
    """The name of the plugin to try."""
    return _name(pytestconfig)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """What is installed."""
    return plugins(())


@pytest.fixture(scope="session")
def plugin(registry: Registry, name: str) -> Plugin:
    """The plugin; tests are skipped where it is not active."""
    found = _found(registry, name)
    if found is None:
        pytest.skip(f"the plugin {name} is not active")
    return found


@pytest.fixture(scope="session")
def trained(subject: Subject) -> Subject:
    """A subject with a training step; tests are skipped for others."""
    if subject.run.settings.step is None:
        pytest.skip(f"{subject.name} chooses no step")
    return subject


@pytest.fixture(scope="session")
def coder(subject: Subject) -> Subject:
    """A subject with a codec; tests are skipped for others."""
    if subject.run.settings.codec is None:
        pytest.skip(f"{subject.name} chooses no codec")
    return subject


def _found(registry: Registry, name: str) -> Plugin | None:
    return next((plugin for plugin in registry.plugins if plugin.name == name), None)


def _name(config: pytest.Config) -> str:
    name: str | None = config.getoption("--plugin")
    if name is None:
        raise pytest.UsageError("name the plugin to try: pytest --pyargs core.testing --plugin NAME")
    return name

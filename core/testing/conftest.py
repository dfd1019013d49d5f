"""What the conformance suite tries: the plugin that ``--plugin`` names, and each of its subjects."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from core.app import plugins
from core.registry import Plugin, Registry
from core.testing.subjects import Subject, subjects

NEEDS = {"trained": "step", "coder": "codec", "upscaler": "upscaler"}
"""Fixtures that are made of a subject, and the kind that it must have chosen."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test that asks for ``subject`` runs once for each that has what it needs."""
    if "subject" not in metafunc.fixturenames:
        return
    found = _subjects(_name(metafunc.config), tuple(metafunc.config.getoption("--set")))
    kinds = [kind for fixture, kind in NEEDS.items() if fixture in metafunc.fixturenames]
    fitting = [subject for subject in found if all(map(subject.chooses, kinds))]
    metafunc.parametrize("subject", fitting, ids=lambda subject: subject.name, scope="session")


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
    """A subject with a training step."""
    return subject


@pytest.fixture(scope="session")
def coder(subject: Subject) -> Subject:
    """A subject with a codec."""
    return subject


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

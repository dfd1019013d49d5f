"""Limits of time grow with the machine's slowness and load, and with what the environment asks for."""

import os

import pytest

from core.testing import limits


@pytest.fixture
def machine(monkeypatch):
    """Sets how many times as slow the machine is, and how many processes each of its processors has."""

    def be(slowness, crowd):
        monkeypatch.delenv("MINDVIDEO_TEST_PATIENCE", raising=False)
        monkeypatch.setattr(limits, "_slowness", lambda: slowness)
        monkeypatch.setattr(os, "getloadavg", lambda: (crowd * len(os.sched_getaffinity(0)), 0, 0))

    return be


@pytest.mark.parametrize(
    ("slowness", "crowd", "expected"),
    [(1.0, 0.2, 60), (1.5, 0.2, 90), (1.0, 3, 180), (2.0, 3, 360), (2.0, 50, 600)],
)
def test_what_takes_longer_has_longer(machine, slowness, crowd, expected):
    machine(slowness, crowd)
    assert limits.seconds(60) == pytest.approx(expected)


def test_patience(machine, monkeypatch):
    machine(1.0, 50)
    monkeypatch.setenv("MINDVIDEO_TEST_PATIENCE", "3")
    assert limits.seconds(60) == pytest.approx(1800)


def test_this_machine():
    assert limits._slowness() >= 1 and limits._crowd() >= 1


def test_waiting(machine):
    machine(1.0, 0)
    seen = []
    assert limits.becomes_true(lambda: seen.append(0) or len(seen) == 3, 10) and len(seen) == 3
    assert not limits.becomes_true(lambda: False, 0.05)


def test_the_limit_of_a_test_is_stretched(request):
    [limit] = request.node.get_closest_marker("timeout").args
    assert limit >= float(request.config.getini("timeout"))

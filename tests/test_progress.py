"""What is said of long work where there is no terminal."""

from __future__ import annotations

import logging

import pytest

from core import progress
from core.progress import Meter


def test_parts_of_an_earlier_run_count_as_done_but_not_for_the_rate(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with caplog.at_level(logging.INFO), Meter("Coding", 100) as meter:
        meter.skip(60)
        clock[0] = 20.0
        meter.advance("0.1 bpp", parts=20)
    assert caplog.messages == ["Coding: 80 of 100, 1.00/s, 20 s left 0.1 bpp"]

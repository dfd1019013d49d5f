"""What is shown while a benchmark runs."""

from __future__ import annotations

import io
import logging

from rich.console import Console

from core.bench.board import Board
from core.bench.plan import Job
from core.bench.records import Outcome

JOBS = [Job("x264", "q20", "clips", ()), Job("toy", "a", "clips", ())]


def test_without_a_terminal_each_job_that_ends_is_a_line(caplog, outcomes):
    record = outcomes("x264", [[(0.1, 30.0)]])[0].record
    with caplog.at_level(logging.INFO), Board(JOBS) as board:
        board.note(JOBS[0], None)
        board.note(JOBS[0], Outcome("x264", "q20", "clips", [], 3.0, record))
        board.note(JOBS[1], Outcome("toy", "a", "clips", [], 1.0, None, "it crashed."))
    assert caplog.messages == [
        "1 of 2: x264 at q20 on clips: 0.1000 bpp, 30.00 dB, 3 s",
        "2 of 2: toy at a on clips: failed: it crashed.",
    ]


def test_the_table_shows_every_job():
    board = Board(JOBS)
    board.note(JOBS[0], None)
    text = io.StringIO()
    Console(file=text, width=120).print(board._table())
    shown = text.getvalue()
    assert "0 of 2" in shown and "running, 0 s" in shown and "waiting" in shown

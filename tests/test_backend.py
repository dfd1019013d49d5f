"""The backend that is current, and what is built under it."""

from dataclasses import replace
from threading import Thread

import pytest

from core import backend
from core.backend import PORTABLE, Backend
from core.device_options import CpuConfig
from core.kernels.operator import operator
from core.nn import precision
from core.nn.stage import Stage


def test_the_innermost_is_current_until_it_is_left():
    outer, inner = Backend(target="GPU"), Backend(target="Ascend")
    assert backend.current() == Backend()
    with outer:
        with inner, inner:
            assert backend.current() is inner
        assert backend.current() is outer
        with pytest.raises(ValueError, match="must be"), inner:
            CpuConfig(threads=-1)
        assert backend.current() is outer
    assert backend.current() == Backend()


def test_each_thread_has_its_own():
    seen = []
    with PORTABLE:
        thread = Thread(target=lambda: seen.append(backend.current()))
        thread.start()
        thread.join()
    assert seen == [Backend()]


def test_full_precision_changes_nothing_else():
    with Backend(target="Ascend", low="float16") as mixed:
        with precision.full_precision():
            assert backend.current() == replace(mixed, low=None)
        assert backend.current() is mixed


def test_a_stage_keeps_its_runtime():
    class Nothing(Stage):
        pass

    with replace(PORTABLE, runtime=lambda stage: lambda x: (type(stage).__name__, x)):
        stage = Nothing(None)
    assert stage(1) == ("Nothing", 1)
    assert Nothing(None).computed is None


def test_without_kernels_there_is_no_operator():
    with pytest.raises(ValueError, match="build this under a Backend that has it"):
        operator("SumOfSquares")

"""Settings that must stand before MindSpore starts in the test process, and our kernels for tests of any room."""

import os

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

import mindspore as ms
import pytest

from core.kernels import library
from core.nn import cards, precision


@pytest.fixture(scope="module", autouse=True)
def _pynative_at_first():
    """Every file starts in the same mode, whichever files its process has run before."""
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(autouse=True)
def _nothing_left():
    """What a test, or a run that it opened, computed with is not what the next one computes with."""
    mode = ms.get_context("mode")
    yield
    ms.set_context(mode=mode)
    library.stop_using()
    cards.compute_on("CPU")
    precision.compute_in(None)


@pytest.fixture
def kernels():
    """The library of kernels in use on two threads; skips where it cannot be built."""
    possible, detail = library.available()
    if not possible:
        pytest.skip(detail)
    library.use(2)
    return library


@pytest.fixture(params=["builtin", "onednn"])
def either_kernels(request):
    """Once MindSpore's own operators, once our kernels."""
    if request.param == "onednn":
        request.getfixturevalue("kernels")
    return request.param

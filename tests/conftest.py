"""Settings that must stand before MindSpore starts in the test process, and our kernels for tests of any room."""

import os

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

import pytest

from core.kernels import library


@pytest.fixture(autouse=True)
def _no_kernels_left():
    """What a test, or a run that it opened, computed with is not what the next one computes with."""
    yield
    library.stop_using()


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

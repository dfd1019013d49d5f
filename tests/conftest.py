"""Settings that must stand before MindSpore starts in the test process, our kernels for tests of any room, limits of
time, and the lane `make check`."""

import os
import subprocess
from pathlib import Path

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

import mindspore as ms
import pytest
from mindspore.common.api import _CellGraphExecutor, _JitExecutor

from core.backend import Backend
from core.kernels import library
from core.testing.limits import seconds

HERE = Path(__file__).parent
LANE = {
    *("bench", "codec", "coding", "data", "docs", "losses", "media"),
    *("metrics", "report", "stream", "symbols", "training", "upscaling"),
}
"""The folders of `make check`, which has their tests and those that lie beside this file."""
TOO_MUCH = ((_CellGraphExecutor, "compile"), (_JitExecutor, "compile"), (subprocess.Popen, "__init__"))
"""What they may not call."""


def pytest_ignore_collect(collection_path, config):
    """`-m check` does not import the tests of other folders, which takes longer than many a test."""
    room = collection_path.relative_to(HERE).parts[:1]
    if config.option.markexpr == "check" and collection_path.is_dir() and not LANE.issuperset(room):
        return True
    return None


def pytest_collection_modifyitems(items):
    """Mark the tests of `make check`, which are not those that our kernels may have to be built for."""
    for item in items:
        folder, kernels = item.path.parent, {"kernels", "either_kernels"}.intersection(item.fixturenames)
        heavy = kernels or item.get_closest_marker("heavy") or item.get_closest_marker("slow")
        if not heavy and (folder == HERE or (folder.parent == HERE and folder.name in LANE)):
            item.add_marker("check")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    """Stretch the test's limit of time, and hold a test of `make check` to what such a test may do."""
    marker = item.get_closest_marker("timeout")
    if marker or item.config.getoption("timeout") is None:
        quiet = marker.args[0] if marker else float(item.config.getini("timeout"))
        item.add_marker(pytest.mark.timeout(seconds(quiet)), append=False)
    with pytest.MonkeyPatch.context() as patch:
        if item.get_closest_marker("check"):
            for kind, name in TOO_MUCH:
                patch.setattr(kind, name, _refuse)
        return (yield)


def _refuse(*_, **__):
    pytest.fail("it compiles a graph or starts a process: mark it heavy, which leaves it out of `make check`")


@pytest.fixture(scope="module", autouse=True)
def _pynative_at_first():
    """Every file starts in the same mode, whichever files its process has run before."""
    ms.set_context(mode=ms.PYNATIVE_MODE)


@pytest.fixture(autouse=True)
def _same_mode_after():
    """A run that a test has opened sets MindSpore's mode, of which there is one in a process."""
    mode = ms.get_context("mode")
    yield
    ms.set_context(mode=mode)


@pytest.fixture(
    params=[
        pytest.param(ms.GRAPH_MODE, marks=pytest.mark.heavy, id="graph"),
        pytest.param(ms.PYNATIVE_MODE, id="pynative"),
    ]
)
def either_mode(request):
    """Both of MindSpore's modes."""
    ms.set_context(mode=request.param)


@pytest.fixture
def kernels():
    """Our kernels, on two threads, for what the test builds; skips where they cannot be built."""
    possible, detail = library.available()
    if not possible:
        pytest.skip(detail)
    with Backend(kernels=library.start(2)) as entered:
        yield entered.kernels


@pytest.fixture(params=["builtin", "onednn"])
def either_kernels(request):
    """Once MindSpore's own operators, once our kernels."""
    if request.param == "onednn":
        request.getfixturevalue("kernels")
    return request.param

"""What a test of `make check` may not do: each of these is one."""

import subprocess
import sys

import mindspore as ms
import pytest
from mindspore import Tensor, nn


class Twice(nn.Cell):
    def construct(self, x):
        return x + x


def test_a_process_is_refused():
    with pytest.raises(pytest.fail.Exception, match="mark it heavy"):
        subprocess.run([sys.executable, "--version"])


def test_a_compilation_is_refused():
    assert Twice()(Tensor(1.0)) == 2
    ms.set_context(mode=ms.GRAPH_MODE)
    with pytest.raises(pytest.fail.Exception, match="mark it heavy"):
        Twice()(Tensor(1.0))


def test_a_compiled_function_is_refused():
    with pytest.raises(pytest.fail.Exception, match="mark it heavy"):
        ms.jit(Twice().construct)(Tensor(1.0))


@pytest.mark.heavy
def test_a_heavy_test_may():
    assert subprocess.run([sys.executable, "--version"]).returncode == 0

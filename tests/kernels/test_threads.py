"""The pool of threads: an exception in a part comes out of the call, wherever it was thrown, and the pool goes on."""

import shutil
import subprocess
from pathlib import Path

import pytest

from core.kernels.building import SOURCES
from core.testing.limits import seconds

PROGRAM = Path(__file__).with_name("threads.cc")


def test_exceptions_come_out_and_the_pool_goes_on(tmp_path):
    compiler = next(filter(None, map(shutil.which, ("g++", "clang++", "c++"))), None)
    if compiler is None:
        pytest.skip("no C++ compiler here")
    program = tmp_path / "threads"
    options = ["-std=c++17", "-O1", "-pthread", f"-I{SOURCES}", "-o", program]
    subprocess.run([compiler, PROGRAM, *options, "-ldl"], check=True)
    said = subprocess.run([program], capture_output=True, text=True, timeout=seconds(100))
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")

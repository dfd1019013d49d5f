"""The library of kernels: built once, whole or not at all, and done without where it cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.kernels import library
from core.kernels.convolution import Convolution

QUESTION = "from core.kernels import library; print(*library.available())"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty cache, and a process that has not loaded the library yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    library._load.cache_clear()
    yield tmp_path / "mindvideo" / "kernels"
    library._load.cache_clear()
    library.stop_using()


def compiler(tmp_path, text):
    """A program that stands in for the compiler."""
    script = tmp_path / "compiler"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return str(script)


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_two_processes_build_one_library_which_is_used_again(elsewhere, monkeypatch):
    if not library.available()[0]:
        pytest.skip("no C++ compiler here")
    copied, built = sorted(elsewhere.iterdir(), reverse=True)
    assert built.name.startswith("kernels-") and copied.name.startswith("onednn-")
    for path in (built, copied):
        path.unlink()
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", QUESTION], cwd=root, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate()[0] for process in processes] == [f"True {built}\n"] * 2
    assert left_in(elsewhere) == [built.name, copied.name]
    monkeypatch.setenv("PATH", "")
    library._load.cache_clear()
    assert library.available() == (True, str(built))


def test_without_a_compiler(elsewhere, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "")
    possible, reason = library.available()
    assert not possible
    assert reason == "there is no C++ compiler (g++, clang++, c++ not found)"
    assert not library.use_if_available(2)
    assert [record.getMessage() for record in caplog.records] == [
        f"MindSpore's own, slower convolutions are used, as the faster ones are missing: {reason}."
    ]
    assert library.in_use() is None
    assert left_in(elsewhere) == []


def test_a_build_that_fails(elsewhere, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", compiler(tmp_path, "echo something >&2; echo x.cc: error: no >&2; exit 1"))
    with pytest.raises(library.Unavailable, match=r"the compiler failed \(x\.cc: error: no\)"):
        library.use(2)
    assert library.in_use() is None
    assert left_in(elsewhere) == []


def test_a_library_that_cannot_be_loaded(elsewhere, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", compiler(tmp_path, 'for last; do :; done; echo rubbish > "$last"'))
    possible, reason = library.available()
    assert not possible
    assert "cannot be loaded" in reason


def test_a_cache_that_cannot_be_written(elsewhere, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    possible, reason = library.available()
    assert not possible
    assert f"could not be built in {tmp_path / 'file'}" in reason


def test_other_machines_have_none(elsewhere, monkeypatch):
    monkeypatch.setattr(library.platform, "machine", lambda: "aarch64")
    assert library.available() == (False, "they are for Linux on x86-64, and this is Linux on aarch64")


def test_other_versions_of_mindspore_have_none(elsewhere, monkeypatch):
    monkeypatch.setattr(library.metadata, "version", lambda package: "2.11.0")
    assert library.available() == (False, "they are for MindSpore 2.10.x, and this is 2.11.0")


def test_a_mindspore_without_onednn_has_none(elsewhere, monkeypatch):
    monkeypatch.setattr(library, "_ONEDNN", "libdnnl.so.9")
    assert library.available() == (False, "this MindSpore has no libdnnl.so.9")


def test_the_cache_follows_the_standard(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/to/be/ignored")
    monkeypatch.setenv("HOME", os.sep + "home")
    assert library.cache_folder() == Path("/home/.cache/mindvideo/kernels")


def test_networks_keep_what_they_were_built_with(kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    convolution = Convolution()
    kernels.stop_using()
    result = convolution(
        *[Tensor(np.ones(shape, np.float32)) for shape in ((1, 2, 3, 3), (1, 2, 3, 3), (1,))]
    )
    assert result.asnumpy().item() == 19


def test_the_copy_of_onednn_may_use_newer_instructions_than_mindspores(kernels):
    """A convolution of MindSpore's own beside one of ours, with the limit that the tests set for MindSpore's."""
    script = (
        "import ctypes, mindspore\n"
        "from pathlib import Path\n"
        "from core.kernels import library\n"
        "library.use(1)\n"
        "theirs = ctypes.CDLL(str(Path(mindspore.__file__).parent / 'lib' / 'libdnnl.so.3'))\n"
        "print(theirs.dnnl_get_effective_cpu_isa(), library.instructions())"
    )
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    root = Path(__file__).parents[2]
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    theirs, ours = said.stdout.split()
    assert int(theirs) == 0x7
    assert ours == ("AVX512" if "avx512bw" in Path("/proc/cpuinfo").read_text() else "AVX2")


def test_the_first_use_decides_on_the_instructions():
    script = "from core.kernels import library; library.use(1, 'AVX2'); library.use(2); print(library.instructions())"
    root = Path(__file__).parents[2]
    if not library.available()[0]:
        pytest.skip("no C++ compiler here")
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "AVX2"

"""The library of kernels: built once, whole or not at all, and done without where it cannot be."""

import json
import os
import subprocess
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor

from core.backend import Backend
from core.kernels import building, cache, library
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


@pytest.fixture
def quick_compiler(kernels, tmp_path):
    """A program that says a version and copies the library that is there already; it notes each copy.

    To be asked for before `elsewhere`, where there is none.
    """
    text = f'cp "{kernels.path}" "$last"; echo "$@" >> {tmp_path}/compiled'
    return compiler(tmp_path, f'case "$*" in *--version*) echo quick 1.0;; *) {LAST}; {text};; esac')


LAST = "for last; do :; done"
"""Has a shell script know its last argument."""


def compiler(tmp_path, text):
    """A program that stands in for the compiler."""
    script = tmp_path / "compiler"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    return str(script)


def compiled(tmp_path):
    """How often the quick compiler was called, and with what."""
    return (tmp_path / "compiled").read_text().splitlines()


def again():
    library._load.cache_clear()
    return library.available()


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_two_processes_build_one_library_which_is_used_again(elsewhere, monkeypatch):
    if not library.available()[0]:
        pytest.skip("no C++ compiler here")
    names = left_in(elsewhere)
    for path in elsewhere.iterdir():
        path.unlink()
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", QUESTION], cwd=root, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    [said] = {process.communicate()[0] for process in processes}
    assert left_in(elsewhere) == names
    [built, copied] = [name for name in names if name.endswith(".so")]
    assert built.startswith("kernels-") and copied.startswith("onednn-")
    assert said == f"True {elsewhere / built}\n"
    monkeypatch.setenv("PATH", "")
    assert again() == (True, str(elsewhere / built))


def test_a_damaged_library_is_made_anew(quick_compiler, elsewhere, monkeypatch, caplog, tmp_path):
    monkeypatch.setenv("CXX", quick_compiler)
    possible, path = library.available()
    assert possible and Path(path).parent == elsewhere
    assert again() == (True, path) and len(compiled(tmp_path)) == 1
    [onednn] = elsewhere.glob("onednn-*.so")
    for harmed in (Path(path), onednn):
        whole = harmed.read_bytes()
        harmed.unlink()  # this process has loaded it, so it must not change in place
        harmed.write_bytes(whole[: len(whole) // 2])
        caplog.clear()
        assert again() == (True, path)
        assert [record.getMessage() for record in caplog.records] == [
            f"A library of kernels is made anew: {harmed} is damaged."
        ]
        assert harmed.read_bytes() == whole
    assert len(compiled(tmp_path)) == 2


def test_another_compiler_makes_another_library(quick_compiler, elsewhere, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", quick_compiler)
    first = library.available()
    script = Path(quick_compiler)
    script.write_text(script.read_text().replace("quick 1.0", "quick 1.1"))
    second = again()
    monkeypatch.setenv("CXX", f"{quick_compiler} -m64 '-DNAME=two words'")
    third = again()
    assert {first[0], second[0], third[0]} == {True} and len({first[1], second[1], third[1]}) == 3
    assert compiled(tmp_path)[2].startswith("-m64 -DNAME=two words -std=c++17")
    record = json.loads(Path(second[1]).with_suffix(".json").read_text())
    assert record["compiler"] == quick_compiler and record["version"] == "quick 1.1"
    assert len(list(elsewhere.glob("onednn-*.so"))) == 1


def test_a_copy_of_onednn_is_named_by_its_content(elsewhere, monkeypatch, tmp_path):
    ours = cache.of_the_user()
    originals = [tmp_path / "one.so", tmp_path / "two.so"]
    for original in originals:
        original.write_bytes(b"content")
    copy = building.copy_library(originals[0], ours)
    assert building.copy_library(originals[1], ours) == copy and copy.read_bytes() == b"content"
    monkeypatch.setattr(building, "hash_of", lambda file: pytest.fail("hashed again"))
    assert [building.copy_library(original, ours) for original in originals] == [copy, copy]
    monkeypatch.undo()
    originals[1].write_bytes(b"other content")
    assert building.copy_library(originals[1], ours) != copy


@pytest.mark.parametrize("harm", ["writable", "file", "no home"])
def test_a_cache_that_cannot_be_used(quick_compiler, elsewhere, monkeypatch, caplog, tmp_path, harm):
    """Kernels are built in a folder of this process, and one sentence says why."""
    monkeypatch.setenv("CXX", quick_compiler)
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path))
    if harm == "writable":
        elsewhere.mkdir(parents=True)
        elsewhere.chmod(0o777)
        why = f"{elsewhere} may be written by others"
    elif harm == "file":
        elsewhere.parent.touch()
        why = f"{elsewhere} cannot be used"
    else:
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", "nowhere")
        why = "HOME is not an absolute path"
    possible, path = library.available()
    folder = Path(path).parent
    assert possible and folder.parent == tmp_path and folder.name.startswith("mindvideo-kernels-")
    [record] = caplog.records
    assert f"Kernels are built for this process alone, in {folder}, as {why}" in record.getMessage()
    assert left_in(elsewhere) == []


def test_without_any_folder(elsewhere, monkeypatch, tmp_path):
    monkeypatch.setattr(cache.tempfile, "tempdir", str(tmp_path / "nowhere"))
    elsewhere.parent.touch()
    possible, reason = library.available()
    assert not possible
    assert f"{elsewhere} cannot be used" in reason and "no folder for temporary files" in reason


def test_without_a_compiler(elsewhere, monkeypatch, caplog):
    monkeypatch.setenv("PATH", "")
    possible, reason = library.available()
    assert not possible
    assert reason == "there is no C++ compiler (g++, clang++, c++ not found)"
    assert library.start_if_available(2) is None
    assert [record.getMessage() for record in caplog.records] == [
        f"MindSpore's own, slower convolutions are used, as the faster ones are missing: {reason}."
    ]
    assert left_in(elsewhere) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("no-such-compiler -m64", "there is no C++ compiler (no-such-compiler -m64 not found)"),
        ("'g++", "CXX is not a command: 'g++"),
    ],
)
def test_a_compiler_that_is_not_there(elsewhere, monkeypatch, words, said):
    monkeypatch.setenv("CXX", words)
    assert library.available() == (False, said)


def test_a_build_that_fails(elsewhere, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", compiler(tmp_path, "echo something >&2; echo x.cc: error: no >&2; exit 1"))
    with pytest.raises(library.Unavailable, match=r"the compiler failed \(x\.cc: error: no\)"):
        library.start(2)
    assert left_in(elsewhere) == []


def test_a_library_that_cannot_be_loaded(elsewhere, monkeypatch, tmp_path):
    rubbish = f'case "$*" in *--version*) ;; *) {LAST}; echo rubbish > "$last";; esac'
    monkeypatch.setenv("CXX", compiler(tmp_path, rubbish))
    possible, reason = library.available()
    assert not possible
    assert "cannot be loaded" in reason


def test_other_machines_have_none(elsewhere, monkeypatch):
    monkeypatch.setattr(library.platform, "machine", lambda: "aarch64")
    assert library.available() == (False, "they are for Linux on x86-64, and this is Linux on aarch64")


def test_other_versions_of_mindspore_have_none(elsewhere, monkeypatch):
    monkeypatch.setattr(building.metadata, "version", lambda package: "2.11.0")
    assert library.available() == (False, "they are for MindSpore 2.10.x, and this is 2.11.0")


def test_a_mindspore_without_onednn_has_none(elsewhere, monkeypatch):
    monkeypatch.setattr(building, "_ONEDNN", "libdnnl.so.9")
    assert library.available() == (False, "this MindSpore has no libdnnl.so.9")


def test_networks_keep_what_they_were_built_with(kernels):
    ms.set_context(mode=ms.PYNATIVE_MODE)
    convolution = Convolution()
    with Backend():
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
        "kernels = library.start(1)\n"
        "theirs = ctypes.CDLL(str(Path(mindspore.__file__).parent / 'lib' / 'libdnnl.so.3'))\n"
        "print(theirs.dnnl_get_effective_cpu_isa(), kernels.instructions)"
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
    script = (
        "from core.kernels import library; library.start(1, 'AVX2'); print(library.start(2).instructions)"
    )
    root = Path(__file__).parents[2]
    if not library.available()[0]:
        pytest.skip("no C++ compiler here")
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "AVX2"

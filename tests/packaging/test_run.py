"""The script `./run`, with a stand-in for uv: it must make the environment once, whole, and speak plainly."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

from core.testing.limits import becomes_true, seconds

ROOT = Path(__file__).parents[2]

UV = """\
#!{python}
import os, pathlib, sys, time
with open(os.environ["UV_LOG"], "a") as log:
    print(*sys.argv[1:], file=log)
if sys.argv[1] == "venv":
    programs = pathlib.Path(sys.argv[-1]) / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
else:
    time.sleep(float(os.environ.get("UV_SECONDS", "0")))
    sys.exit(int(os.environ.get("UV_EXIT", "0")))
"""


class Checkout:
    """A copy of what `./run` needs, and a PATH on which uv is the stand-in."""

    def __init__(self, folder):
        self.folder = folder / "checkout"
        self.folder.mkdir()
        for name in ("run", "pyproject.toml", "setup.py", "constraints.txt"):
            shutil.copy2(ROOT / name, self.folder)
        programs = folder / "bin"
        programs.mkdir()
        (programs / "uv").write_text(UV.format(python=sys.executable))
        (programs / "uv").chmod(0o755)
        self.log = folder / "uv.log"
        path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path, "UV_LOG": str(self.log)}

    def start(self, *words, **environment):
        return subprocess.Popen(
            [sys.executable, self.folder / "run", *words],
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *words, **environment):
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=seconds(60))
        return process.returncode, out, err

    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.fixture
def script():
    """`run` as a module."""
    loader = SourceFileLoader("run_script", str(ROOT / "run"))
    module = module_from_spec(spec_from_loader("run_script", loader))
    loader.exec_module(module)
    return module


def test_environment_is_made_once(checkout):
    code, out, err = checkout.run("python", "-c", "print('hello')")
    assert (code, out) == (0, "hello\n")
    assert "making the environment" in err
    assert "is ready after" in err
    venv, install = checkout.calls()
    assert venv.startswith("venv --python ")
    assert f"-c {checkout.folder}/constraints.txt -e {checkout.folder}[test]" in install

    assert checkout.run("python", "-c", "print('again')") == (0, "again\n", "")
    assert len(checkout.calls()) == 2


def test_command_gets_its_words_and_gives_its_exit_code(checkout):
    code, out, _ = checkout.run("python", "-c", "import sys; print(sys.argv[1:]); sys.exit(7)", "a b", "--x")
    assert (code, out) == (7, "['a b', '--x']\n")


def test_environment_follows_the_project_files(checkout):
    checkout.run("true")
    with (checkout.folder / "constraints.txt").open("a") as file:
        file.write("# changed\n")
    checkout.run("true")
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip", "pip"]


def test_extra_is_added_and_kept(checkout):
    checkout.run("true")
    checkout.run("--extra", "docs", "true")
    checkout.run("--extra", "docs", "true")
    checkout.run("true")
    assert len(checkout.calls()) == 3
    assert checkout.calls()[-1].endswith("[docs,test]")


def test_interrupted_installation_is_done_again(checkout):
    process = checkout.start("true", UV_SECONDS="60")
    assert becomes_true(lambda: len(checkout.calls()) == 2, 30)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, _, err = checkout.run("true")
    assert code == 0, err
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip", "venv", "pip"]


def test_two_at_once_make_one_environment(checkout):
    processes = [checkout.start("python", "-c", "print('done')", UV_SECONDS="1") for _ in range(2)]
    results = [process.communicate(timeout=seconds(60)) for process in processes]
    assert [out for out, _ in results] == ["done\n", "done\n"]
    assert len(checkout.calls()) == 2
    assert sum("waiting for another ./run" in err for _, err in results) == 1


def test_moved_checkout_gets_a_new_environment(checkout):
    checkout.run("true")
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    checkout.run("true")
    assert [call.split()[0] for call in checkout.calls()] == ["venv", "pip", "venv", "pip"]


def test_failure_is_one_sentence_and_the_end_of_the_log(checkout):
    code, out, err = checkout.run("true", UV_EXIT="1", PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert (code, out) == (1, "")
    assert "Error: the installation failed; " in err
    assert "ERROR:" in err
    assert "Traceback" not in err
    assert not (checkout.folder / ".venv" / "mindvideo.json").exists()


def test_without_a_command_it_tells_its_use(checkout):
    code, out, err = checkout.run()
    assert (code, err) == (2, "")
    assert "./run [--extra NAME] COMMAND" in out


def test_unknown_command_is_one_sentence(checkout):
    checkout.run("true")
    code, _, err = checkout.run("no-such-command")
    assert code == 1
    assert err.startswith("Error: there is no command 'no-such-command'")
    assert err.count("\n") == 1


def test_damaged_stamp_counts_as_none(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "STAMP", tmp_path / "stamp")
    (tmp_path / "stamp").write_text("{")
    assert script.read_stamp() == {}
    (tmp_path / "stamp").write_text(json.dumps({"root": "/x"}))
    assert script.read_stamp() == {"root": "/x"}


def test_missing_libgomp_is_one_sentence_with_the_remedy(script, monkeypatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(script.ctypes, "CDLL", absent)
    monkeypatch.setattr(script.sys, "platform", "linux")
    with pytest.raises(script.Trouble, match=r"libgomp\.so\.1, which is missing.*apt-get install libgomp1"):
        script.check_libgomp()


def fake_python(folder, name, version):
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {version}\n")
    program.chmod(0o755)
    return str(program)


def test_supported_python_is_picked_from_path(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script.sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    fake_python(tmp_path, "python3", "3 13")
    assert script.find_python() is None
    expected = fake_python(tmp_path, "python3.12", "3 12")
    assert script.find_python() == expected


def test_broken_python_on_path_is_passed_over(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script.sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "python3.11").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.11").chmod(0o755)
    assert script.find_python() is None


def test_unsupported_python_is_one_sentence_with_the_remedy(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script.sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(script, "find_uv", lambda base, log: None)
    with (
        (tmp_path / "log").open("w") as log,
        pytest.raises(
            script.Trouble, match=r"needs Python 3\.10, 3\.11 or 3\.12 .* python3 is 3\.13 .*: install one"
        ),
    ):
        script.fill(["test"], log)


def test_missing_venv_module_is_one_sentence_with_the_remedy(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "VENV", tmp_path / ".venv")
    python = fake_python(tmp_path, "python3", "")
    Path(python).write_text("#!/bin/sh\nexit 1\n")
    with (
        (tmp_path / "log").open("w") as log,
        pytest.raises(
            script.Trouble, match=r"lacks the modules venv and ensurepip: .*apt-get install python3-venv"
        ),
    ):
        script.make_venv(python, log)


def test_old_pythons_can_read_it():
    tree = ast.parse((ROOT / "run").read_text(), feature_version=(3, 7))
    assert any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)


def test_pip_mirror_is_named_to_uv(script, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    assert script.environment()["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_uv_is_one_version_by_its_hashes(script, tmp_path, monkeypatch):
    """pip is asked for the wheels that are named in the script, and for nothing else."""
    asked = []
    monkeypatch.setattr(script, "TOOLS", tmp_path)
    monkeypatch.setattr(script.shutil, "which", lambda name: None)
    monkeypatch.setattr(script, "call", lambda words, log: asked.append(list(map(str, words))))
    assert script.find_uv("python3", None) is None
    assert {"--require-hashes", str(tmp_path / "uv.txt")} <= set(asked[0])
    assert "uv" not in asked[0]
    wanted = (tmp_path / "uv.txt").read_text().replace("\\\n", "").split()
    assert re.fullmatch(r"uv==[\d.]+", wanted[0])
    assert len(wanted) == 4 and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in wanted[1:])


def test_bytecode_is_compiled_with_the_installation(checkout):
    """Where Python may not write it later, every start would compile all modules anew."""
    module = checkout.folder / "core" / "module.py"
    module.parent.mkdir()
    module.write_text("x = 1\n")
    assert checkout.run("true")[0] == 0
    assert "--compile-bytecode" in checkout.calls()[-1]
    assert list(module.parent.glob("__pycache__/module.*.pyc"))

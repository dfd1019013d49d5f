"""Plugins made from the template, and environments to install them in beside ours."""

import copy
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import copier
import pytest

from core.testing.limits import seconds

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "template"


def generate(folder, **answers):
    """What ``copier copy`` makes of the answers."""
    copier.run_copy(str(TEMPLATE), str(folder), data=answers, defaults=True, quiet=True)
    return folder


class Environment:
    """A Python with packages of its own before ours, and a folder that it works in."""

    def __init__(self, python, folder, **variables):
        self.python, self.folder = python, folder
        kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MINDVIDEO_PLUGINS")}
        # pip takes what is here: no package index, no environment of its own for building.
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        plain = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb", "GLOG_v": "3"}
        self.variables = {**kept, **offline, **plain, **variables}

    def within(self, folder):
        """The same, working in another folder."""
        other = copy.copy(self)
        other.folder = folder
        return other

    def __call__(self, *words, fails=False):
        """Run Python with these words; returns what it said."""
        done = subprocess.run(
            [str(self.python), *map(str, words)],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds(900),
        )
        told = done.stdout + done.stderr
        assert (done.returncode != 0) == fails, told
        assert "Traceback" not in told or fails, told
        return told


@pytest.fixture
def beside(tmp_path):
    """An environment whose further packages lie in the folder ``site``, which pip fills with ``--target``."""
    return Environment(sys.executable, tmp_path, PYTHONPATH=str(tmp_path / "site"))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A fresh environment with the wheel of this checkout, and the dependencies of the one that runs the tests."""
    folder = tmp_path_factory.mktemp("fresh")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*build, "-w", str(folder), str(copied(folder))], check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    python = folder / "venv" / "bin" / "python"
    [wheel] = folder.glob("mindvideo-*.whl")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    [packages] = folder.glob("venv/lib/python*/site-packages")
    # A path in a .pth file comes after the wheel, and brings no .pth file (no editable mindvideo) with it.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (folder / "work").mkdir()
    (folder / "work" / "template").symlink_to(TEMPLATE)
    return Environment(python, folder / "work")


def copied(folder):
    """The checkout without what building would leave in it."""
    leftovers = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "runs", "site")
    return shutil.copytree(ROOT, folder / "source", ignore=leftovers, symlinks=True)

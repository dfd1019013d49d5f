"""The wheel and the source distribution: complete, and usable from any folder once installed."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

from core.testing.limits import seconds

ROOT = Path(__file__).parents[2]
LEFTOVERS = shutil.ignore_patterns(
    ".*",
    "__pycache__",
    "*.egg-info",
    "build",
    "dist",
    "site",
    "runs",
    "sweeps",
    "multirun",
    "rank_0",
    "kernel_meta",
)


def run(*words, **options):
    done = subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=seconds(600), **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=LEFTOVERS)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    [path] = built.glob("mindvideo-*.whl")
    return path


def shipped_files():
    """Every file of the packages, by its name in the wheel."""
    for folder, place in (("core", "core"), ("conf", "core/conf"), ("plugins", "plugins")):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{place}/{path.relative_to(ROOT / folder)}"


def test_wheel_has_every_file_of_the_packages_and_nothing_else(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == {*shipped_files(), "mindvideo.py"}
    assert "plugins/__init__.py" not in names
    assert {"core/conf/config.yaml", "core/data/embedded/NOTICE.md"} <= names
    assert any(name.endswith(".mp4") for name in names)


def test_wheel_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    [info] = {name.split("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    metadata = message_from_string(archive.read(f"{info}/METADATA").decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert sorted(metadata.get_all("License-File")) == ["LICENSE", "core/data/embedded/NOTICE.md"]
    assert metadata["Requires-Python"] == "<3.13,>=3.10"
    points = archive.read(f"{info}/entry_points.txt").decode()
    assert "mindvideo = mindvideo:main" in points
    assert "core = core.builtin" in points


def test_source_distribution_has_what_a_checkout_has(built):
    [path] = built.glob("mindvideo-*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"run", "Makefile", "constraints.txt", "setup.py", "LICENSE", "conf/config.yaml"} <= names
    assert {"tests/conftest.py", "examples/mindvideo-edge-loss/pyproject.toml"} <= names
    assert {"template/copier.yml", "template/project/pyproject.toml.jinja"} <= names
    assert not [name for name in names if name.startswith("core/conf/")]


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel, and the dependencies of the one that runs the tests."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    [packages] = venv.glob("lib/python*/site-packages")
    # A path in a .pth file comes after the wheel, and brings no .pth file (no editable mindvideo) with it.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture
def core(installed, tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MINDVIDEO_PLUGINS")}

    def call(*words):
        return run(installed, *words, cwd=tmp_path, env={**environment, "COLUMNS": "300"})

    return call


def test_installed_packages_are_those_of_the_wheel(core, installed):
    names = ("core", "core.conf", "mindvideo", "plugins.cycmunet")
    code = f"from importlib import import_module as get; print(*(get(name).__file__ for name in {names}))"
    for path in core("-c", code).split():
        assert Path(path).is_relative_to(installed.parents[1])
    assert core("-c", "import mindvideo; print(mindvideo.find_shadow())") == "None\n"


def test_installed_command_shows_help_and_configuration(core):
    assert "cycmunet_demo" in core("-m", "core", "--help")
    assert "model:" in core("-m", "core", "--cfg", "job")


def test_installed_command_runs(core, installed):
    said = core("-m", "core", "task=doctor")
    assert "REJECTED" not in said
    assert "cycmunet (mindvideo" in said


@pytest.mark.slow
def test_fresh_environment_with_all_dependencies(wheel, tmp_path):
    """Downloads about 1 GB: what a user's ``pip install mindvideo`` does."""
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-c", ROOT / "constraints.txt", wheel)
    assert "active: " in run(python, "-m", "core", "task=doctor", cwd=tmp_path)

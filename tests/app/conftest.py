"""The command as a user runs it: a process of its own, in an empty folder, with plugins made on the fly."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.app import plugins
from core.testing.limits import seconds


class Command:
    """Runs ``python -m core`` and returns what it said; folders in ``path`` come first for Python."""

    def __init__(self, folder):
        self.folder = folder
        self.path = []
        self.environment = {}
        self.timeout = 120

    def __call__(self, *words, program=("-m", "core"), cwd=None):
        return subprocess.run(
            [sys.executable, *program, *map(str, words)],
            cwd=cwd or self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds(self.timeout),
        )

    def start(self, *words):
        """The command, under way."""
        return subprocess.Popen(
            [sys.executable, "-m", "core", *map(str, words)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def script(self, *words):
        """The console script ``mindvideo`` instead of ``python -m core``."""
        return self(*words, program=(Path(sys.executable).parent / "mindvideo",))

    def _environment(self):
        kept = {name: value for name, value in os.environ.items() if name != "MINDVIDEO_PLUGINS"}
        # Wide and plain, so that tables are not broken into lines that depend on the terminal.
        plain = {"COLUMNS": "400", "NO_COLOR": "1", "TERM": "dumb", "GLOG_v": "3"}
        path = os.pathsep.join(map(str, self.path))
        return {**kept, **plain, "PYTHONPATH": path, **self.environment}


class Site:
    """A folder that Python takes for one with installed distributions."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, plugin, source, distribution=None, yaml=None, named=None):
        """A distribution with one plugin: module ``<distribution>_plugin``, its YAML, its entry point.

        That names the module, or the object ``named`` in it.
        """
        distribution = distribution or plugin
        package = self.folder / f"{distribution}_plugin"
        for name, text in {**(yaml or {}), "conf/__init__.py": "", "__init__.py": source}.items():
            file = package / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(text))
        self.register(distribution, plugin, f"{package.name}:{named}" if named else package.name)

    def register(self, distribution, plugin, module):
        """The metadata from which importlib knows a distribution and its entry point."""
        metadata = self.folder / f"{distribution}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[mindvideo.plugins]\n{plugin} = {module}\n")


@pytest.fixture(scope="session")
def make_command(tmp_path_factory):
    return lambda: Command(tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="session")
def make_site(tmp_path_factory):
    def make(command):
        folder = tmp_path_factory.mktemp("site")
        command.path.append(folder)
        return Site(folder)

    return make


@pytest.fixture
def command(make_command):
    return make_command()


@pytest.fixture
def site(make_site, command):
    return make_site(command)


@pytest.fixture
def within(tmp_path, monkeypatch):
    """A folder of its own for commands of this process, and a site for the plugins that they find."""
    for name in ("work", "site", "cache"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    plugins.cache_clear()
    site = Site(tmp_path / "site")
    yield site
    plugins.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0].endswith("_plugin")]:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def toy(within):
    """The plugin of `toy_codec`; more of its source may be given."""

    def install(more=""):
        within.install("toy", Path(__file__).with_name("toy_codec.py").read_text() + textwrap.dedent(more))

    return install


def pytest_assertrepr_compare(op, left, right):
    """Show a command's whole output where an expected sentence is not in it."""
    if op == "in" and isinstance(left, str) and isinstance(right, str):
        return [f"{left!r} is not in:", *right.splitlines()]
    return None

"""Our own plugins pass the conformance suite as anyone's must; and it tells what is wrong with one that should not."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.testing.limits import seconds

pytestmark = pytest.mark.timeout(1000)  # a whole suite in a process of its own

ROOT = Path(__file__).parents[2]
HIERARCHY = ROOT / "examples" / "mindvideo-hierarchy"
OWN = ("cycmunet", "compact", "ssfvc", "dvc", "dcvc", "dcvcuf", "dvcp", "anchors", "cheng2020")


def conform(plugin, *words, path=()):
    """Run the suite for a plugin, in a process of its own; returns its exit status and what it said."""
    kept = {k: v for k, v in os.environ.items() if k != "MINDVIDEO_PLUGINS"}
    suite = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "core.testing", "--plugin", plugin]
    done = subprocess.run(
        [sys.executable, *suite, *words],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": os.pathsep.join(map(str, path))},
        capture_output=True,
        text=True,
        timeout=seconds(900),
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow  # about a minute each; what the template makes passes the suite in every run
@pytest.mark.parametrize("plugin", OWN)
def test_our_own_plugins_conform(plugin):
    status, said = conform(plugin)
    assert status == 0, said


def installed(source, site):
    """A folder in which pip has put a distribution and its metadata."""
    copy = site.with_name("source")
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(site), str(copy)], check=True, capture_output=True)
    return site


@pytest.mark.slow
def test_the_bidirectional_codec_of_the_examples_conforms(tmp_path):
    status, said = conform("hierarchy", path=[installed(HIERARCHY, tmp_path / "site")])
    assert status == 0, said


BROKEN = '''
"""A plugin with much that is wrong."""

import mindspore
from dataclasses import dataclass

from core.hooks import LossEntry, ModelEntry, hookimpl, lazy

HOOK_API = 2


@dataclass
class Loud:
    """An option with a capital letter."""

    Width: int = 3


@dataclass
class Silent:
    width: int = 3


def build(config):
    raise NotImplementedError


@hookimpl
def models():
    return [ModelEntry("loud", Loud, build)]


@hookimpl
def losses():
    return [LossEntry("silent", Silent, lazy("broken_plugin:nowhere"))]
'''


def test_what_is_wrong_is_told(tmp_path):
    """Each fault by the test that is there for it; what is sound passes."""
    (tmp_path / "broken_plugin.py").write_text(BROKEN)
    metadata = tmp_path / "broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[mindvideo.plugins]\nbroken = broken_plugin\n")
    status, said = conform("broken", path=[tmp_path])
    assert status == 1
    failed = set(re.findall(r"^FAILED \S+::(\w+)", said, re.MULTILINE))
    assert failed == {
        "test_importing_the_plugin_starts_no_mindspore",
        "test_everything_named_is_there",
        "test_names_are_lower_case",
        "test_everything_says_what_it_is",
        "test_everything_that_computes_is_tried",
    }
    assert "model.Width" in said
    assert "loss=silent" in said
    assert "no conformance/*.yaml of the plugin chooses model=loud" in said


def test_a_plugin_must_be_named_and_installed():
    status, said = conform("none_such", "-k", "active")
    assert status == 1
    assert "there is no plugin 'none_such'; installed are anchors, cheng2020, compact, core" in said

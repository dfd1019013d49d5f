"""Whoever types the commands of the first pages in order, in a fresh folder, gets to the end of each.

Trainings are short here: what `SHORTER` has for an experiment is appended to every command that trains it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .commands import ROOT, commands

TUTORIALS = (
    "docs/getting-started.md",
    "docs/tutorials/train-a-super-resolver.md",
    "docs/tutorials/upscale-a-film.md",
    "docs/tutorials/train-and-use-a-codec.md",
    "docs/tutorials/run-the-benchmark.md",
)
"""In the order in which they build on each other. *Write a plugin* has a test beside the template's own."""

FEW = ("training.steps=4", "training.validate_every=2", "training.checkpoint_every=2", "dataset.limit=1")
SHORTER = {
    "cycmunet_demo": FEW,
    "ssfvc_demo": (*FEW, "dataset.test_frames=3"),
    "dvc_demo": (*FEW, "dataset.test_frames=3"),
    "grain_demo": (*FEW, "dataset.test_frames=3"),
}
"""What is appended to commands that train an experiment."""
DEFAULT = "cycmunet_demo"
RUN = re.compile(r"`((?:runs|sweeps)/[^`\s]*|[\w.-]+\.(?:mp4|mdv|json|y4m))`")
"""Files that a page names between backticks."""


def shortened(words):
    """A command as the test types it."""
    experiment = next((word.partition("=")[2] for word in words if word.startswith("experiment=")), DEFAULT)
    trains = not any(word.startswith("task=") or word in ("--help", "--cfg") for word in words)
    return [*words, *SHORTER.get(experiment, ())] if trains else list(words)


class Reader:
    """Types commands in a folder that holds what the checkout holds of clips, and nothing else."""

    def __init__(self, folder):
        self.folder = folder
        embedded = folder / "core" / "data" / "embedded"
        embedded.parent.mkdir(parents=True)
        embedded.symlink_to(ROOT / "core" / "data" / "embedded")
        kept = {name: value for name, value in os.environ.items() if name != "MINDVIDEO_PLUGINS"}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        plain = {"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb", "GLOG_v": "3"}
        self.environment = {**kept, **plain, "PATH": path, "PYTHONPATH": str(ROOT)}

    def types(self, command):
        """Run a command; returns what it said."""
        words = list(command.words)
        if words[0] == "make":
            words = ["python", "-m", "core"]  # what `make run` is within the environment that runs the tests
        words = words[words[0] == "./run" :]
        if command.own is not None:
            words = shortened(words)
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
            check=False,
        )
        assert (done.returncode != 0) == bool(command.told), f"{command}\n{done.stdout}"
        assert command.told in done.stdout, f"{command}\n{done.stdout}"
        assert "Traceback" not in done.stdout, f"{command}\n{done.stdout}"
        return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_commands_of_the_tutorials_in_order(tmp_path):
    reader = Reader(tmp_path)
    for page in TUTORIALS:
        for command in commands(ROOT / page):
            if not command.needs:
                reader.types(command)
        named = set(RUN.findall((ROOT / page).read_text("utf-8")))
        assert [name for name in sorted(named) if not list(tmp_path.glob(pattern(name)))] == [], page


def pattern(name):
    """A file's name as a pattern: words in capitals stand for what differs from run to run."""
    return re.sub(r"\b[A-Z]{3,}\b", "*", name).rstrip("/")

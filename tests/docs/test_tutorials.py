"""Whoever types the commands of the first pages in order, in a fresh folder, gets to the end of each.

Trainings and benchmarks are short here: what `SHORTER` has for an experiment is appended to every command that runs
it. Nothing else is changed. Plugins are installed in an environment of their own, as the template's tests do.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.testing.limits import seconds

from ..template.conftest import fresh  # noqa: F401
from .commands import ROOT, commands

TUTORIALS = (
    "docs/getting-started.md",
    "docs/tutorials/code-a-film.md",
    "docs/tutorials/train-a-super-resolver.md",
    "docs/tutorials/upscale-a-film.md",
    "docs/tutorials/train-and-use-a-codec.md",
    "docs/tutorials/run-the-benchmark.md",
)
"""Pages that go on from what those before them have made."""
BENCHMARK = ("docs/how-to/benchmark.md",)
WITH_A_PLUGIN = (
    "docs/tutorials/write-a-plugin.md",
    "examples/mindvideo-edge-loss/README.md",
    "examples/mindvideo-hierarchy/README.md",
)
"""Pages that install one."""
PAGES = (*TUTORIALS, *BENCHMARK, *WITH_A_PLUGIN)

FEW = ("training.steps=4", "training.validate_every=2", "training.checkpoint_every=2", "dataset.limit=1")
SET = (
    "dataset=clips",
    "dataset.held_out=box_handheld",
    "dataset.test_frames=3",
    "dataset.evaluation_crop=128",
)
TINY = f"task.sets.clips.words={[*SET, 'dataset.limit=1']}"
SHORTER = {
    "cycmunet_demo": FEW,
    "edge_demo": FEW,
    **{
        f"{name}_demo": (*FEW, "dataset.test_frames=3")
        for name in ("ssfvc", "dvc", "dvcp", "dcvc", "grain", "hierarchy")
    },
    **{f"{name}_demo_rates": (*FEW, "dataset.test_frames=3") for name in ("ssfvc", "dvc", "dvcp", "dcvc")},
    "bench_clips": (TINY,),
    "bench_rates": (TINY,),
}
DEFAULT = "cycmunet_demo"
MADE = re.compile(r"`((?:runs|sweeps|mindvideo-grain)/[^`\s]*|[\w-]+\.(?:mp4|mdv|json))`")
"""Files that a page names between backticks."""


def typed(page):
    """What is typed: all commands in blocks, but for those that need something that tests lack."""
    return [command for command in commands(ROOT / page) if not command.needs and not command.in_sentence]


def shortened(words):
    """The words of a command as the test types them."""
    experiment = next((word.partition("=")[2] for word in words if word.startswith("experiment=")), DEFAULT)
    runs_it = not any(word.startswith("task=") or word in ("--help", "--cfg") for word in words)
    runs_it = runs_it and not (words[0] == "mindvideo" and "=" not in words[1])  # a verb
    return [*words, *SHORTER.get(experiment, ())] if runs_it else list(words)


def words_of(command):
    """The words of a command within the environment that runs the tests."""
    words = list(command.words)[command.words[0] == "./run" :]
    words = ["python", "-m", "core"] if words == ["make", "run"] else words
    return shortened(words) if command.own is not None or words == ["python", "-m", "core"] else words


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
        """Run a command, and compare what it says with what the page shows."""
        done = subprocess.run(
            words_of(command),
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds(1200),
            check=False,
        )
        assert (done.returncode != 0) == bool(command.told), f"{command}\n{done.stdout}"
        assert without_numbers(command.told) in without_numbers(done.stdout), f"{command}\n{done.stdout}"
        assert "Traceback" not in done.stdout, f"{command}\n{done.stdout}"


def without_numbers(text):
    """What is said, but for the numbers, which differ where a training is shorter."""
    return re.sub(r"\d+", "N", text)


def missing(page, folder):
    """Files that a tutorial names and that are not there; other pages name them from elsewhere."""
    text = (ROOT / page).read_text("utf-8") if page.startswith(("docs/getting", "docs/tutorials")) else ""
    named = set(MADE.findall(text))
    return [name for name in sorted(named) if not list(folder.glob(pattern(name)))]


def pattern(name):
    """A file's name as a pattern: words in capitals stand for what differs from run to run."""
    return re.sub(r"\b[A-Z]{3,}\b", "*", name).rstrip("/")


@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("one_after_the_other", [TUTORIALS, BENCHMARK], ids=["tutorials", "benchmark"])
def test_pages_that_build_on_each_other(one_after_the_other, tmp_path):
    reader = Reader(tmp_path)
    for page in one_after_the_other:
        for command in typed(page):
            reader.types(command)
        assert missing(page, tmp_path) == [], page


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", WITH_A_PLUGIN, ids=lambda page: Path(page).parts[-2])
def test_pages_that_install_a_plugin(page, fresh, tmp_path):  # noqa: F811
    """With nothing but the wheel, the template and the examples, each page in a folder of its own."""
    for name in ("template", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    clip = ROOT / "core" / "data" / "embedded" / "box_handheld.mp4"
    (tmp_path / "in.mp4").write_bytes(clip.read_bytes())
    python = fresh.within(tmp_path)
    said = {command: python(*told_to_python(words_of(command))) for command in typed(page)}
    assert missing(page, tmp_path) == []
    if page == WITH_A_PLUGIN[0]:
        doctors = [told for command, told in said.items() if "task=doctor" in command.words]
        assert re.search(r"grain \(mindvideo-grain 0\.1\.0\).*active: model=grain, codec=grain", doctors[0])
        assert re.search(r"grain.*disabled", doctors[1])
        assert "grain" not in doctors[2]
        [verified] = [told for command, told in said.items() if "task=verify" in command.words]
        assert "120 frames decode as they were coded" in verified


def told_to_python(words):
    """What Python is told by a command that it can run."""
    return words[1:] if words[0] == "python" else ["-m", *words]

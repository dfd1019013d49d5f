"""The template: five answers make a plugin that passes its own tests, works, and can be taken away again."""

import json
import re

import pytest
import yaml

from .conftest import TEMPLATE, generate

pytestmark = pytest.mark.timeout(1800)  # each starts many processes, and the slow ones train

KINDS = ("codec", "upscaler")
PLUGIN = {"codec": "grain", "upscaler": "larger"}


def answers(kind):
    return {"distribution": f"mindvideo-{PLUGIN[kind]}", "kind": kind}


def test_there_are_five_questions():
    questions = yaml.safe_load((TEMPLATE / "copier.yml").read_text())
    asked = [name for name, q in questions.items() if not name.startswith("_") and q.get("when") is not False]
    assert asked == ["distribution", "plugin", "kind", "author", "licence"]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_stand_in_the_distribution(tmp_path, kind):
    chosen = {"author": "Ada Lovelace", "licence": "MIT", "plugin": "my_own"}
    folder = generate(tmp_path / "made", **answers(kind), **chosen)
    project = (folder / "pyproject.toml").read_text().splitlines()
    package = f"mindvideo_{PLUGIN[kind]}"
    assert f'name = "mindvideo-{PLUGIN[kind]}"' in project
    assert 'authors = [{ name = "Ada Lovelace" }]' in project
    assert 'license = "MIT"' in project
    assert f'my_own = "{package}.plugin:plugin"' in project
    assert "Ada Lovelace" in (folder / "LICENSE").read_text()
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    own = {"codec": "codec.py", "upscaler": "upscaler.py"}
    assert {
        f"{package}/{own[kind]}",
        f"{package}/cells.py",
        f"{package}/config.py",
        "tests/test_my_own.py",
    } <= names
    assert {"README.md", ".github/workflows/test.yml", f"{package}/conf/experiment/my_own_demo.yaml"} <= names
    for path in names:
        assert not re.search(r"[{}]|jinja", path)
        if path.endswith(".py"):
            compile((folder / path).read_text(), path, "exec")
    assert not [p for p in names if re.search(r"{%|%}|{{", (folder / p).read_text())]


def test_an_author_may_have_any_name(tmp_path):
    name = 'A "B" \\ O\'C <é> 😀'
    folder = generate(tmp_path / "made", **answers("codec"), author=name)
    stated = (folder / "pyproject.toml").read_text("utf-8")
    assert name in (folder / "LICENSE").read_text("utf-8")
    assert name == json.loads(re.search(r'^authors = \[{ name = (".*") }\]$', stated, re.MULTILINE)[1])


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=[pytest.mark.slow] * (kind == "upscaler")) for kind in KINDS]
)
def test_it_passes_its_own_tests_at_once(beside, tmp_path, kind):
    """Generated, installed beside ours, tried by the conformance suite and its own tests, disabled, and gone."""
    plugin, folder = PLUGIN[kind], generate(tmp_path / "made", **answers(kind))
    beside("-m", "pip", "install", "--no-deps", "--target", "site", folder)
    said = beside("-m", "pytest", "-q", "-p", "no:cacheprovider", folder / "tests")
    assert re.search(r"\b[34] passed", said)
    words = ("-m", "core", "--cfg", "job", "experiment=none", "task=doctor", f"model={plugin}")
    beside(*words)
    assert f"there is no model '{plugin}'" in beside(*words, f"plugins.disable=[{plugin}]", fails=True)
    beside.variables["PYTHONPATH"] = ""
    assert f"there is no model '{plugin}'" in beside(*words, fails=True)


@pytest.mark.slow
def test_an_upscaler_in_a_fresh_environment(fresh):
    """Made, installed, trained for a step, used, left out, taken away."""
    generate(fresh.folder / "mindvideo-larger", **answers("upscaler"))
    fresh("-m", "pip", "install", "./mindvideo-larger")
    fresh("-m", "pytest", "-q", "--pyargs", "core.testing", "--plugin", "larger")
    demo = ["-m", "core", "experiment=larger_demo", "model.channels=4"]
    short = ["training.steps=1", "training.validate_every=1", "dataset.limit=1"]
    fresh(*demo, *short, "output=runs/larger")
    clip = "import core.data, shutil; shutil.copy(core.data.__path__[0] + '/embedded/box_handheld.mp4', 'small.mp4')"
    fresh("-c", clip)
    files = ["task.input=small.mp4", "task.output=large.mp4"]
    trained = "task.checkpoint=runs/larger/checkpoints/best.safetensors"
    fresh(*demo, "task=upscale", trained, *files)
    size = (
        "from core.media.reader import open_video; i = open_video('large.mp4').info; print(i.width, i.height)"
    )
    assert "640 480" in fresh("-c", size)
    fresh("-m", "core", "task=doctor", "plugins.disable=[larger]")
    fresh("-m", "pip", "uninstall", "--yes", "mindvideo-larger")
    assert "there is no experiment 'larger_demo'" in fresh(
        "-m", "core", "--cfg", "job", *demo[2:], fails=True
    )

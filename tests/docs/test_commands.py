"""Every command of the documentation is sound, and is run by a test or says what it needs that tests lack."""

import ast
import json
import os
import re
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import copier
import pytest
import yaml

from .commands import ROOT, commands, files, pages
from .test_tutorials import TUTORIALS

EXAMPLES = {"edge_loss": "mindvideo-edge-loss", "hierarchy": "mindvideo-hierarchy"}
MADE = {"grain": "codec", "larger": "upscaler"}
"""Plugins that the template makes: the one of the tutorial, and one of the other kind."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Plugins made from the template, by name."""
    folder = tmp_path_factory.mktemp("made")
    for name, kind in MADE.items():
        answers = {"distribution": f"mindvideo-{name}", "kind": kind}
        copier.run_copy(str(ROOT / "template"), str(folder / name), data=answers, defaults=True, quiet=True)
    return folder


@pytest.fixture(scope="module")
def typed(made):
    """All commands: those of the repository's pages, and of the pages that the template makes."""
    ours = [command for page in pages() for command in commands(page)]
    return [*ours, *(command for name in MADE for command in commands(made / name / "README.md", made))]


@pytest.fixture(scope="module")
def site(made, tmp_path_factory):
    """A folder for PYTHONPATH through which examples and made plugins count as installed."""
    folder = tmp_path_factory.mktemp("site")
    for name, home in {**{n: ROOT / "examples" / d for n, d in EXAMPLES.items()}, **{n: made / n for n in MADE}}.items():
        package = f"mindvideo_{name}"
        (folder / package).symlink_to(home / package)
        record = folder / f"{package}-0.1.0.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mindvideo-{name}\nVersion: 0.1.0\n")
        (record / "entry_points.txt").write_text(f"[mindvideo.plugins]\n{name} = {package}.plugin\n")
    return folder


def test_there_are_commands_on_every_kind_of_page(typed):
    places = {command.page.partition("/")[0] for command in typed}
    assert {"README.md", "CONTRIBUTING.md", "docs", "plugins", "examples", "benchmarks", *MADE} <= places
    assert len(typed) > 200


def test_what_is_typed_behind_the_command_composes(typed, site, tmp_path):
    """Experiments, presets, entries, keys and values are all there."""
    for page in pages():
        for name, text in files(page).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
    lines = {command.own: command for command in typed if command.own is not None}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("compose.py")],
        input=json.dumps(list(lines)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    problems = dict(zip(lines.values(), json.loads(done.stdout), strict=True))
    assert {str(c): told for c, told in problems.items() if told and not c.told} == {}
    assert [str(c) for c, told in problems.items() if c.told and not told] == []


def test_programs_have_what_is_asked_of_them(typed):
    """Targets, scripts, options, files and extras of the repository are all there."""
    assert {str(command): told for command in typed if (told := complaint(list(command.words)))} == {}


def complaint(words):
    """What is wrong with a command, but for what stands behind ``python -m core``."""
    program, *rest = words
    if program == "./run":
        return _run(rest)
    if program == "msrun":
        return None if "python" in rest else "msrun starts no python"
    if program == "python":
        return _python(rest)
    return CHECKS[program](rest) if program in CHECKS else None


def _run(words):
    while words[:1] == ["--extra"]:
        if words[1] not in extras():
            return f"there is no extra {words[1]}"
        words = words[2:]
    return complaint(words) if words and words[0] not in ("COMMAND", "CMD") else None


def _python(words):
    if words[0] == "-m":
        return complaint(words[1:]) if words[1] in CHECKS else None
    if words[0] == "-c":
        return None
    if not (ROOT / words[0]).is_file():
        return f"there is no script {words[0]}"
    known = options_of(ROOT / words[0], set())
    return next((f"it has no option {word}" for word in options(words[1:]) if word not in known), None)


def options(words):
    return [word.strip("[]").partition("=")[0] for word in words if word.strip("[]").startswith("-")]


def options_of(script, seen):
    """Options that a script, or a module beside it that it imports, adds to a parser."""
    seen.add(script)
    tree = ast.walk(ast.parse(script.read_text("utf-8")))
    found = {"-h", "--help"}
    for node in tree:
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for beside in (script.with_name(f"{name}.py") for name in names):
            if beside.is_file() and beside not in seen:
                found |= options_of(beside, seen)
    return found


def _make(words):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return next((f"there is no target {word}" for word in words if "=" not in word and word not in targets), None)


def _pytest(words):
    known = {"-q", "-m", "--pyargs", "--plugin", "-n", "-x"}
    unknown = [word for word in options(words) if word not in known]
    if unknown:
        return f"does pytest have {unknown}?"
    if "--pyargs" in words and not find_spec(words[words.index("--pyargs") + 1]):
        return "there is no such package"
    paths = [word.partition("::")[0] for word in words if word.startswith(("tests/", "examples/"))]
    return next((f"there is no {path}" for path in paths if not (ROOT / path).exists()), None)


def _pip(words):
    named = re.findall(r"(?:mindvideo|\.)\[(\w+)\]", " ".join(words))
    return next((f"there is no extra {name}" for name in named if name not in extras()), None)


def _copier(words):
    questions = yaml.safe_load((ROOT / "template" / "copier.yml").read_text())
    asked = [answer.partition("=")[0] for flag, answer in zip(words, words[1:], strict=False) if flag == "--data"]
    if "template" not in words:
        return "it copies another template"
    return next((f"the template does not ask for {name}" for name in asked if name not in questions), None)


def _cp(words):
    return None if (ROOT / words[0]).is_file() else f"there is no file {words[0]}"


CHECKS = {"make": _make, "pytest": _pytest, "pip": _pip, "copier": _copier, "cp": _cp}


def extras():
    return metadata.metadata("mindvideo").get_all("Provides-Extra")

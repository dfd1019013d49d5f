"""What is wrong with commands of other programs than mindvideo, as far as the repository and its packages tell."""

import ast
import re
from importlib import metadata
from importlib.util import find_spec
from itertools import pairwise

import yaml

from benchmarks.bench import COMMANDS, parser_of

from .commands import ROOT


def complaint(words):
    """What is wrong with a command, but for what stands behind ``python -m core``."""
    program, *rest = words
    if program == "./run":
        return _run(rest)
    if program == "msrun":
        return None if {"python", "…"} & set(rest) else "msrun starts no python"
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
    if words[0] == "benchmarks/bench.py":
        return _bench(*words[1:])
    known = options_of(ROOT / words[0], set())
    return next((f"it has no option {word}" for word in options(words[1:]) if word not in known), None)


def _bench(name="all", *words):
    if name not in COMMANDS:
        return f"there is no measurement {name}"
    known = parser_of(name).format_help()
    return next(
        (f"bench.py {name} has no option {word}" for word in options(words) if word not in known), None
    )


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
    return next(
        (f"there is no target {word}" for word in words if "=" not in word and word not in targets), None
    )


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
    asked = [answer.partition("=")[0] for flag, answer in pairwise(words) if flag == "--data"]
    if "template" not in words:
        return "it copies another template"
    return next((f"the template does not ask for {name}" for name in asked if name not in questions), None)


def _cp(words):
    return None if (ROOT / words[0]).is_file() else f"there is no file {words[0]}"


CHECKS = {"make": _make, "pytest": _pytest, "pip": _pip, "copier": _copier, "cp": _cp}


def extras():
    return metadata.metadata("mindvideo").get_all("Provides-Extra")

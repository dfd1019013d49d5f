"""The table of recipes for several cards says what the experiments say, and its words compose."""

import re

import core

from .commands import ROOT

PAGE = ROOT / "docs" / "how-to" / "several-processes.md"
CARDS = 8
ROW = re.compile(r"^\| (`\w+`[`\w, ]*): ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def rows():
    """Experiments, their recipe, words for several cards, and the recipe with them."""
    before = []
    for experiments, recipe, words, whole in ROW.findall(PAGE.read_text("utf-8")):
        given = " ".join(re.findall(r"`([^`]+)`", words)).split()
        before = [*before, *given] if words.startswith("those") else given
        yield re.findall(r"\w+", experiments), recipe, before, whole


def recipe(name, *words):
    settings = core.open_run([f"experiment={name}", "dataset.root=/data", *words]).settings
    length = settings.training.steps or settings.training.epochs
    unit = "steps" if settings.training.steps else "epochs"
    return [settings.loader.batch_size, settings.optimizer.lr, f"{length} {unit}"]


def numbers(text):
    batch, rate, length = text.split(", ")
    return [int(batch), float(rate), length]


def test_recipes_are_those_of_the_experiments():
    for experiments, stated, words, whole in rows():
        for name in experiments:
            assert recipe(name) == numbers(stated), name
            batch, *others = recipe(name, *words)
            assert [CARDS * batch, *others] == numbers(whole), name


def test_the_table_has_every_experiment_for_a_card():
    presets = {path.stem for path in ROOT.glob("plugins/*/conf/experiment/*_vimeo*.yaml")}
    named = {name for experiments, *_ in rows() for name in experiments}
    assert named >= {name for name in presets if not name.endswith("_sweep")} and len(presets) > 8

"""The table of recipes for several cards says what the experiments say, and its words compose."""

import re

from omegaconf import OmegaConf

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


def preset(name):
    """An experiment's YAML over that of the one that it begins with."""
    [path] = ROOT.glob(f"plugins/*/conf/experiment/{name}.yaml")
    own = OmegaConf.load(path)
    base = next((entry for entry in own.defaults if isinstance(entry, str) and entry != "_self_"), None)
    return OmegaConf.merge(preset(base), own) if base else own


def recipe(settings):
    training = settings.training
    length = f"{training.steps} steps" if training.get("steps") else f"{training.epochs} epochs"
    return [settings.loader.batch_size, settings.optimizer.lr, length]


def numbers(text):
    batch, rate, length = text.split(", ")
    return [int(batch), float(rate), length]


def test_recipes_are_those_of_the_experiments():
    for experiments, stated, words, whole in rows():
        assert [recipe(preset(name)) for name in experiments] == [numbers(stated)] * len(experiments)
        batch, *others = recipe(OmegaConf.merge(preset(experiments[0]), OmegaConf.from_dotlist(words)))
        assert [CARDS * batch, *others] == numbers(whole), experiments


def test_words_compose():
    for (experiment, *_), _, words, _ in rows():
        if len(words) > 1:
            assert core.open_run([f"experiment={experiment}", "dataset.root=/data", *words])


def test_the_table_has_every_experiment_for_a_card():
    presets = {path.stem for path in ROOT.glob("plugins/*/conf/experiment/*_vimeo*.yaml")}
    named = {name for experiments, *_ in rows() for name in experiments}
    assert named >= {name for name in presets if not name.endswith("_sweep")} and len(presets) > 8

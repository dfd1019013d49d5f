"""A verb and words without keys are a short form of the words of Hydra."""

import io
import re

import pytest
from rich.console import Console

import core
from core import help, verbs
from core.app import plugins
from core.errors import ConfigError

from .test_words import NAMES, value

TASK = '''
    from dataclasses import dataclass
    from core.hooks import FilePath, Plugin, TaskEntry

    @dataclass
    class Config:
        """Count what is there.

        More of it.
        """

        source: FilePath = "???"
        """What to count."""
        {option}: int = 3
        """How far."""

    def count(config, run):
        return float(config.far)

    plugin = Plugin(TaskEntry("count_up", Config, count, positional={positional!r}, verb={verb!r}))
'''


def counting(site, positional=("task.source", "task.far"), verb="count", option="far"):
    source = TASK.format(positional=positional, verb=verb, option=option)
    site.install("counter", source, named="plugin")
    return plugins(())


@pytest.mark.parametrize(
    ("typed", "spelled"),
    [
        ("encode in.mp4 out.mdv seed=3", ["task=encode", "task.input='in.mp4'", "task.output='out.mdv'", "seed=3"]),
        ("decode seed=1 in.mdv", ["task=decode", "task.input='in.mdv'", "seed=1"]),
        ("upscale task.input=a b", ["task=upscale", "task.output='b'", "task.input=a"]),
        ("train dvc_demo ~codec", ["task=train", "experiment=dvc_demo", "~codec"]),
        ("import-weights a.pth", ["task=import_weights", "task.input='a.pth'"]),
        ("sweep_report", ["task=sweep_report"]),
        ("bench bench_clips +contender@task.contenders.x=y", [
            "task=bench", "experiment=bench_clips", "+contender@task.contenders.x=y",
        ]),
        ("verify model/seed=1.mdv", ["task=verify", "task.input='model/seed=1.mdv'"]),
        ("seed=1 task=doctor", ["seed=1", "task=doctor"]),
        ("", []),
    ],
)  # fmt: skip
def test_words_are_spelled_out(typed, spelled, within):
    assert verbs.spell_out(typed.split(), plugins(())) == spelled


@pytest.mark.parametrize("name", NAMES)
def test_a_file_needs_no_quoting(name, within):
    made = verbs.spell_out(["verify", name], plugins(()))
    assert value(made[1]) == name
    words = ["encode", name, f"{name}.mdv", "codec=x264", "experiment=none"]
    assert core.open_run(words).settings.task.output == f"{name}.mdv"


def test_a_file_that_is_called_like_a_setting(within, tmp_path):
    (tmp_path / "work" / "seed=1").touch()
    assert verbs.spell_out(["verify", "seed=1"], plugins(())) == ["task=verify", "task.input='seed=1'"]


def test_flags_stand_anywhere():
    words = "encode --multirun a.mp4 --cfg job -i b.mdv --info config --config-d there c=1 -- --odd -m"
    flags, others = verbs.split_words(words.split())
    assert flags == ["--multirun", "--cfg", "job", "-i", "--info", "config", "--config-d", "there"]
    assert others == ["encode", "a.mp4", "b.mdv", "c=1", "--odd", "-m"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("upscal a", r"'upscal' is neither a verb nor a setting; did you mean 'upscale'\? \(known: bench, "),
        ("verify a b", r"'b' has no place in: mindvideo verify INPUT$"),
        ("doctor sede=1", r"sede=1: there is no setting 'sede'; did you mean 'seed'\?"),
        ("decode a task=encode", r"decode is task=decode: leave task=encode out\."),
    ],
)
def test_what_has_no_place(typed, told, within):
    with pytest.raises(ConfigError, match=told):
        verbs.spell_out(typed.split(), plugins(()))


def test_tasks_of_others_have_verbs(within):
    registry = counting(within)
    assert verbs.spell_out(["count", "x y", "4"], registry) == [
        "task=count_up",
        "task.source='x y'",
        "task.far=4",
    ]
    assert core.open_run(["count", "x y", "4", "experiment=none"]).execute() == 4


def test_help_shows_one_task(within, monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(help, "console", lambda: Console(file=shown, width=200, markup=False))
    registry = counting(within)
    help.print_task(verbs.task_of("count", registry))
    text = shown.getvalue()
    assert text.startswith("mindvideo count SOURCE [FAR] [key=value …]\n\nCount what is there. More of it.\n")
    assert re.search(r"^ *task\.source +must be given +What to count\.", text, re.MULTILINE)
    assert re.search(r"^ *task\.far +3 +How far\.", text, re.MULTILINE)
    assert len(re.findall(r"^ *task\.", text, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"verb": "encode"}, "its task 'count_up' has the verb 'encode' of task 'encode'"),
        (
            {"positional": ("task.where",)},
            "its task 'count_up' names 'task.where', which is none of its options",
        ),
    ],
)
def test_a_plugin_with_an_unsound_verb_is_rejected(given, reason, within):
    (rejection,) = counting(within, **given).rejected
    assert rejection.reason == reason

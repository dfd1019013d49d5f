"""Names of files work as they are typed, whatever Hydra would read into them."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import av
import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

import core
from core.config import paths
from core.errors import ConfigError
from core.registry import load
from core.words import PathOption, as_typed, word

PATHS = {"p": PathOption(), "o": PathOption(optional=True), "l": PathOption(many=True)}
NAMES = [
    "a=b=c.mp4",
    "a,b.mp4",
    "a(1).mp4",
    "[a].mp4",
    "[a]",
    "{a:1}.mp4",
    "it's.mp4",
    "'a.mp4",
    'say "a".mp4',
    "#1.mp4",
    "~x.mp4",
    "$5.mp4",
    "${x}.mp4",
    "${oc.env:HOME}",
    r"\${x}",
    "${",
    " a b.mp4 ",
    "a\tb\nc.mp4",
    "a\\",
    r"a\'b\\",
    "видео.mp4",
    "映像.mp4",
    "null",
    "true",
    "007",
    "1e-3",
    "choice(a,b)",
    "???.mp4",
    "a: b.mp4",
    "-x.mp4",
    "*?.mp4",
    "a@b:c.mp4",
    "caf\udce9.mp4",
]


def value(word):
    """What a word gives an option, as Hydra and OmegaConf read it."""
    override = OverridesParser.create().parse_override(word)
    assert not override.is_sweep_override()
    return OmegaConf.to_container(OmegaConf.create({"x": override.value()}), resolve=True)["x"]


def typed(word, multirun=False):
    return as_typed([word], PATHS, multirun)[0]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_what_was_typed(name, folder):
    assert value(typed(f"p={name}")) == name
    assert value(typed(f"++p={name}")) == name
    (folder / name).touch()
    assert value(typed(f"p={name}", multirun=True)) == name
    assert value(typed(f"l=[{name}]")) == [name]
    assert value(typed(f"l=[x.mp4,{name}, y.mp4]")) == ["x.mp4", name, "y.mp4"]


@given(st.text(st.sampled_from("ab\\'\"${}x,[]()= ~#:\t")) | st.text())
def test_any_text_is_what_was_given(text):
    if "\0" not in text and text != "???":
        assert value(word("x", text)) == text
        assert value(word("x", [text, {"k": text}])) == [text, {"k": text}]


def test_what_is_no_path_is_left_alone(folder):
    for untouched in ("seed=1", "~p", "p", "q=a b", "--flag", "o=null"):
        assert typed(untouched) == untouched
    assert value(typed("o='null'")) == "null"
    assert value(typed("p=null")) == "null"
    assert value(typed("l=[]")) == []
    assert value(typed("l=a b.mp4")) == ["a b.mp4"]


def test_what_is_in_quotes_is_read_by_hydra_unless_a_file_bears_them(folder):
    assert value(typed("p='a b.mp4'")) == "a b.mp4"
    assert value(typed("l=['a,b.mp4',\"c d.mp4\"]")) == ["a,b.mp4", "c d.mp4"]
    assert typed("p='runs/${seed}'") == "p='runs/${seed}'"
    (folder / "'a b.mp4'").touch()
    assert value(typed("p='a b.mp4'")) == "'a b.mp4'"


def test_the_home_folder(folder, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert value(typed("p=~/a b.mp4")) == "/home/me/a b.mp4"
    assert value(typed("l=[~/a.mp4,~b.mp4]")) == ["/home/me/a.mp4", "~b.mp4"]
    (folder / "~").mkdir()
    (folder / "~" / "a.mp4").touch()
    assert value(typed("p=~/a.mp4")) == "~/a.mp4"


def test_commas_of_a_sweep(folder):
    def swept(word):
        override = OverridesParser.create().parse_override(typed(word, multirun=True))
        return [getattr(item, "text", item) for item in override.value().list]

    assert swept("p=a b.mp4,c=d.mp4") == ["a b.mp4", "c=d.mp4"]
    assert swept("p='a,b.mp4',c.mp4") == ["a,b.mp4", "c.mp4"]
    assert swept("p=choice(a,b)") == ["a", "b"]
    assert [[item.text for item in one] for one in swept("l=[a b,c],[d]")] == [["a b", "c"], ["d"]]
    (folder / "x,y.mp4").touch()
    assert swept("p=x,y.mp4,z.mp4") == ["x,y.mp4", "z.mp4"]
    assert value(typed("p=x,y.mp4", multirun=True)) == "x,y.mp4"


def test_every_option_that_speaks_of_a_path_is_declared_as_one(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "docs"))
    speaks = re.compile(r"\b(file|files|folder|path|paths|checkpoint)\b", re.IGNORECASE)
    named = re.compile(r"(^|_)(file|files|folder|path|checkpoint|root|input|output|cache|weights|report)$")
    other = {"task.key", "training.beside", "training.score"}  # names of things that are no files
    declared = paths(load())
    undeclared = {
        option.key
        for option in import_module("options_reference").all_options()
        if option.kind in (str, str | None, list[str])
        and (named.search(option.key.rpartition(".")[2]) or speaks.search(option.meaning))
    } - declared.keys()
    assert undeclared == other


def test_settings_have_paths_as_typed(folder):
    name = "a, b=${c} [1] 'x'.mp4"
    words = ["task=upscale", "experiment=none", "upscaler=floor", "device.mode=pynative"]
    run = core.open_run([*words, f"task.input={name}", f"task.output={name}.mkv"], output=folder / name)
    assert (run.settings.task.input, run.settings.task.output) == (name, f"{name}.mkv")
    assert run.output == folder / name


@pytest.mark.parametrize(
    "empty", ["task.input=", "task.output=''", "output=", "task.checkpoint=", "weights="]
)
def test_an_empty_path_is_one_sentence(empty, folder):
    words = ["task=upscale", "experiment=none", "upscaler=floor", "task.input=a", "task.output=b", empty]
    with pytest.raises(ConfigError, match=rf"^{empty.partition('=')[0]} is empty: give it as"):
        core.open_run(words)


def test_a_value_that_cannot_be_read_is_shown_as_it_must_be_typed():
    with pytest.raises(ConfigError) as error:
        core.open_run(["task=bench", "experiment=none", "task.title=It's (new), and = better"])
    (typed,) = re.findall(r"to have it as it stands, give (.+)$", str(error.value))
    (plain,) = shlex.split(typed)
    assert value(plain) == "It's (new), and = better"


@pytest.mark.parametrize(("chosen", "read"), [("upscale", None), ("sweep_report", None), ("bench", "null")])
def test_null_clears_where_the_chosen_task_allows_it(chosen, read):
    key = {"bench": "task.cache", "sweep_report": "task.folder"}.get(chosen, "task.output")
    words = [f"task={chosen}", f"{key}=null"]
    made = as_typed(words, paths(load(), words))
    assert value(made[1]) == read


def test_a_command_with_such_paths(command):
    """From the words to the files, with Hydra in a folder of its own, and from the words that it kept once more."""
    name = "a=b, (c) [d] {e} ${f} 'g' #~видео"
    source = command.folder / f"{name}.mkv"
    with av.open(str(source), "w") as file:
        stream = file.add_stream("ffv1", rate=5, width=16, height=16, pix_fmt="yuv420p")
        frame = av.VideoFrame(16, 16, "yuv420p")
        for packet in (*stream.encode(frame), *stream.encode()):
            file.mux(packet)
    output = command.folder / f"made {name}.mkv"
    folder = "run, 'of' [it] = {1}"
    words = [f"task.input={source.name}", f"task.output={output.name}", "upscaler=floor", "experiment=none"]
    done = command("task=upscale", *words, f"output={folder}", "hydra.job.chdir=true", "task.temporal=false")
    assert done.returncode == 0, done.stderr
    assert output.is_file()
    kept = yaml.safe_load((command.folder / folder / ".hydra" / "overrides.yaml").read_text())
    run = core.open_run(kept)
    assert run.settings.task.input == source.name
    assert run.settings.task.output == output.name
    assert run.settings.output == folder

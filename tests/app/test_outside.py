"""YAML from outside is data: it runs nothing, tells no secret and takes a bounded time."""

import time

import pytest
from omegaconf import OmegaConf

from core import outside
from core.app import plugins
from core.config import compose_for_show, compose_settings, offer
from core.errors import ConfigError

GLOBAL = "# @package _global_\n"


@pytest.fixture
def stranger(tmp_path):
    """Composes an experiment of a stranger's, of one file or of several."""

    def compose(text, words=(), show=False, **files):
        for name, content in {"experiment/mine.yaml": text, **files}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        registry = plugins(())
        offer(registry)
        with outside.guarded():
            words = [f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine", "task=doctor", *words]
            return (compose_for_show if show else compose_settings)(words, registry)

    return compose


def refused(stranger, text, match, **files):
    with pytest.raises(ConfigError, match=match):
        stranger(GLOBAL + text, **files)


def test_an_ordinary_experiment_composes(stranger):
    text = """
defaults:
  - cycmunet_demo
  - override /hydra/launcher: joblib
hydra:
  launcher: {n_jobs: 2}
  sweep: {dir: "sweeps/${now:%Y}"}
  sweeper: {params: {seed: "1,2"}}
training: {steps: 7}
"""
    assert stranger(GLOBAL + text).training.steps == 7


@pytest.mark.parametrize(
    "section",
    [
        "job: {env_set: {XDG_CACHE_HOME: here}}",
        "job: {env_copy: [SECRET]}",
        "job: {name: ../../x}",
        "callbacks: {x: {_target_: core.files.write_json, path: x, value: 1}}",
        "job_logging: {handlers: {x: {(): subprocess.Popen, args: [id]}}}",
        "job_logging: {handlers: {x: {class: logging.FileHandler, filename: x}}}",
        "hydra_logging: {root: {handlers: []}}",
        "launcher: {_target_: os.system}",
        "launcher: {setup: [touch x]}",
        "launcher: {pre_dispatch: 'print(1)'}",
        'launcher: {partition: "x\\ntouch y"}',
        "launcher: {ray: {init: {address: 'ray://elsewhere:1'}}}",
        "sweeper: {_target_: os.system}",
        "sweeper: {custom_search_space: os.system}",
        "sweeper: {storage: 'sqlite:///x'}",
        "sweeper: {params: {hydra.job.env_set.X: 'choice(1,2)'}}",
        "sweeper: {params: {+experiment@hydra.job.env_set: other}}",
        "output_subdir: ../x",
        "searchpath: [file:///]",
        "job: ${evil}",
    ],
)
def test_what_hydra_acts_on_is_not_set_from_outside(section, stranger):
    refused(
        stranger,
        f"evil: {{env_set: {{A: b}}}}\nhydra:\n  {section}\n",
        r"mine\.yaml is not used: a file from",
    )


@pytest.mark.parametrize("whole", ["hydra: ${evil}\n", "hydra: null\n", "? !!str hydra\n: {callbacks: 1}\n"])
def test_the_whole_section(whole, stranger):
    refused(stranger, f"evil: {{}}\n{whole}", r"may not set hydra\.")


def test_ways_around(stranger):
    """Packages, folders and defaults that lead into the section, merge keys, names of our own."""
    merged = "x: &x {callbacks: {y: {_target_: os.system}}}\nhydra: {<<: *x}\n"
    refused(stranger, merged, "may not set hydra.callbacks")
    for package in ("hydra", "hydra.job", "_global_.hydra.job"):
        with pytest.raises(ConfigError, match="its package is"):
            stranger(f"# @package {package}\nenv_set: {{A: b}}\n")
    other = {"experiment/other.yaml": "env_set: {A: b}\n"}
    for item in ("other@hydra.job", "other@_global_.hydra.job", "/experiment@hydra.job: other"):
        refused(stranger, f"defaults: [{item}]\n", "into the section hydra", **other)
    for place in ("experiment/hydra/job.yaml", "experiment/hydra.yaml", "hydra/launcher/joblib.yaml"):
        inner = {place: "env_set: {A: b}\n"}
        item = {"experiment/hydra/job.yaml": "hydra/job", "experiment/hydra.yaml": "hydra"}.get(
            place, "override /hydra/launcher: joblib"
        )
        refused(
            stranger,
            f"defaults: ['{item}']\n".replace(
                "'override /hydra/launcher: joblib'", "{override /hydra/launcher: joblib}"
            ),
            "called 'hydra'",
            **inner,
        )
    refused(stranger, "defaults: [{override /device: cpu}]\n", "already", **{"device/cpu.yaml": "a: 1\n"})


def test_variables_of_the_environment_stay_where_they_are(stranger, monkeypatch):
    monkeypatch.setenv("SECRET", "abc")
    monkeypatch.setenv("MINDVIDEO_DATA", "/data")
    read = "training: {score: '${oc.env:%s}'}\n"
    assert stranger(GLOBAL + read % "MINDVIDEO_DATA").training.score == "/data"
    refused(stranger, read % "SECRET", r"only variables called MINDVIDEO_… are")
    refused(stranger, read % "SECRET,x", r"only variables called MINDVIDEO_… are")
    refused(stranger, "training: {score: '${oc.decode:x}'}\n", "not used in configurations")
    broken = "training: {score: '${oc.${plugins.disable}env:SECRET}'}\n"
    refused(stranger, broken, r"^experiment=mine: a reference within it.*oc\.\$")


def test_resolvers_are_given_back(monkeypatch):
    monkeypatch.setenv("SECRET", "abc")
    with outside.guarded():
        pass
    assert OmegaConf.create({"x": "${oc.env:SECRET}"}).x == "abc"
    assert OmegaConf.create({"x": "${oc.decode:'[1]'}"}).x == [1]


def test_aliases_are_bounded(stranger):
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    begin = time.process_time()
    refused(stranger, "\n".join(lines), "it stands for more than 100,000 values")
    assert time.process_time() - begin < 20


@pytest.mark.parametrize(
    ("first", "next"),
    [
        ("y", "'${sets.x%d}${sets.x%d}'"),
        ("[y]", "['${sets.x%d}', '${sets.x%d}']"),
        ("y" * 100_000, "'${sets.x%d}${sets.x%d}${sets.x%d}${sets.x%d}'"),
    ],
    ids=["texts", "lists", "long"],
)
def test_references_are_bounded(first, next, stranger):
    lines = [f"x0: {first}", *(f"x{n + 1}: {next.replace('%d', str(n))}" for n in range(40))]
    text = "task:\n  sets:\n" + "".join(f"    {line}\n" for line in lines)
    text = text.replace("${sets", "${task.sets")
    begin = time.process_time()
    with pytest.raises(ConfigError, match="values refer to one another"):
        stranger(GLOBAL + "defaults:\n  - override /task: bench\n" + text, words=["task=bench"])
    assert time.process_time() - begin < 60


def test_what_a_file_sets_must_exist(stranger):
    refused(
        stranger, "training: {stepz: 7}\n", r"^experiment=mine: it sets 'training.stepz', and there is no"
    )
    with pytest.raises(ConfigError, match=r"^trainin.steps=7: there is no setting 'trainin.steps'"):
        stranger(GLOBAL + "training: {steps: 7}\n", words=["trainin.steps=7"])


def test_what_a_file_builds_on_must_exist(stranger):
    refused(
        stranger,
        "defaults: [/experiment/elsewhere]\n",
        r"^experiment=mine: In 'experiment/mine': Could not load 'experiment/elsewhere'\.$",
    )


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a: &a [*a]\n", "contains itself"),
        ("a: " + "[" * 20000, "nested more than 100 times"),
        ("a0: &a0 1\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 200)), "more than 100 times"),
        ("#" * outside.MAX_BYTES + "\n", "more than 256 KiB"),
    ],
)
def test_what_is_too_much(text, match, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=match):
        outside.FileConfigSource("them", str(tmp_path)).load_config("mine")


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system [id]", "!mine x", "!!binary aGk="])
def test_types_of_yaml_are_plain(tag, stranger):
    refused(stranger, f"x: {tag}\n", r"line 2 asks for the type \S+, where plain values are read alone")


def test_what_is_no_yaml(stranger):
    refused(stranger, "a: [\n", "cannot be read")
    with pytest.raises(ConfigError, match="no text in UTF-8"):
        stranger(b"a: \xff\n")


@pytest.mark.parametrize(
    "word",
    ["+hydra.callbacks.x._target_=os.system", "+hydra.callbacks={x:{_target_:os.system}}", "+a._target_=b"],
)
def test_a_word_builds_no_object(word):
    with pytest.raises(ConfigError, match="_target_"):
        outside.check_words([word])
    outside.check_words(["task.input='_target_=x'", "seed=1"])

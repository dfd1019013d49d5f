"""The command's everyday use, and what it says to a user's mistakes."""

import os
import re

import pytest

DOCTOR = ("task=doctor",)


def test_help_shows_what_can_be_chosen(command):
    done = command("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for group in ("task", "device", "model", "dataset", "experiment"):
        assert re.search(rf"^{group}=", done.stdout, re.MULTILINE), group
    assert "cpu" in done.stdout
    assert "\n  threads: 0  # between 0 and 1024\n" in done.stdout


@pytest.mark.parametrize("words", [("--help",), ("upscale", "--help"), (*DOCTOR, "sede=1")])
def test_mindspore_is_not_started_for_words_alone(words, command):
    done = command(*words, program=("-X", "importtime", "-m", "core"))
    imported = re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE)
    assert "core.registry" in imported
    assert not [name for name in imported if name.split(".")[0] in ("mindspore", "matplotlib", "scipy")]


def test_help_behind_a_verb_shows_its_task_alone(command):
    done = command("upscale", "in.mp4", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("mindvideo upscale INPUT [OUTPUT] [key=value …]\n")
    shown = re.findall(r"^ *([a-z_]+\.\w+)  ", done.stdout, re.MULTILINE)
    assert {"task.input", "task.tile"} <= set(shown)
    assert all(key.startswith("task.") for key in shown)


def test_flags_stand_behind_verbs_as_well(command):
    done = command("encode", "a=b, c.mp4", "codec=x264", "--cfg", "job", "experiment=none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  input: a=b, c.mp4\n" in done.stdout
    assert not list(command.folder.iterdir())


def test_cfg_prints_the_configuration_and_runs_nothing(command):
    done = command("--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^model:\n  \w+", done.stdout, re.MULTILINE)
    assert not list(command.folder.iterdir())


@pytest.mark.parametrize("words", [("--config-dir", "mine"), ("hydra.searchpath=[file://{folder}/mine]",)])
def test_a_folder_of_ones_own(words, command):
    """An experiment in a folder that the command names, by either way."""
    path = command.folder / "mine" / "experiment" / "longer.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# @package _global_\ndefaults: [cycmunet_demo]\ntraining: {steps: 2000}\n")
    given = [word.format(folder=command.folder) for word in words]
    done = command(*given, "experiment=longer", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  steps: 2000\n" in done.stdout


def test_run_is_recorded_in_its_folder(command):
    done = command(*DOCTOR, "output=here")
    assert done.returncode == 0, done.stderr
    written = {str(path.relative_to(command.folder)) for path in command.folder.rglob("*") if path.is_file()}
    assert {"here/plugins.json", "here/.hydra/config.yaml", "here/mindvideo.log"} <= written


def fails(command, *words):
    """The sentence of a command that must end with 1, without a traceback, and write nothing."""
    done = command(*words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("Error: ")
    assert not list(command.folder.iterdir())
    return done.stderr


def test_misspelt_key(command):
    message = fails(command, *DOCTOR, "sede=1")
    assert "sede" in message
    assert "did you mean 'seed'" in message


def test_misspelt_key_in_a_section(command):
    message = fails(command, *DOCTOR, "device.tread=1")
    assert "device.tread" in message
    assert "did you mean 'device.threads'" in message


def test_wrong_type(command):
    message = fails(command, *DOCTOR, "seed=many")
    assert "seed" in message
    assert "many" in message


def test_values_out_of_range(command):
    message = fails(command, *DOCTOR, "device.threads=-1", "training.pictures=-1", "loader.workers=0")
    assert "device.threads is -1; it must be between 0 and 1024." in message
    assert "training.pictures is -1; it must be at least 0." in message
    assert "loader.workers is 0; it must be at least 1." in message


def test_unknown_entry(command):
    message = fails(command, "task=docter")
    assert "there is no task 'docter'; did you mean 'doctor'?" in message
    assert "train" in message


def test_unknown_experiment(command):
    message = fails(command, "experiment=cycmunet_dmeo")
    assert "there is no experiment 'cycmunet_dmeo'; did you mean 'cycmunet_demo'?" in message


def test_words_that_are_no_override(command):
    assert "seed" in fails(command, *DOCTOR, "seed")


def test_all_mistakes_come_in_one_message(command):
    message = fails(command, *DOCTOR, "sede=1", "device.threads=many", "loader.batch_size=0", "device=cpuu")
    assert "problems in the configuration" in message
    for part in ("sede", "device.threads", "batch_size", "cpuu"):
        assert part in message


def test_missing_choice_says_what_there_is(command):
    message = fails(command, "task=train", "experiment=none")
    assert "task=train needs model=…" in message
    assert "task=train needs dataset=…" in message
    assert "known: " in message


def test_missing_value(command):
    message = fails(command, "task=upscale", "experiment=cycmunet_demo")
    assert "task.input has no value: give it as task.input=" in message


def test_multirun(command):
    done = command("--multirun", *DOCTOR, "seed=1,2", "hydra.sweep.dir=sweep")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (command.folder / "sweep").glob("[0-9]")) == ["0", "1"]


def test_multirun_side_by_side(command):
    words = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2")
    done = command("doctor", *words, "--multirun")
    assert done.returncode == 0, done.stderr
    assert len(list(command.folder.glob("sweeps/*/[01]/plugins.json"))) == 2


def test_completion_is_installed_by_the_script(command):
    done = command.script("-sc", "install=bash")
    assert done.returncode == 0, done.stderr
    assert "mindvideo" in done.stdout
    assert "complete " in done.stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("mindvideo task=", {"task=doctor", "task=train"}),
        ("mindvideo experiment=", {"experiment=cycmunet_demo"}),
        ("mindvideo task=doctor device.thr", {"device.threads="}),
    ],
)
def test_completion(line, offered, command):
    command.environment.update(COMP_LINE=line, COMP_POINT=str(len(line)))
    done = command.script("-sc", "query=bash")
    assert (done.returncode, done.stderr) == (0, "")
    assert offered <= set(done.stdout.split())


@pytest.mark.parametrize("name", ["core", "plugins"])
@pytest.mark.parametrize("how", ["current folder", "PYTHONPATH"])
def test_a_folder_that_hides_ours_is_named(name, how, command, tmp_path):
    hiding = command.folder if how == "current folder" else tmp_path / "elsewhere"
    (hiding / name).mkdir(parents=True)
    (hiding / name / "__init__.py").touch()
    if how == "PYTHONPATH":
        command.path.append(hiding)
    done = command(*DOCTOR, "--cfg", "job", program=("-m", "mindvideo"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"{hiding / name} hides mindvideo's own package '{name}'" in done.stderr
    assert f"take {hiding} off PYTHONPATH" in done.stderr


def test_a_namespace_folder_plugins_hides_nothing(command):
    (command.folder / "plugins" / "mine").mkdir(parents=True)
    (command.folder / "plugins" / "mine" / "__init__.py").touch()
    done = command(*DOCTOR, "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")


def test_script_ignores_the_current_folder(command):
    for name in ("core", "plugins"):
        (command.folder / name).mkdir()
        (command.folder / name / "__init__.py").touch()
    done = command.script(*DOCTOR, "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_output_is_one_sentence(command):
    command.folder.chmod(0o500)
    done = command(*DOCTOR)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr

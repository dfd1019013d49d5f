"""Third-party plugins: sound ones take part, each kind of unsound one is rejected alone, in one line."""

import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "mindvideo-edge-loss"

GOOD = """
    from dataclasses import dataclass

    from core.hooks import LossEntry, hookimpl

    HOOK_API = 1

    @dataclass
    class Options:
        weight: float = 0.5

    def build(config):
        raise NotImplementedError

    LOSS = LossEntry("good_loss", Options, build)

    @hookimpl
    def losses():
        return [LOSS]

    @hookimpl
    def config_package():
        return "good_plugin.conf"
"""

PRESET = {"conf/loss/good_preset.yaml": "defaults: [good_loss]\nweight: 0.75\n"}


def loss_plugin(name, config_package=None):
    """Source of a plugin that offers ``loss=<name>``."""
    source = GOOD.replace("good_loss", name)
    return source.replace("good_plugin.conf", config_package or "bad_plugin.conf")


UNSOUND = {
    "fails to import": ("import missing_module", {}, "cannot be imported: .*missing_module"),
    "raises while imported": ("1 / 0", {}, "cannot be imported: ZeroDivisionError"),
    "exits while imported": ("import sys; sys.exit(3)", {}, r"exits while being imported \(sys.exit\(3\)\)"),
    "states no hook API": (GOOD.replace("HOOK_API = 1", ""), {}, "states no HOOK_API"),
    "other hook API": (GOOD.replace("HOOK_API = 1", "HOOK_API = 99"), {}, "hook API 99"),
    "unknown hook": (GOOD.replace("def losses", "def lossse"), {}, "unknown hook 'lossse'.*'losses'"),
    "unknown argument": (
        GOOD.replace("def losses()", "def callbacks(rum)"),
        {},
        "'callbacks' has an unknown argument 'rum'.*'run'",
    ),
    "a component of core's": (
        loss_plugin("cpu").replace("LossEntry", "DeviceEntry").replace("def losses", "def devices"),
        {},
        "device 'cpu', which plugin 'core' offers",
    ),
    "a component of another plugin": (
        loss_plugin("good_loss"),
        {},
        "loss 'good_loss', which plugin '.*' offers",
    ),
    "a hook that fails": (GOOD.replace("return [LOSS]", "return 1 / 0"), {}, "'losses' fails: ZeroDivision"),
    "not an entry": (GOOD.replace("return [LOSS]", "return ['x']"), {}, "returns 'x', not a LossEntry"),
    "not a dataclass": (GOOD.replace("@dataclass", ""), {}, "not a dataclass"),
    "an option that cannot be": (
        GOOD.replace("weight: float = 0.5", "weight: complex = 1j"),
        {},
        "are unusable",
    ),
    "no such config package": (loss_plugin("bad_loss", "nowhere.conf"), {}, "'nowhere.conf' cannot be read"),
    "a YAML file of core's": (
        loss_plugin("bad_loss"),
        {"conf/config.yaml": "{}\n"},
        "config.yaml has the name of one that plugin 'core' brings",
    ),
    "a YAML file of another plugin": (
        loss_plugin("bad_loss"),
        {"conf/loss/good_preset.yaml": "defaults: [bad_loss]\n"},
        "good_preset.yaml has the name of one that plugin 'a_good' brings",
    ),
}


def rejections(output):
    return re.findall(r"^Plugin '(\w+)' \((\S+)\) is rejected: (.*)$", output, re.MULTILINE)


def test_sound_plugin_takes_part(command, site):
    site.install("good", GOOD, yaml=PRESET)
    done = command("task=doctor", "loss=good_preset", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "weight: 0.75" in done.stdout
    assert not rejections(done.stderr)


def test_doctor_lists_active_and_rejected_plugins(command, site):
    site.install("good", GOOD, yaml=PRESET)
    site.install("bad", "import missing_module")
    done = command("task=doctor")
    assert done.returncode == 0, done.stderr
    assert re.search(r"good \(good 1\.0\).*active: loss=good_loss", done.stdout)
    assert re.search(r"bad \(bad\).*REJECTED: .*missing_module", done.stdout)


@pytest.mark.parametrize("case", UNSOUND)
def test_unsound_plugin_is_rejected_alone(case, command, site):
    source, yaml, reason = UNSOUND[case]
    site.install("a_good", GOOD, distribution="good", yaml=PRESET)
    site.install("bad", source, yaml=yaml)
    done = command("task=doctor", "loss=good_preset", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert "weight: 0.75" in done.stdout
    [(name, distribution, why)] = rejections(done.stderr)
    assert (name, distribution) == ("bad", "bad")
    assert re.search(reason, why)
    assert "Traceback" not in done.stderr


def test_second_plugin_of_a_name_is_rejected(command, site):
    site.install("good", GOOD)
    site.install("good", GOOD.replace("good", "other"), distribution="later")
    done = command("task=doctor", "loss=good_loss", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert rejections(done.stderr) == [
        ("good", "later", "a plugin of this name is already loaded, from good.")
    ]


def test_disabled_plugin_is_not_even_imported(command, site):
    site.install("good", GOOD)
    site.install("bad", "import missing_module")
    done = command("task=doctor", "plugins.disable=[bad]", "--cfg", "job")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "disable:\n  - bad" in done.stdout


def test_unknown_name_to_disable(command):
    done = command("task=doctor", "plugins.disable=[cyclemunet]")
    assert done.returncode == 1
    assert "plugins.disable names 'cyclemunet', which is not installed" in done.stderr
    assert "known: " in done.stderr


def test_environment_variable_chooses_plugins(command, site):
    site.install("good", GOOD)
    site.install("bad", "import missing_module")
    command.environment["MINDVIDEO_PLUGINS"] = "good"
    done = command("task=doctor", "loss=good_loss", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")


def test_command_works_without_any_plugin(command):
    command.environment["MINDVIDEO_PLUGINS"] = ""
    done = command("task=doctor", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")


def test_example_plugin_takes_part(command, site):
    command.path.append(EXAMPLE)
    site.register("mindvideo_edge_loss", "edge_loss", "mindvideo_edge_loss.plugin")
    done = command("experiment=edge_demo", "loss.weight=0.3", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "loss:\n  weight: 0.3" in done.stdout
    assert "edge_error:" in done.stdout

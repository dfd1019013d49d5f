"""Third-party plugins: sound ones take part, each kind of unsound one is rejected alone, in one line."""

import re
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "mindvideo-edge-loss"

SOUND = """
    from dataclasses import dataclass

    from core.hooks import DeviceEntry, LossEntry, hookimpl

    HOOK_API = 2

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

OBJECT = """
    from dataclasses import dataclass

    from core.hooks import LossEntry, Plugin, lazy

    @dataclass
    class Options:
        weight: float = 0.5

    LOSS = LossEntry("bad_loss", Options, lazy("missing_module:build"))
    plugin = Plugin(LOSS)
"""

PRESET = {"conf/loss/good_preset.yaml": "defaults: [good_loss]\nweight: 0.75\n"}


def changed(old, new):
    """The sound plugin with one thing changed, and a loss of its own."""
    assert old in SOUND
    return SOUND.replace(old, new).replace("good_loss", "bad_loss").replace("good_plugin", "{name}_plugin")


UNSOUND = {
    "missing_import": ("import missing_module", "cannot be imported: .*missing_module"),
    "import_fails": ("1 / 0", "cannot be imported: ZeroDivisionError"),
    "import_exits": ("import sys; sys.exit(3)", r"exits while being imported \(sys.exit\(3\)\)"),
    "no_api": (changed("HOOK_API = 2", ""), "states no HOOK_API"),
    "other_api": (changed("HOOK_API = 2", "HOOK_API = 99"), "hook API 99"),
    "of_before": (
        "from core.hooks import InterCodecEntry\nHOOK_API = 1",
        "it was written for hook API 1; this mindvideo has hook API 2",
    ),
    "unknown_hook": (changed("def losses", "def lossse"), "unknown hook 'lossse'.*'losses'"),
    "unknown_argument": (
        changed("def losses()", "def callbacks(rum)"),
        "'callbacks' has an unknown argument 'rum'.*'run'",
    ),
    "entry_of_core": (
        changed("LossEntry(", "DeviceEntry(").replace("bad_loss", "cpu").replace("def losses", "def devices"),
        "device 'cpu', which plugin 'core' offers",
    ),
    "entry_of_other": (
        changed('"good_loss"', '"good" + "_loss"'),
        "loss 'good_loss', which plugin 'a_good' offers",
    ),
    "options_of_other": (
        changed("Options, build)", "__import__('good_' 'plugin').Options, build)"),
        "loss 'bad_loss' are another entry's class",
    ),
    "hook_fails": (changed("[LOSS]", "1 / 0"), "'losses' fails: ZeroDivisionError"),
    "no_entry": (changed("[LOSS]", "['x']"), "returns 'x', not a LossEntry"),
    "no_dataclass": (changed("@dataclass", ""), "not a dataclass"),
    "bad_option": (changed("weight: float = 0.5", "weight: complex = 1j"), "are unusable"),
    "no_conf": (changed("good_plugin.conf", "nowhere.conf"), "'nowhere.conf' cannot be read"),
    "yaml_of_core": (
        changed("0.5", "0.6"),
        "config.yaml has the name of one that plugin 'core' brings",
    ),
    "yaml_of_other": (
        changed("0.5", "0.6"),
        "good_preset.yaml has the name of one that plugin 'a_good' brings",
    ),
}
UNSOUND_OBJECTS = {
    "absent_object": (
        OBJECT,
        "plugn",
        "'absent_object_plugin:plugn', which is not there; did you mean 'plugin'",
    ),
    "other_object": (
        OBJECT,
        "LOSS",
        "'other_object_plugin:LOSS', which is no core.hooks.Plugin but LossEntry",
    ),
    "no_class": (OBJECT, "Options", "'no_class_plugin:Options', which is no core.hooks.Plugin but a class"),
    "object_of_no_entries": (
        OBJECT.replace("Plugin(LOSS)", "Plugin('x')"),
        "plugin",
        "cannot be imported: TypeError: a Plugin is made of entries, and 'x' is none",
    ),
}
UNSOUND |= {name: (source, reason) for name, (source, _, reason) in UNSOUND_OBJECTS.items()}
YAML = {"yaml_of_core": {"conf/config.yaml": "{}\n"}, "yaml_of_other": PRESET}


def rejections(output):
    return re.findall(r"^Plugin '(\w+)' \((\S+)\) is rejected: (.*)$", output, re.MULTILINE)


@pytest.fixture(scope="module")
def among_unsound(make_command, make_site):
    """What the doctor says where one sound plugin is installed beside every kind of unsound one."""
    command = make_command()
    site = make_site(command)
    site.install("a_good", SOUND, distribution="good", yaml=PRESET)
    for name, (source, _) in UNSOUND.items():
        named = UNSOUND_OBJECTS[name][1] if name in UNSOUND_OBJECTS else None
        site.install(name, source.replace("{name}", name), yaml=YAML.get(name), named=named)
    site.install("a_good", SOUND.replace("good", "later"), distribution="later")
    return command("task=doctor", "loss=good_preset", "loss.weight=0.25")


def test_the_rest_runs(among_unsound):
    assert among_unsound.returncode == 0, among_unsound.stderr
    assert "Traceback" not in among_unsound.stderr
    assert re.search(r"a_good \(good 1\.0\).*active: loss=good_loss", among_unsound.stdout)
    assert re.search(r"core \(mindvideo .*active: .*device=cpu", among_unsound.stdout)


@pytest.mark.parametrize("name", UNSOUND)
def test_unsound_plugin_is_rejected_in_one_line(name, among_unsound):
    [reason] = [why for plugin, _, why in rejections(among_unsound.stderr) if plugin == name]
    assert re.search(UNSOUND[name][1], reason)
    assert re.search(rf"{name} \({name}\).*REJECTED: ", among_unsound.stdout)


def test_second_plugin_of_a_name_is_rejected(among_unsound):
    [(_, distribution, why)] = [found for found in rejections(among_unsound.stderr) if found[0] == "a_good"]
    assert (distribution, why) == ("later", "a plugin of this name is already loaded, from good.")


def test_sound_plugin_takes_part(command, site):
    site.install("good", SOUND, yaml=PRESET)
    done = command("task=doctor", "loss=good_preset", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "loss:\n  weight: 0.75" in done.stdout


def test_sound_object_takes_part(command, site):
    site.install("good", OBJECT.replace("bad_loss", "good_loss"), yaml=PRESET, named="plugin")
    done = command("task=doctor", "loss=good_preset", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "loss:\n  weight: 0.75" in done.stdout


def test_disabled_plugin_is_not_even_imported(command, site):
    site.install("bad", "import missing_module")
    done = command("task=doctor", "plugins.disable=[bad]", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "disable:\n  - bad" in done.stdout


def test_built_in_plugin_can_be_disabled(command):
    done = command("task=doctor", "plugins.disable=[cycmunet]", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "model: null" in done.stdout


def test_unknown_name_to_disable(command):
    done = command("task=doctor", "plugins.disable=[cyclemunet]")
    assert done.returncode == 1
    assert (
        "plugins.disable names 'cyclemunet', which is not installed; did you mean 'cycmunet'?" in done.stderr
    )


def test_environment_variable_chooses_plugins(command, site):
    site.install("good", SOUND)
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
    site.register("mindvideo_edge_loss", "edge_loss", "mindvideo_edge_loss.plugin:plugin")
    done = command("experiment=edge_demo", "loss.weight=0.3", "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert "loss:\n  weight: 0.3" in done.stdout
    assert "edge_error:" in done.stdout

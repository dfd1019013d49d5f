"""The torture finds every fault that is planted, and none where there is none; what it reports is what it saw."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from core.errors import ConfigError
from core.testing.limits import seconds
from tests.torture import commands, report
from tests.torture.commands import Command
from tests.torture.kinds import ALL, PLANTED
from tests.torture.process import started, unmounted
from tests.torture.rounds import Rounds
from tests.torture.trial import ROOT, SORTS, Trial, Tried

EXPECTED = {
    "planted-nothing": set(),
    "planted-traceback": {"traceback"},
    "planted-crash": {"crash"},
    "planted-hang": {"hang"},
    "planted-memory": {"memory"},
    "planted-half": {"half"},
    "planted-lost": {"lost"},
    "planted-left": {"left"},
    "planted-sentence": {"sentence"},
    "planted-absent": set(),
}


@pytest.fixture(scope="module")
def rounds(tmp_path_factory):
    """One trial of each planted fault."""
    made = Rounds(1, tmp_path_factory.mktemp("torture"), list(PLANTED))
    made.run(120, workers=2, most=dict.fromkeys(PLANTED, 1))
    return made


@pytest.mark.parametrize("kind", PLANTED)
def test_what_is_planted_is_found_and_nothing_else(rounds, kind):
    assert EXPECTED.keys() == PLANTED.keys()
    assert {found.fault.sort for found in rounds.found if found.kind == kind} == EXPECTED[kind]
    assert not rounds.tallies[kind].broken
    assert rounds.tallies[kind].tries == (kind != "planted-absent")


def test_faults_are_kept_with_their_files_and_the_command(rounds):
    (found,) = [found for found in rounds.found if found.kind == "planted-traceback"]
    assert (found.folder / "input").read_text() == "damaged\n"
    told = (found.folder / "fault.txt").read_text()
    assert "ValueError: not enough values to unpack" in told
    assert "make torture ARGS='--seed 1 --only planted-traceback --trial 0'" in told


def test_a_crash_and_a_hang_say_where(rounds):
    told = {found.kind: found.fault.told for found in rounds.found}
    assert "SIGSEGV" in told["planted-crash"] and "in defect" in told["planted-crash"]
    assert "in defect" in told["planted-hang"]


def test_nothing_goes_on_after_the_trials(rounds):
    assert not list((rounds.folder / "trials").iterdir())
    marks = [log.stem for log in rounds.folder.glob("worker-*/*.log")]
    assert len(marks) >= 4  # two at a time, of which two were ended by a crash and a hang
    assert not [process for mark in marks for process in started(mark)]


class _Slow:
    """Stands for a worker process that takes long to prepare."""

    def prepare(self, kind):
        time.sleep(0.5)

    def attempt(self, trial):
        return Tried()


def test_the_first_preparation_of_a_kind_is_not_of_its_share(tmp_path):
    made = Rounds(1, tmp_path, ["planted-nothing"])
    made._attempt(_Slow(), "planted-nothing", 0)
    assert made.tallies["planted-nothing"].seconds < 0.4
    made._attempt(_Slow(), "planted-nothing", 1)  # a process that crashed is prepared anew at its kind's cost
    assert made.tallies["planted-nothing"].seconds > 0.4
    assert made.tallies["planted-nothing"].tries == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_what_a_trial_left_mounted_is_taken_away(tmp_path):
    place = tmp_path / "trial" / "disk"
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    unmounted(tmp_path / "trial")
    assert not place.is_mount()


def test_a_command_repeats_a_trial(tmp_path):
    words = ["--only", "planted-half", "--trial", "7", "--folder", str(tmp_path / "out")]
    command = [sys.executable, "-m", "tests.torture", *words]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 1, said.stderr
    assert "--only planted-half --trial 7" in said.stdout and "its end is missing" in said.stdout
    kept = json.loads((tmp_path / "out" / "torture.json").read_text())
    assert {fault["sort"] for fault in kept["faults"]} == {"half"}
    assert kept["kinds"]["planted-half"]["tries"] == 1


def test_the_report_goes_into_the_section_of_a_page(rounds, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nwhat was here before\n{report.END}\nafter\n")
    report.write(rounds, 2.0, page)
    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n") and text.endswith(f"{report.END}\nafter\n")
    assert "what was here before" not in text
    assert "| planted-crash | a defect made on purpose | 1 | 0 | 1 |" in text
    assert "not tried here: this needs two moons" in text
    report.write(rounds, 2.0, page)
    assert page.read_text() == text
    page.write_text("no section")
    with pytest.raises(ConfigError, match="no section"):
        report.write(rounds, 2.0, page)


def test_trials_are_of_one_chance():
    trials = [(kind, number, seed) for kind in "ab" for number in (0, 1) for seed in (1, 2)]
    drawn = [Trial(*trial, ROOT).rng.integers(1 << 60) for trial in trials]
    assert len(set(drawn)) == 8
    assert drawn == [Trial(*trial, ROOT).rng.integers(1 << 60) for trial in trials]


def test_every_kind_says_what_it_tries():
    assert len(ALL) > 30
    for name, kind in ALL.items():
        assert kind.name == name and kind.tries and kind.cost > 0


# ---- commands

NOTHING = 1 << 26


@pytest.fixture
def python(tmp_path):
    """Starts a program in place of the command."""
    folder = tmp_path / "work"
    folder.mkdir()
    return lambda text, **options: Command(folder, [text], program=("-c",), **options)


@pytest.mark.parametrize(
    ("program", "sorts"),
    [
        ("pass", []),
        ("import sys; sys.exit('Error: it cannot be.')", []),
        ("1 / 0", ["traceback"]),
        ("import sys; sys.exit(1)", ["sentence"]),
        ("import sys; sys.exit(3)", ["other"]),
        ("import os; os.abort()", ["crash"]),
        ("x = b'1' * (1300 << 20)", ["memory"]),
    ],
)
def test_how_a_command_ends(python, program, sorts):
    assert [fault.sort for fault in commands.faults(python(program).end(60), NOTHING)] == sorts
    assert set(sorts) <= SORTS.keys()


def test_a_command_that_does_not_end_is_ended(python):
    began = time.monotonic()
    ran = python("import time; time.sleep(600)").end(1)
    assert [fault.sort for fault in commands.faults(ran, NOTHING)] == ["hang"]
    assert time.monotonic() - began < seconds(30)


def test_a_killed_command_is_no_fault_where_it_was_killed(python):
    command = python("import time; time.sleep(600)")
    assert not command.over(0.3)
    command.send(signal.SIGKILL)
    ran = command.end(60)
    assert ran.code == -signal.SIGKILL
    assert not list(commands.faults(ran, NOTHING, (0, 1, -signal.SIGKILL)))


def test_files_can_be_kept_from_growing(python):
    ran = python("open('big', 'wb').write(b'1' * 100_000)", largest_file=5000).end(60)
    assert ran.code == 1 and "File too large" in ran.said

"""Sweeps: failures stop nothing, what is done is not done again, and launchers share out the cores."""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from core.errors import DataError
from core.sweeping import Job, jobs, swept_settings, threads_of_a_job
from tests.app.test_training import TINY

TOY = """
    import os
    import time
    from dataclasses import dataclass
    from pathlib import Path

    from core.errors import DataError
    from core.hooks import TaskEntry, hookimpl

    HOOK_API = 2

    @dataclass
    class ToyConfig:
        \"\"\"A score that is best at 3.\"\"\"

        x: float = 0.0
        y: str = "a"
        breaks: bool = True

    def toy(config, run):
        with Path("ran").open("a") as file:
            print(f"{config.x:g}", config.y, run.settings.device.threads, os.getpid(), file=file)
        if config.y == "wait":
            time.sleep(60)
        if config.breaks and config.x < 0:
            raise DataError("x is below 0.")
        if config.breaks and config.x > 9:
            raise RuntimeError("out of memory")
        return float("nan") if config.x == 9 else -((config.x - 3) ** 2)

    ENTRY = TaskEntry("toy", ToyConfig, toy)

    @hookimpl
    def tasks():
        return [ENTRY]
"""
SWEEP = ("--multirun", "experiment=none", "task=toy", "hydra.sweep.dir=sweep")


@pytest.fixture
def toy(command, site):
    site.install("toy", TOY)
    return command


def ran(command):
    """The jobs that ran: value, threads and process of each."""
    return [line.split() for line in (command.folder / "ran").read_text().splitlines()]


def report(command):
    return json.loads((command.folder / "sweep" / "sweep.json").read_text())


def test_failures_do_not_stop_a_sweep(toy):
    done = toy(*SWEEP, "task.x=-1,2,10,9,3")
    assert [line[0] for line in ran(toy)] == ["-1", "2", "10", "9", "3"]
    assert done.returncode == 1
    assert "Error: 3 of the jobs in sweep failed" in done.stderr
    found = report(toy)
    assert found["settings"] == ["task.x"]
    assert found["best"] == 4
    assert [job["score"] for job in found["jobs"]] == [None, -1.0, None, None, 0.0]
    reasons = [job["failure"] for job in found["jobs"]]
    assert reasons[0] == "x is below 0."
    assert reasons[2] == "RuntimeError: out of memory"
    assert "no finite number" in reasons[3]
    table = (toy.folder / "sweep" / "sweep.md").read_text()
    assert "| 4 | 3 | 0.0000 |" in table.replace("-0.0000", "0.0000")
    assert "failed: x is below 0." in table and "failed: x is below 0." in done.stdout
    assert (toy.folder / "sweep" / "sweep.png").stat().st_size > 5000


def test_a_sweep_goes_on_and_reports_what_there_is(toy):
    first = toy(*SWEEP, "task.x=2,3", "task.y=a,b")
    assert first.returncode == 0, first.stderr
    assert report(toy)["settings"] == ["task.x", "task.y"]
    (toy.folder / "sweep" / "1" / "job.json").unlink()  # as if it had not run yet
    record = toy.folder / "sweep" / "2" / "job.json"
    record.write_text(
        json.dumps({**json.loads(record.read_text()), "score": None, "seconds": None})
    )  # killed
    said = toy("experiment=none", "task=sweep_report", "task.folder=sweep")
    assert said.returncode == 0, said.stderr
    assert "not finished" in said.stdout
    assert [job["number"] for job in report(toy)["jobs"]] == [0, 2, 3]
    again = toy(*SWEEP, "task.x=2,3", "task.y=a,b")
    assert again.returncode == 0, again.stderr
    assert [line[:2] for line in ran(toy)[4:]] == [["2", "b"], ["3", "a"]]
    assert [job["state"] for job in report(toy)["jobs"]] == ["done"] * 4


def test_failed_jobs_are_tried_again_and_others_are_refused(toy):
    assert toy(*SWEEP, "task.x=-1,2").returncode == 1
    assert toy(*SWEEP, "task.x=-1,2").returncode == 1
    assert [line[0] for line in ran(toy)] == ["-1", "2", "-1"]
    other = toy(*SWEEP, "task.x=-1,2", "seed=5")
    assert other.returncode == 1
    assert "sweep/0 holds a job of other settings" in other.stderr
    assert len(ran(toy)) == 3


def test_a_report_of_nothing_is_one_sentence(toy):
    said = toy("experiment=none", "task=sweep_report")
    assert said.returncode == 1
    assert said.stderr.strip().endswith("name its folder with task.folder=FOLDER.")
    assert "Traceback" not in said.stderr


def test_jobs_side_by_side_share_the_cores(toy):
    done = toy(*SWEEP, "sweep=joblib", "task.x=1,2,-1")
    assert "Error: 1 of the jobs in sweep failed" in done.stderr
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    assert {int(line[2]) for line in ran(toy)} == {share}
    assert report(toy)["best"] == 1


def test_jobs_end_with_a_sweep_that_is_killed(toy):
    sweep = toy.start(*SWEEP, "sweep=joblib", "task.x=1,2", "task.y=wait")
    try:
        deadline = time.monotonic() + 60
        while not (toy.folder / "ran").exists() or len(ran(toy)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        sweep.kill()
        sweep.wait()
    time.sleep(2)
    assert not any(is_running(line[3]) for line in ran(toy))


def is_running(pid):
    """Whether a process computes; one that ended but was not asked for by its parent does not."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


@pytest.mark.parametrize(
    ("launcher", "threads"),
    [
        ({"_target_": "basic"}, 0),
        ({"n_jobs": 2}, 4),
        ({"n_jobs": 3}, 2),
        ({"n_jobs": 100}, 1),
        ({"n_jobs": -1}, 1),
        ({"ray": {"init": {}, "remote": {}}}, 1),
        ({"ray": {"init": {}, "remote": {"num_cpus": 3}}}, 3),
        ({"cpus_per_task": None}, 0),
        ({"cpus_per_task": 6}, 6),
    ],
)
def test_threads_of_a_job(launcher, threads, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    assert threads_of_a_job(OmegaConf.create(launcher)) == threads


def test_what_was_swept(tmp_path):
    words = [["task=toy", "a.b=1", "c=x"], ["task=toy", "a.b=2", "c=x"], ["task=toy", "+a.b=1", "c=x", "d=5"]]
    made = [Job(number, one, "hash").save(tmp_path / str(number)) for number, one in enumerate(words)]
    assert dict(swept_settings(made)) == {"a.b": ["1", "2", "1"], "d": ["", "", "5"]}
    assert jobs(tmp_path) == made
    (tmp_path / "1" / "job.json").write_text("{}")
    with pytest.raises(DataError, match=r"job\.json is damaged"):
        jobs(tmp_path)


@pytest.mark.slow
def test_optuna_survives_failures_and_goes_on(toy):
    pytest.importorskip("optuna", reason="the extra `sweep` brings it")
    words = (
        *SWEEP,
        "sweep=optuna",
        "hydra.sweeper.params=null",
        "task.x=interval(-8,6)",
        "hydra.sweeper.n_trials=8",
    )
    done = toy(*words)
    trials = [job["score"] for job in report(toy)["jobs"]]
    assert len(trials) == 8 and None in trials and max(filter(None, trials)) > -9
    assert f"Error: {trials.count(None)} of the jobs in sweep failed" in done.stderr
    best = OmegaConf.load(toy.folder / "sweep" / "optimization_results.yaml")
    assert best.best_value == max(filter(None, trials))
    (toy.folder / "sweep" / "7" / "job.json").unlink()
    toy(*words)
    asked = [line[0] for line in ran(toy)]
    failed = [x for x, score in zip(asked[:7], trials, strict=False) if score is None]
    assert asked[8:] == [*failed, asked[7]]
    assert [job["score"] for job in report(toy)["jobs"]] == trials


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("launcher", "package"), [("ray", "ray"), ("submitit_local", "submitit")])
def test_trainings_in_the_workers_of_a_launcher(launcher, package, command):
    """MindSpore inside the workers: two trainings with one thread each, and one that fails."""
    pytest.importorskip(package, reason="the extra `cluster` brings it")
    command.timeout = 600
    words = [word for word in TINY if not word.startswith("training.steps")]
    done = command(
        *("--multirun", f"sweep={launcher}", "hydra.sweep.dir=sweep", *words, "task.evaluate=false"),
        *("training.steps=2,3", "training.validate_every=2", "training.score=psnr_st,nothing"),
    )
    found = report(command)["jobs"]
    assert len(found) == 4, done.stderr
    for job in found:
        if job["number"] % 2:
            assert "training.score=nothing is not measured" in job["failure"]
        else:
            assert job["score"] > 5, done.stderr
            log = (command.folder / "sweep" / str(job["number"]) / "mindvideo.log").read_text()
            assert ", 1 threads, " in log
    assert "Error: 2 of the jobs in sweep failed" in done.stderr

"""Jobs in processes: what fails becomes an outcome, the rest goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from core.bench import work
from core.bench.plan import Job, jobs
from core.bench.work import RayWorkers, Workers
from core.testing.limits import becomes_true, seconds
from core.words import word

WORKER = """
import json, os, signal, sys, time
words = dict(word.split("=", 1) for word in sys.argv[1:])
kind = words["kind"]
if kind == "error":
    print("Some progress", file=sys.stderr)
    sys.exit("Error: the checkpoint is damaged.")
if kind == "crash":
    raise RuntimeError("out of luck")
if kind == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
if kind == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = os.fork()
    if child:
        open(words["pids"], "w").write(f"{os.getpid()} {child}")
elif kind == "slow" and "pids" in words:
    open(words["pids"], "w").write(f"{os.getpid()} 0")
if kind in ("slow", "stubborn"):
    time.sleep(600)
if kind == "mute":
    sys.exit(0)
if kind == "garbage":
    open(words["task.result"].strip("'"), "w").write("{")
    sys.exit(0)
time.sleep(float(words.get("seconds", 0)))
open(words["task.result"].strip("'"), "w").write(sys.stdin.read() or open(words["record"]).read())
"""


@pytest.fixture
def record(tmp_path, outcomes):
    made = outcomes("a", [[(0.1, 30.0)]])[0].record
    path = tmp_path / "record.json"
    path.write_text(json.dumps(made.to_json()))
    return made, path


@pytest.fixture
def workers(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(textwrap.dedent(WORKER))
    command = sys.executable, str(script)
    return lambda kind=Workers, **options: kind(tmp_path / "jobs", command=command, **options)


def job(name, kind, *words, obstacle=""):
    return Job(name, "p", "clips", (f"kind={kind}", *words), obstacle)


@pytest.mark.heavy
def test_what_fails_is_a_sentence_and_the_rest_goes_on(workers, record):
    made, path = record
    good = f"record={path}"
    kinds = ["error", "crash", "killed", "mute", "garbage"]
    planned = [job("first", "good", good), *(job(kind, kind) for kind in kinds), job("last", "good", good)]
    told = []
    outcomes = workers(parallel=2).run(
        planned, lambda job, outcome: told.append((job.contender, outcome is None))
    )
    assert [outcome.contender for outcome in outcomes] == ["first", *kinds, "last"]
    assert outcomes[0].record == outcomes[-1].record == made
    failures = {outcome.contender: outcome.failure for outcome in outcomes[1:-1]}
    assert failures["error"] == "the checkpoint is damaged."
    assert failures["crash"].startswith("it crashed (RuntimeError: out of luck)")
    assert failures["killed"] == "it was ended by signal SIGKILL: most likely memory ran out."
    assert failures["mute"].startswith("it left no result")
    assert failures["garbage"].startswith("it left no result")
    assert sorted(told) == sorted(
        (name, begun) for name in ["first", *kinds, "last"] for begun in (True, False)
    )


@pytest.mark.heavy
def test_a_job_that_takes_too_long(workers):
    started = time.monotonic()
    outcome = workers(timeout=0.5).run([job("slow", "slow")])[0]
    assert outcome.failure == "it took more than 0.5 s." and time.monotonic() - started < seconds(20)


def test_an_obstacle_starts_no_process(workers):
    outcome = workers().run([job("a", "slow", obstacle="there is no checkpoint x.")])[0]
    assert outcome.failure == "there is no checkpoint x." and outcome.seconds < 1


@pytest.mark.heavy
def test_an_old_result_is_not_taken_for_a_new_one(workers, record):
    planned = job("a", "good", f"record={record[1]}")
    assert workers().run([planned])[0].record
    assert workers().run([job("a", "mute")])[0].record is None


@pytest.mark.heavy
def test_jobs_run_at_the_same_time(workers, record):
    running, most = set(), []
    lock = threading.Lock()

    def note(job, outcome):
        with lock:
            running.add(job.contender) if outcome is None else running.discard(job.contender)
            most.append(len(running))

    planned = [job(str(n), "good", "seconds=0.3", f"record={record[1]}") for n in range(4)]
    workers(parallel=2).run(planned, note)
    assert max(most) == 2


def alive(pid):
    """Whether a process still runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ended(*pids):
    """Whether processes end, which takes a moment."""
    return becomes_true(lambda: not any(map(alive, pids)), 20)


def pids_in(file):
    """The numbers in a file, once they are there."""
    assert becomes_true(lambda: file.exists() and len(file.read_text().split()) == 2, 20), "no process began"
    return list(map(int, file.read_text().split()))


@pytest.mark.heavy
def test_what_does_not_heed_the_end_is_ended_with_its_children(workers, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "GRACE", 0.2)
    pids = tmp_path / "pids"
    limit = round(seconds(2))  # in which Python starts
    outcome = workers(timeout=limit).run([job("a", "stubborn", f"pids={pids}")])[0]
    assert outcome.failure == f"it took more than {limit} s."
    assert ended(*pids_in(pids))


@pytest.mark.heavy
def test_jobs_end_with_a_process_that_is_killed(tmp_path):
    script = tmp_path / "worker.py"
    pid = tmp_path / "pid"
    script.write_text(
        f"import os, time; open({str(pid)!r}, 'w').write(f'{{os.getpid()}} 0'); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import pathlib, sys; from core.bench.plan import Job; from core.bench.work import Workers; "
            "Workers(pathlib.Path(sys.argv[1]), command=(sys.executable, sys.argv[2])).run([Job('a', 'p', 's', ())])",
            *(str(tmp_path / "jobs"), str(script)),
        ]
    )
    child = pids_in(pid)[0]
    parent.kill()
    parent.wait()
    assert ended(child)


@pytest.mark.parametrize("code", [-15, 143])
def test_a_signal_is_told_by_its_name(code, tmp_path):
    assert work._failure(code, tmp_path) == "it was ended by signal SIGTERM."


@pytest.mark.heavy
def test_an_interruption_ends_what_runs(workers, record):
    def note(job, outcome):
        if outcome is not None:
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        workers(parallel=2).run([job("slow", "slow"), job("a", "good", f"record={record[1]}")], note)
    assert time.monotonic() - started < seconds(30)


@pytest.mark.slow
def test_jobs_on_a_cluster(workers, record, tmp_path):
    pytest.importorskip("ray")
    ran = workers(kind=RayWorkers, parallel=2, timeout=60)
    kinds = ["error", "killed", "mute"]
    good = [job(f"good{n}", "good", f"record={record[1]}") for n in range(3)]
    outcomes = ran.run([*good, *(job(kind, kind) for kind in kinds)])
    assert [outcome.record for outcome in outcomes[:3]] == [record[0]] * 3
    assert [outcome.failure for outcome in outcomes[3:5]] == [
        "the checkpoint is damaged.",
        "it was ended by signal SIGKILL: most likely memory ran out.",
    ]
    pids = tmp_path / "pids"

    def note(job, outcome):
        if outcome is not None:
            pids_in(pids)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workers(kind=RayWorkers, parallel=2).run([job("slow", "slow", f"pids={pids}"), good[0]], note)
    assert ended(pids_in(pids)[0])


def test_a_machine_without_the_folder(tmp_path):
    told = work._run_there(
        tmp_path / "jobs", tmp_path, None, work.COMMAND, [], tmp_path / "jobs" / "a" / "log.txt"
    )
    assert f"does not see {tmp_path / 'jobs'}: give output=" in told


def test_the_jobs_of_a_plan():
    made = jobs(
        {"a": ["codec=a"], "b": ["codec=b"]},
        {"a": {"x": ["q=1"], "y": ["q=2"]}, "b": {"z": []}},
        {"one": ["dataset=one"], "two": ["dataset=two"]},
        ["task=measure"],
        {"a/y": "no checkpoint.", "two": "no folder."},
    )
    assert [(j.contender, j.point, j.test_set, j.obstacle) for j in made] == [
        ("a", "x", "one", ""),
        ("a", "y", "one", "no checkpoint."),
        ("a", "x", "two", "no folder."),
        ("a", "y", "two", "no checkpoint."),
        ("b", "z", "one", ""),
        ("b", "z", "two", "no folder."),
    ]
    assert made[0].words == ("codec=a", "q=1", "dataset=one", "task=measure")
    assert Job("x 264/ä", "q=1", "s", ()).name == "x_264_ä-q_1-s"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        0.1,
        1e-7,
        "a b",
        "it's",
        "C:\\x",
        "=,[]{}",
        "",
        [1, "a,b"],
        {"a": 1, "b": [None]},
        "null",
        "1",
    ],
)
def test_words_say_what_they_mean_to_hydra(value):
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_override(word("key", value)).value()
    assert OmegaConf.to_container(OmegaConf.create({"key": parsed}))["key"] == value

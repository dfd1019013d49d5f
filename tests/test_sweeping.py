"""Jobs of a sweep: what tells them from others, and that nobody runs one twice at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from core.errors import BusyError, ConfigError
from core.sweeping import Job, digest, run_job


def told(**sections: object) -> str:
    return digest(OmegaConf.create({"seed": 0, "output": "a", "sweep": {"failed": None}, **sections}))


def test_what_files_hold_decides_not_where_they_lie(tmp_path: Path) -> None:
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for path in (first, second):
        path.write_bytes(b"one")
    assert told(weights=str(first)) == told(weights=str(second))
    before = told(weights=str(first))
    first.write_bytes(b"two")
    assert told(weights=str(first)) != before
    assert told(seed=1) != told(seed=0) == told(output="b")


def test_what_a_job_makes_does_not_make_it_another(tmp_path: Path) -> None:
    """Its output is there when the sweep is given again, and a time is another then."""
    output = tmp_path / "out.mdv"
    before = told(task={"output": str(output), "title": "${now:%S}"})
    output.write_bytes(b"made")
    assert told(task={"output": str(output), "title": "${now:%S}"}) == before
    assert told(task={"output": str(output), "title": "other"}) != before


def test_two_sweeps_do_not_run_one_job(tmp_path: Path) -> None:
    job = Job(0, ["a=1"], "settings")

    def work() -> float:
        with pytest.raises(BusyError, match="another sweep is running this job"):
            run_job(tmp_path, job, None, lambda: 2.0)
        return 1.0

    assert run_job(tmp_path, job, None, work) == 1.0
    assert run_job(tmp_path, job, None, lambda: 2.0) == 1.0  # done already
    with pytest.raises(ConfigError, match="other settings"):
        run_job(tmp_path, Job(0, ["a=2"], "others"), None, lambda: 2.0)
    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]

"""The report of a sweep stands in its files whatever its settings are called, and before anything is printed."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from core.report import sweep as report_of_sweep
from core.sweeping import Job
from core.tasks.sweep_report import report

LISTS = ["[/data/a.mp4]", "[psnr,ssim]", "$x^$", "<img src=x onerror=y>", "a|b", "\x1b[2J", "nan", "1e999"]


def swept(folder: Path, values: list[str]) -> Path:
    for number, value in enumerate(values):
        job = Job(
            number, ["dataset=video", f"dataset.files={value}"], "0" * 64, score=float(number), seconds=1.0
        )
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / "job.json").write_text(json.dumps(asdict(job)))
    return folder


def test_any_value_is_shown_and_written(tmp_path, capsys):
    folder = swept(tmp_path / "[bold]", LISTS)
    assert report(folder) == 0
    said = capsys.readouterr().out
    assert "[/data/a.mp4]" in said and "[psnr,ssim]" in said and "\x1b[2J" not in said
    text = (folder / "sweep.md").read_text("utf-8")
    assert r"\[/data/a.mp4\]" in text and "&lt;img" in text and "<img" not in text and r"a\|b" in text
    assert json.loads((folder / "sweep.json").read_text())["best"] == len(LISTS) - 1
    assert (folder / "sweep.png").stat().st_size > 1000


def test_files_are_there_before_anything_is_printed(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no terminal")

    monkeypatch.setattr(report_of_sweep, "print_sweep", fail)
    folder = swept(tmp_path / "sweep", ["1", "2"])
    with pytest.raises(OSError, match="no terminal"):
        report(folder)
    assert {"sweep.md", "sweep.json", "sweep.png"} <= {path.name for path in folder.iterdir()}

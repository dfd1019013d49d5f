"""``task=evaluate``, and ``task=measure``, of which a benchmark is made, say the same of the same clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import core
from core.errors import ConfigError
from core.measure.cache import Cache

CLIPS = ["dataset=clips", "dataset.evaluation_crop=64", "dataset.stills_share=0", "dataset.limit=2"]
CODEC = ["codec=x264", "codec.preset=ultrafast", "codec.crf=30", "codec.gop=2", *CLIPS, "dataset.frames=3"]
UPSCALER = ["upscaler=floor", *CLIPS, "dataset.scale=2"]


def evaluated(folder: Path, *words: str) -> dict[str, Any]:
    core.open_run(["experiment=none", "task=evaluate", *words], output=folder).execute()
    record: dict[str, Any] = json.loads((folder / "evaluation.json").read_text())
    return record


def measured(folder: Path, *words: str) -> dict[str, Any]:
    task = ["task=measure", f"task.cache={folder / 'cache'}", f"task.result={folder / 'result.json'}"]
    core.open_run(["experiment=none", *task, *words], output=folder).execute()
    record: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return record


def test_of_a_codec(tmp_path: Path) -> None:
    """Rate, PSNR and SSIM to the last bit, and the same streams."""
    ours = evaluated(tmp_path / "evaluated", *CODEC, "metric=[ssim]", "task.anchor=null")
    theirs = measured(tmp_path / "measured", *CODEC)
    for one, other in zip(ours["clips"], theirs["clips"], strict=True):
        bpp = 8 * other["counted_bytes"] / (other["frames"] * other["width"] * other["height"])
        values = {"ssim": other["values"]["ssim"]}
        assert one["ours"] == {"bpp": bpp, "psnr": other["values"]["psnr_rgb"], "values": values}
        assert one["bytes"] == other["counted_bytes"] == other["packet_bytes"] < other["file_bytes"]
    assert len(ours["clips"]) == 2
    streams = [tmp_path / "evaluated" / "streams" / f"clip_{number}.mdv" for number in range(2)]
    cache = Cache(tmp_path / "measured" / "cache")
    kept = [cache.stream(clip["key"]) for clip in theirs["clips"]]
    assert [path.read_bytes() for path in streams] == [path.read_bytes() for path in kept]
    assert ours["conditions"]["bpp"].startswith("8 x bytes of the packets /")
    assert theirs["counted"] == "packets"


def test_of_an_upscaler(tmp_path: Path) -> None:
    """SSIM in each task."""
    ours = evaluated(tmp_path / "evaluated", *UPSCALER, "metric=[ssim]")
    theirs = measured(tmp_path / "measured", *UPSCALER)
    rows = {row["task"]: row["ssim"] for row in ours["rows"] if row["method"] == "ours"}
    for task in ("S-VSR", "T-VSR", "ST-VSR"):
        values = [clip["values"][task]["ssim"] for clip in theirs["clips"]]
        assert rows[task] == pytest.approx(sum(values) / len(values), abs=1e-15)
    assert ours["clips"] == len(theirs["clips"]) == 2


def test_another_anchor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    anchor = ["task.anchor=x265", "+task.anchor_options.preset=ultrafast", "dataset.limit=1", "metric=[]"]
    record = evaluated(tmp_path, *CODEC, *anchor)
    assert "x265, no more bytes" in capsys.readouterr().out
    assert record["conditions"]["anchor"]["preset"] == "ultrafast"
    assert record["conditions"]["anchor"]["gop"] == 2
    (clip,) = record["clips"]
    assert clip["anchor"]["bpp"] <= clip["ours"]["bpp"]
    assert record["score"] == record["rows"]["ours"]["psnr"] - record["rows"]["x265, no more bytes"]["psnr"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["task.anchor=x266"], "task.anchor: there is no codec 'x266'"),
        (["task.anchor=dvc"], "task.anchor=dvc cannot be given no more bytes"),
        (["+task.anchor_options.crv=3"], "task.anchor_options: Key 'crv'"),
    ],
)
def test_what_cannot_be_an_anchor(words: list[str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as told:
        evaluated(tmp_path, *CODEC, *words)
    assert sentence in str(told.value)

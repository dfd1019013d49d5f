"""The benchmark's cache knows a result by all that decides it, and by what files hold."""

from __future__ import annotations

from pathlib import Path

import pytest

import core
from core.bench.cache import key_of
from core.config import Runtime
from core.run import Run
from core.tasks import conditions
from core.tasks.conditions import codec_subject, upscaler_subject

WORDS = ["experiment=none", "task=measure", "codec=dvc", "model=dvc"]


class Checkpoint:
    """As far as a subject asks."""

    fingerprint = b"f" * 16
    parameters = 5


@pytest.fixture(autouse=True)
def arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "_checkpoint", lambda run, weights: Checkpoint())
    monkeypatch.setattr(Run, "arithmetic", "builtin kernels")


def key(weights: Path, *words: str) -> str:
    return key_of(codec_subject(core.open_run([*WORDS, *words]), str(weights)).identity)


def test_another_picture_codec_under_the_same_path_is_another_result(tmp_path: Path) -> None:
    weights, intra, moved = (tmp_path / f"{name}.safetensors" for name in ("w", "intra", "moved"))
    for path in (weights, intra, moved):
        path.write_bytes(b"one")
    before = key(weights, "intra=cheng2020", f"intra.checkpoint={intra}")
    assert key(weights, "intra=cheng2020", f"intra.checkpoint={moved}") == before
    intra.write_bytes(b"two")
    assert key(weights, "intra=cheng2020", f"intra.checkpoint={intra}") != before


def test_another_metric_file_under_the_same_path_is_another_result(tmp_path: Path) -> None:
    file = tmp_path / "lpips.pth"
    words = [
        "experiment=none",
        "task=measure",
        "codec=x264",
        "metric=[psnr,lpips]",
        f"metric.lpips.file={file}",
    ]
    found = []
    for content in (b"one", b"two"):
        file.write_bytes(content)
        found.append(codec_subject(core.open_run(words), None).identity)
    assert [name for name in found[0] if found[0][name] != found[1][name]] == ["metric.lpips.file"]
    assert str(tmp_path) not in str(found)


def test_what_computes_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(b"one")
    codec = key(weights)
    assert key(weights, f"runtime={Runtime.onnxruntime.value}") != codec
    run = core.open_run(["experiment=none", "task=measure", "upscaler=cycmunet", "model=cycmunet"])
    upscaler = key_of(upscaler_subject(run, str(weights)).identity)
    monkeypatch.setattr(Run, "arithmetic", "oneDNN kernels")
    assert key(weights) != codec
    assert key_of(upscaler_subject(run, str(weights)).identity) != upscaler

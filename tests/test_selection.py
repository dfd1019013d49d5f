"""What is chosen is told in one place: a result is known by all that decides it, a checkpoint is read once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import core
from core import hooks
from core.errors import ConfigError
from core.measure.cache import key_of
from core.run import Run
from core.selection import CodecSelection, codec_of, selection_of, upscaler_of
from core.tasks import profile
from core.tasks.measure import decides
from core.training import checkpoint as checkpoints
from core.training.checkpoint import MODEL, TABLES, Checkpoint

GOLDEN = Path(__file__).parent / "plugins"
WORDS = ["experiment=none", "task=measure", "codec=dvc", "model=dvc"]


@pytest.fixture
def arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Device and runtime are not started."""
    monkeypatch.setattr(Run, "arithmetic", "builtin kernels")


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., str]:
    """Writes a checkpoint of the model that words choose, of one number."""

    def write(name: str, value: float, *words: str) -> str:
        run, path = core.open_run(words or WORDS), tmp_path / f"{name}.safetensors"
        tensors = {f"{MODEL}number": np.float32([value]), f"{TABLES}none": np.int32([0])}
        Checkpoint(path, tensors, run.model_section, run.model_plugin, {}).save()
        return str(path)

    return write


def key(weights: str, *words: str) -> str:
    chosen = selection_of(core.open_run([*WORDS, *words]), weights)
    assert chosen is not None
    return key_of(decides(chosen))


@pytest.mark.usefixtures("arithmetic")
def test_another_picture_codec_under_the_same_path_is_another_result(weights: Callable[..., str]) -> None:
    cheng2020 = ["experiment=none", "task=measure", "codec=cheng2020", "model=cheng2020"]
    video, intra = weights("w", 1), weights("intra", 1, *cheng2020)
    moved = weights("moved", 1, *cheng2020)
    before = key(video, "intra=cheng2020", f"intra.checkpoint={intra}")
    assert key(video, "intra=cheng2020", f"intra.checkpoint={moved}") == before
    weights("intra", 2, *cheng2020)
    assert key(video, "intra=cheng2020", f"intra.checkpoint={intra}") != before


@pytest.mark.usefixtures("arithmetic")
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
        found.append(decides(codec_of(core.open_run(words))))
    assert [name for name in found[0] if found[0][name] != found[1][name]] == ["metric.lpips.file"]
    assert str(tmp_path) not in str(found)


@pytest.mark.usefixtures("arithmetic")
def test_what_computes_is_part_of_the_key(
    weights: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    video = weights("w", 1)
    codec = key(video)
    assert key(video, "runtime=onnxruntime") != codec
    words = ["experiment=none", "task=measure", "upscaler=cycmunet", "model=cycmunet"]
    file = weights("upscaler", 1, *words)
    upscaler = key_of(decides(upscaler_of(core.open_run(words), file)))
    monkeypatch.setattr(Run, "arithmetic", "oneDNN kernels")
    assert key(video) != codec
    assert key_of(decides(upscaler_of(core.open_run(words), file))) != upscaler


@pytest.mark.heavy
def test_a_checkpoint_is_read_and_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its checksum is checked once, and its fingerprint made once."""
    read, hashed = [], []
    plain_read, plain_digest = checkpoints.read_safetensors, checkpoints._digest
    monkeypatch.setattr(
        checkpoints, "read_safetensors", lambda path: (read.append(path), plain_read(path))[1]
    )
    monkeypatch.setattr(checkpoints, "metadata_of", lambda path: pytest.fail(f"{path} is opened again"))
    monkeypatch.setattr(checkpoints, "_digest", lambda *of: (hashed.append(of), plain_digest(*of))[1])
    golden = GOLDEN / "dvc/golden/dvc.safetensors"
    section = Checkpoint.open(golden).model_section
    read.clear(), hashed.clear()
    options = [f"model.{name}={value}" for name, value in section.items() if name != "model"]
    loaded = core.open_run([*WORDS, *options]).codec(golden)
    assert read == [golden] and len(hashed) == 2
    assert loaded.identity["weights"] == loaded.fingerprint.hex()


@pytest.mark.heavy
def test_a_stream_s_fingerprint_is_that_of_the_record() -> None:
    """That of the picture codec is in both, where it was learned."""
    golden = GOLDEN / "dvc/golden/dvc.safetensors"
    section = Checkpoint.open(golden).model_section
    options = [f"model.{name}={value}" for name, value in section.items() if name != "model"]
    intra = GOLDEN / "ssfvc/golden/ssfvc.safetensors"
    run = core.open_run([*WORDS, *options, "intra=ssfvc", f"intra.checkpoint={intra}"])
    chosen = codec_of(run, golden)
    assert chosen.fingerprint == chosen.load().fingerprint != Checkpoint.open(golden).fingerprint


@pytest.mark.heavy
def test_a_profile_codes_by_the_checkpoint_s_own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables that are made anew would be another machine's."""
    golden = GOLDEN / "dvc/golden/dvc.safetensors"
    section = Checkpoint.open(golden).model_section
    options = [f"model.{name}={value}" for name, value in section.items() if name != "model"]
    monkeypatch.setattr(CodecSelection, "tables_of", lambda *of: pytest.fail("they are made anew"))
    network, _, title = profile._work(profile.ProfileConfig(str(golden)), core.open_run([*WORDS, *options]))
    assert title.startswith("codec=dvc: ") and network.training is False


def test_what_must_be_given_is_told_before_anything_is_built(weights: Callable[..., str]) -> None:
    run = core.open_run([*WORDS, "intra=cheng2020", "intra.checkpoint=lost.safetensors"])
    assert codec_of(run).missing().startswith("no trained codec is given: train one")
    assert codec_of(run, "no.safetensors").missing().startswith("there is no checkpoint no.safetensors")
    assert codec_of(run, weights("w", 1)).missing().startswith("there is no checkpoint lost.safetensors")
    assert codec_of(core.open_run(["experiment=none", "task=measure", "codec=x264"])).missing() == ""
    with pytest.raises(ConfigError, match="no trained codec is given"):
        codec_of(run).load()


def test_nothing_chosen() -> None:
    assert selection_of(core.open_run(["experiment=none", "task=doctor"])) is None


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        ({"netwrok"}, "it must be a set of network, intra, codec, upscaler"),
        (["network"], "it must be a set of"),
        ({"codec"}, "the options of 'tried' lack inner, inner_checkpoint, inner_options"),
    ],
)
def test_needs_are_checked_where_they_are_stated(needs: object, sentence: str) -> None:
    with pytest.raises(TypeError, match=sentence):
        hooks.CodecEntry("tried", hooks.CodecConfig, lambda *_: None, needs=needs)  # type: ignore[arg-type]


def test_a_codec_states_where_it_stands() -> None:
    with pytest.raises(TypeError, match="must state its coding and its supervision"):
        hooks.CodecEntry("tried", hooks.CodecConfig, lambda *_: None)  # type: ignore[arg-type, return-value]

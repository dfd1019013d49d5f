"""Checkpoints: what is written comes back, and whatever is wrong with a file is one sentence."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from mindspore import nn
from safetensors.numpy import save_file

from core.errors import CheckpointError
from core.training.checkpoint import MODEL, Checkpoint, assign, load_weights, tensors_of

SECTION = {"model": "dense", "features": 3}


def written(path: Path) -> Checkpoint:
    tensors = {
        MODEL + "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        MODEL + "bias": np.ones(2, np.float32),
    }
    checkpoint = Checkpoint(path, tensors, SECTION, {"name": "test"}, {"step": 7})
    checkpoint.save()
    return checkpoint


def test_round_trip(tmp_path: Path) -> None:
    saved = written(tmp_path / "a.safetensors")
    opened = Checkpoint.open(saved.path)
    assert opened.model_section == SECTION
    assert opened.training == {"step": 7}
    for name, value in saved.tensors.items():
        np.testing.assert_array_equal(opened.tensors[name], value)
        assert opened.tensors[name].shape == value.shape


def test_no_temporary_file_is_left(tmp_path: Path) -> None:
    written(tmp_path / "a.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_weights_reach_the_network(tmp_path: Path) -> None:
    saved = written(tmp_path / "a.safetensors")
    network = nn.Dense(3, 2)
    load_weights(network, saved.path, SECTION)
    np.testing.assert_array_equal(network.weight.asnumpy(), saved.tensors[MODEL + "weight"])


def test_an_option_that_came_later_has_its_default(tmp_path: Path) -> None:
    saved = written(tmp_path / "a.safetensors")
    defaults = {**{name: None for name in SECTION if name != "model"}, "added": "plain"}
    saved.require_model({**SECTION, "added": "plain"}, defaults)
    load_weights(nn.Dense(3, 2), saved.path, {**SECTION, "added": "plain"}, defaults)
    with pytest.raises(
        CheckpointError, match=r"it has model\.added=plain, the settings have model\.added=other"
    ):
        saved.require_model({**SECTION, "added": "other"}, defaults)
    with pytest.raises(CheckpointError, match="another model"):
        saved.require_model({**SECTION, "added": "plain"})


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6, 0.99])
def test_a_flipped_byte_is_noticed(tmp_path: Path, place: float) -> None:
    path = written(tmp_path / "a.safetensors").path
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        Checkpoint.open(path).require_model(SECTION)


@pytest.mark.parametrize("length", [0, 5, 100, -1])
def test_a_cut_file_is_named_damaged(tmp_path: Path, length: int) -> None:
    path = written(tmp_path / "a.safetensors").path
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(CheckpointError, match="is damaged"):
        Checkpoint.open(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        Checkpoint.open(tmp_path / "none.safetensors")


def test_a_foreign_safetensors_file_is_no_checkpoint(tmp_path: Path) -> None:
    save_file({"a": np.zeros(1, np.float32)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="not a checkpoint of mindvideo"):
        Checkpoint.open(tmp_path / "a.safetensors")


def test_another_model_is_refused_showing_both_sides(tmp_path: Path) -> None:
    path = written(tmp_path / "a.safetensors").path
    with pytest.raises(CheckpointError, match=r"has model\.features=3.*settings have model\.features=4"):
        load_weights(nn.Dense(3, 2), path, {"model": "dense", "features": 4})


def test_tensors_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    network = nn.Dense(3, 2)
    before = tensors_of(network, "")
    wrong = {
        "weight": np.zeros((2, 3), np.float32),
        "bias": np.zeros(5, np.float32),
        "more": np.zeros(1, np.float32),
    }
    with pytest.raises(CheckpointError, match="no place for more; has other sizes for bias"):
        assign(network, wrong, tmp_path / "a.npz")
    for name, value in tensors_of(network, "").items():
        np.testing.assert_array_equal(value, before[name])


def test_npz_and_pickles(tmp_path: Path) -> None:
    network = nn.Dense(3, 2)
    np.savez(tmp_path / "a.npz", weight=np.full((2, 3), 4, np.float32), bias=np.zeros(2, np.float32))
    load_weights(network, tmp_path / "a.npz", SECTION)
    assert network.weight.asnumpy().max() == 4
    np.savez(tmp_path / "b.npz", weight=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CheckpointError, match="is damaged"):
        load_weights(network, tmp_path / "b.npz", SECTION)


def test_a_pytorch_file_is_sent_to_import_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="task=import_weights"):
        load_weights(nn.Dense(3, 2), tmp_path / "a.pth", SECTION)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "dense"},
        {"model": ["dense"]},
        {"model": None},
        {"model": {}},
        {"model": {"model": "dense", "features": "${oc.env:HOME}"}},
        {"plugin": {"name": 3}},
        {"training": []},
        {"sha256": "../../x"},
        {"format": []},
        {"format": 2},
        {"more": 1},
    ],
    ids=str,
)
def test_a_description_of_other_types_is_one_sentence(tmp_path: Path, change: dict[str, object]) -> None:
    record = {"format": 1, "model": SECTION, "plugin": {}, "training": {}, "sha256": "0" * 64, **change}
    save_file({"a": np.zeros(1)}, tmp_path / "a.safetensors", metadata={"mindvideo": json.dumps(record)})
    with pytest.raises(CheckpointError, match=r"is damaged: its description|has checkpoint format"):
        Checkpoint.open(tmp_path / "a.safetensors")


def test_a_description_that_is_nested_without_end_is_one_sentence(tmp_path: Path) -> None:
    save_file({"a": np.zeros(1)}, tmp_path / "a.safetensors", metadata={"mindvideo": "[" * 200_000})
    with pytest.raises(CheckpointError, match="is damaged: its description"):
        Checkpoint.open(tmp_path / "a.safetensors")


@dataclass
class Options:
    """Of a model."""

    features: int = 1


def test_options_that_are_not_taken_are_named(tmp_path: Path) -> None:
    saved = written(tmp_path / "a.safetensors")
    assert saved.options("dense", Options) == Options(3)
    changed = replace(saved, model_section={**SECTION, "width": 3})
    with pytest.raises(CheckpointError, match=r"made for model=dense with options .* \(Key 'width' not in"):
        changed.options("dense", Options)
    with pytest.raises(CheckpointError, match="a checkpoint of model=other is needed"):
        changed.options("other", Options)

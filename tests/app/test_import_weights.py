"""Published weights become a checkpoint that the other tasks read; every key is accounted for."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from core.testing.recipes import named_tensor
from core.training.checkpoint import MODEL, Checkpoint
from plugins.cycmunet.config import CycMuNetConfig, Format
from plugins.cycmunet.interface import VideoCycMuNet
from plugins.cycmunet.weights import published

SMALL = {"features": 4, "groups": 1, "levels": 2, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}
WORDS = ["task=import_weights", "experiment=none", "model=cycmunet", "model.format=rgb"]
WORDS += [f"model.{name}={value}" for name, value in SMALL.items()]


@pytest.fixture(scope="module")
def state():
    """A published state dict of a small network: names of the published code, layouts of PyTorch."""
    config = CycMuNetConfig(format=Format.rgb, **SMALL)
    shapes = {name: p.shape for name, p in VideoCycMuNet(config).parameters_and_names()}
    return {t.name: named_tensor(t.name, shapes[ours], 1.0) for ours, t in published(config).tensors.items()}


@pytest.mark.parametrize("suffix", ["npz", "safetensors", "pth"])
def test_a_published_file_becomes_a_checkpoint(command, state, suffix):
    path = command.folder / f"published.{suffix}"
    extra = {"fr.recon_trunk.0.conv1.__weight_mma_mask": np.zeros((2, 2), np.float32)}
    save(path, {**state, **extra})
    said = command(*WORDS, f"task.input={path}", "task.output=ours.safetensors")
    assert said.returncode == 0, said.stderr
    assert counts(said.stdout) == {"used": len(state), "missing": 0, "left over": 0, "ignored": 1}
    ours = Checkpoint.open(command.folder / "ours.safetensors").part(MODEL)
    np.testing.assert_array_equal(ours["network.head.conv.weight"], state["head.conv_first.weight"])
    rows = state["ff.modules12.0.dcnpack.conv_offset.weight"]
    swapped = ours["network.interpolation.from_first.levels.0.sampling.offsets.weight"]
    np.testing.assert_array_equal(swapped, np.concatenate((rows[1::2], rows[0::2])))


def test_missing_and_left_over_keys_are_listed_and_nothing_is_written(command, state):
    changed = {**state, "fr.extra.weight": np.zeros(1, np.float32)}
    del changed["mu.conv.bias"]
    save(command.folder / "a.npz", changed)
    said = command(*WORDS, "task.input=a.npz", "task.output=ours.safetensors")
    assert said.returncode == 1
    assert counts(said.stdout) == {"used": len(state) - 1, "missing": 1, "left over": 1, "ignored": 0}
    assert "mu.conv.bias" in said.stdout
    assert "fr.extra.weight" in said.stdout
    assert "Traceback" not in said.stderr
    assert not (command.folder / "ours.safetensors").exists()


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_damaged_file_is_one_sentence(command, content, suffix):
    (command.folder / f"a.{suffix}").write_bytes(content)
    said = command(*WORDS, f"task.input=a.{suffix}")
    assert said.returncode == 1
    assert "is damaged" in said.stderr
    assert "Traceback" not in said.stderr


def save(path, tensors):
    if path.suffix == ".npz":
        np.savez(path, **tensors)
    elif path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch = pytest.importorskip("torch", reason="PyTorch files need the extra 'torch'")
        torch.save({name: torch.from_numpy(value) for name, value in tensors.items()}, path)


def counts(table):
    """Numbers in the printed table by what became of the keys."""
    cells = [[cell.strip() for cell in line.split("│")[1:3]] for line in table.splitlines() if "│" in line]
    return {name.split(" (")[0]: int(number) for name, number in cells if number.isdigit()}

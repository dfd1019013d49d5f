"""Devices: what is absent is said in one sentence; what is set once cannot be set to something else."""

import os
import sys
from pathlib import Path

import pytest

from core import devices
from core.devices import AcceleratorConfig, AscendConfig, CpuConfig
from core.errors import DeviceError


@pytest.mark.parametrize("device", ["ascend", "gpu"])
def test_an_absent_device_is_one_sentence(command, device):
    if devices.available({"ascend": "Ascend", "gpu": "GPU"}[device]):
        pytest.skip(f"this machine has a device of kind {device}")
    said = command(f"device={device}", "task=doctor")
    assert said.returncode == 1
    lines = [line for line in said.stderr.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith(f"Error: device={device} is not here")
    assert "type device=cpu" in lines[0]


def test_values_out_of_range_are_refused():
    with pytest.raises(ValueError, match="threads=-1"):
        CpuConfig(threads=-1)
    with pytest.raises(ValueError, match="device_id=-1"):
        AscendConfig(device_id=-1)
    assert AcceleratorConfig().device_id is None


def test_a_setting_that_a_process_takes_once(monkeypatch):
    monkeypatch.setattr(devices, "_settled", {})
    seen = []
    devices._once("threads", seen.append, 1)
    devices._once("threads", seen.append, 1)
    assert seen == [1]
    with pytest.raises(DeviceError, match=r"device\.threads was 1.*cannot become 2"):
        devices._once("threads", seen.append, 2)


def test_several_processes_need_a_folder(command):
    command.environment |= {"MS_WORKER_NUM": "2", "RANK_ID": "1"}
    said = command("task=doctor")
    assert said.returncode == 1
    assert "give output=FOLDER" in said.stderr


@pytest.mark.slow
def test_two_processes_train_one_network(command):
    """Data parallel on two CPU processes: both end with the same weights, the first writes the files."""
    from tests.app.test_training import TINY

    command.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    said = command(
        *("--worker_num=2", "--local_worker_num=2", "--master_port=8719", "--join=True", "--log_dir=ms"),
        *("python", "-m", "core", *TINY, "output=run", "task.evaluate=false"),
        program=("-m", "mindspore.parallel.cluster.run"),
    )
    logs = {n: (command.folder / "ms" / f"worker_{n}.log").read_text() for n in (0, 1)}
    assert said.returncode == 0, logs
    assert "rank 0 of 2" in logs[0]
    assert "rank 1 of 2" in logs[1]
    assert (command.folder / "run" / "checkpoints" / "last.safetensors").is_file()
    assert not (command.folder / "run" / "rank_1" / "checkpoints").exists()

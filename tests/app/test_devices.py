"""Devices: what is absent is said in one sentence; what is set once cannot be set to something else."""

import inspect

import mindspore as ms
import pytest
from mindspore.device_context.ascend import op_precision

from core import cards, devices
from core.devices import AcceleratorConfig, AscendConfig, CpuConfig, Precision
from core.errors import DeviceError
from core.kernels import library
from core.nn import precision as networks


@pytest.mark.parametrize("device", ["ascend", "gpu"])
def test_an_absent_device_is_one_sentence(command, device):
    if device in devices.present():
        pytest.skip(f"this machine has a device of kind {device}")
    said = command(f"device={device}", "task=doctor")
    assert said.returncode == 1
    lines = [line for line in said.stderr.splitlines() if line.strip()]
    assert len(lines) == 1
    assert lines[0].startswith(f"Error: device={device} is not here")
    assert "type device=cpu" in lines[0]


def test_values_out_of_range_are_refused():
    with pytest.raises(ValueError, match="threads is -1; it must be between 0 and 1024"):
        CpuConfig(threads=-1)
    with pytest.raises(ValueError, match="device_id is -1; it must be at least 0"):
        AscendConfig(device_id=-1)
    assert AcceleratorConfig().device_id is None


def test_the_arithmetic_names_the_build_of_the_kernels(kernels):
    """Kernels that were changed may round otherwise: their streams are not those of the same arithmetic."""
    device = devices.CPU.build(CpuConfig(kernels=devices.Kernels.onednn))
    assert library.in_use().name == f"kernels-{library.build()}.so"
    assert f"kernels with {library.instructions()} (build {library.build()})" in device.arithmetic
    assert library.build() not in device.description


def test_a_setting_that_a_process_takes_once(monkeypatch):
    monkeypatch.setattr(devices, "_settled", {})
    seen = []
    devices._once("threads", seen.append, 1)
    devices._once("threads", seen.append, 1)
    assert seen == [1]
    with pytest.raises(DeviceError, match=r"device\.threads was 1.*cannot become 2"):
        devices._once("threads", seen.append, 2)


@pytest.mark.parametrize(
    ("precision", "told"),
    [
        (Precision.float32, None),
        (Precision.mixed_float16, ms.float16),
        (Precision.mixed_bfloat16, ms.bfloat16),
    ],
)
def test_what_a_card_is_told_of_precision(precision, told, monkeypatch):
    """MindSpore is to leave types as they are, by a name that it knows; networks choose what they compute in."""
    known = inspect.getsource(op_precision.precision_mode)
    monkeypatch.setattr(cards, "require", lambda target: None)
    monkeypatch.setattr(cards, "doubt_of_cann", lambda: "")
    said = []
    monkeypatch.setattr(op_precision, "precision_mode", said.append)
    monkeypatch.setattr(op_precision, "conv_allow_hf32", said.append)
    monkeypatch.setattr(devices, "_settled", {})
    card = devices.ActiveDevice("Ascend", devices.Mode.graph, detail=", chip", arithmetic="mindspore ascend")
    monkeypatch.setattr(devices, "_accelerator", lambda target, config: card)
    device = devices.ASCEND.build(AscendConfig(precision=precision))
    assert said == ["must_keep_origin_dtype", False] and f'"{said[0]}"' in known
    assert networks.low() == told
    with networks.full():
        assert networks.low() is None
    assert device.description == f"Ascend (graph mode, chip, {precision.name})"
    assert device.arithmetic == f"mindspore ascend, {precision.name}, deterministic"


def test_cards_that_convolve_in_float16_alone(monkeypatch):
    said = []
    monkeypatch.setattr(op_precision, "precision_mode", said.append)
    monkeypatch.setattr(op_precision, "conv_allow_hf32", lambda allowed: None)
    monkeypatch.setattr(cards, "is_first_generation", lambda: True)
    for precision in (Precision.float32, Precision.mixed_bfloat16):
        with pytest.raises(DeviceError, match=r"float16 alone.*give device\.precision=mixed_float16"):
            devices._set_precision(precision)
    devices._set_precision(Precision.mixed_float16)
    assert said == ["allow_fp32_to_fp16"] and networks.low() == ms.float16


def test_several_processes_need_a_folder(command):
    command.environment |= {"MS_WORKER_NUM": "2", "RANK_ID": "1"}
    said = command("task=doctor")
    assert said.returncode == 1
    assert "give output=FOLDER" in said.stderr

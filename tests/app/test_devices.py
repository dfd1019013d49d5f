"""Devices: what is absent is said in one sentence; what is set once cannot be set to something else."""

import inspect

import mindspore as ms
import pytest
from mindspore.device_context.ascend import op_precision

from core import cards, devices
from core.device_options import AcceleratorConfig, AscendConfig, CpuConfig, Precision
from core.errors import DeviceError


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
    assert device.backend.kernels == kernels
    assert kernels.path.name == f"kernels-{kernels.build}.so"
    assert f"kernels with {kernels.instructions} (build {kernels.build})" in device.arithmetic
    assert kernels.build not in device.description


def test_only_what_is_not_trained_computes_in_bfloat16(kernels):
    """Its pictures are others, so it is another arithmetic."""
    built = {
        precision: devices.CPU.build(CpuConfig(kernels=devices.Kernels.onednn, precision=precision))
        for precision in devices.CpuPrecision
    }
    low, full = built[devices.CpuPrecision.bfloat16], built[devices.CpuPrecision.float32]
    assert (low.inferring_low, low.backend.low) == (ms.bfloat16, None)
    assert full.inferring_low is None
    assert low.arithmetic == full.arithmetic.replace(
        kernels.instructions, f"{kernels.instructions} in bfloat16"
    )
    chosen = low if kernels.multiplies_bfloat16 else full
    assert built[devices.CpuPrecision.auto] == chosen


def test_bfloat16_needs_our_kernels():
    config = CpuConfig(kernels=devices.Kernels.builtin, precision=devices.CpuPrecision.bfloat16)
    with pytest.raises(DeviceError, match=r"device\.precision=bfloat16 needs our kernels"):
        devices.CPU.build(config)


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has had no run yet; MindSpore is not told again what it takes once."""
    monkeypatch.setattr(devices, "_settled", {})
    monkeypatch.setattr(devices, "_dispatch", lambda threads, cores: None)
    monkeypatch.setattr(devices, "_determine", lambda deterministic: None)


@pytest.mark.parametrize(
    ("option", "was", "becomes"),
    [("threads", "1", "2"), ("instructions", "auto", "avx"), ("deterministic", "true", "false")],
)
def test_settings_of_which_a_process_has_one(fresh, option, was, becomes):
    """A second run has its own kernels, and is refused another of these; the first one is as it was."""
    builtin = {"kernels": devices.Kernels.builtin, "threads": 1}
    first = devices.CPU.build(CpuConfig(**builtin))
    assert devices.CPU.build(CpuConfig(**builtin)) == first
    mode = ms.get_context("mode")
    other = {"threads": 2, "instructions": devices.InstructionSet.avx, "deterministic": False}[option]
    said = rf"device\.{option} was {was} earlier in this process and cannot become {becomes}: use a process"
    with pytest.raises(DeviceError, match=said):
        devices.CPU.build(CpuConfig(**builtin | {option: other}, mode=devices.Mode.pynative))
    assert ms.get_context("mode") == mode


def test_another_device_in_one_process(fresh, monkeypatch):
    monkeypatch.setattr(cards, "require", lambda target: None)
    devices.CPU.build(CpuConfig(kernels=devices.Kernels.builtin, threads=1))
    with pytest.raises(DeviceError, match="device was CPU earlier in this process and cannot become GPU 1"):
        devices.GPU.build(devices.GpuConfig(device_id=1))


def test_another_mode_is_said(fresh, caplog):
    """MindSpore takes it at any time, so a sweep may go over it; runs that are open change with it."""
    modes = devices.Mode.pynative, devices.Mode.pynative, devices.Mode.graph
    for mode in modes:
        devices.CPU.build(CpuConfig(kernels=devices.Kernels.builtin, threads=1, mode=mode))
    assert [record.getMessage() for record in caplog.records] == [
        "device.mode=graph is from now on that of all runs in this process, of earlier ones too."
    ]
    assert ms.get_context("mode") == ms.GRAPH_MODE


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
    assert device.backend.low == told
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
    assert said == ["allow_fp32_to_fp16"]


def test_several_processes_need_a_folder(command):
    command.environment |= {"MS_WORKER_NUM": "2", "RANK_ID": "1"}
    said = command("task=doctor")
    assert said.returncode == 1
    assert "give output=FOLDER" in said.stderr

"""Devices: where MindSpore computes. Each entry sets the environment and the context once, before any network.

``ascend`` and ``gpu`` follow MindSpore's documentation (`set_device`, `set_context`, `init` under ``msrun``). Only
``cpu`` could be run where this was written; ``ascend`` went through MindSpore's dry run, as `docs/devices.md` says.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from core import cards, machine
from core.backend import Backend
from core.device_options import (
    AcceleratorConfig,
    AscendConfig,
    CpuConfig,
    CpuPrecision,
    DeviceConfig,
    GpuConfig,
    InstructionSet,
    Kernels,
    Mode,
    Precision,
)
from core.errors import DeviceError
from core.hooks import DeviceEntry
from core.kernels import library
from core.kernels.library import Library

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActiveDevice:
    """The device after its context was set."""

    target: str
    mode: Mode
    rank: int = 0
    world: int = 1
    detail: str = ""
    arithmetic: str = ""
    """See `core.hooks.Device.arithmetic`."""
    fetch_every: int = 1
    """See `AcceleratorConfig.fetch_every`."""
    backend: Backend = field(default_factory=Backend)
    """The backend of networks on it."""
    inferring_low: Any = None
    """`Backend.low` of networks that are not trained, where it is another than that of the backend."""

    @property
    def description(self) -> str:
        """One line for logs and reports."""
        ranks = f", rank {self.rank} of {self.world}" if self.world > 1 else ""
        return f"{self.target} ({self.mode.value} mode{self.detail}{ranks})"


def _cpu(config: CpuConfig) -> ActiveDevice:
    limit = _limit(config.instructions)
    # oneDNN reads the variable at its first primitive, so this must come before any network runs.
    newest = limit or InstructionSet.avx2.value
    _once(
        "device.instructions",
        config.instructions.name,
        partial(os.environ.setdefault, "ONEDNN_MAX_CPU_ISA", newest),
    )
    quiet()
    import mindspore as ms

    _once("device", "CPU", _compute_on_cpu)
    cores = machine.cores()
    threads = config.threads or cores
    _once("device.threads", threads, partial(_dispatch, threads, cores))
    _set_context(config)
    rank, world = _join()
    isa = os.environ["ONEDNN_MAX_CPU_ISA"]
    kernels = _kernels(config.kernels, threads, limit)
    low = _inferring_low(config.precision, kernels)
    computing, build = f"{Kernels.builtin.value} kernels", ""
    if kernels is not None:
        computing = f"{Kernels.onednn.value} kernels with {kernels.instructions}"
        build = f" (build {kernels.build})"
    if low is not None:
        computing += f" in {CpuPrecision.bfloat16.value}"
    detail = f", {threads} threads, instructions {isa}, {computing}"
    arithmetic = (
        f"mindspore {ms.__version__} cpu {isa}, {computing}{build}, {threads} threads, {_processor()}"
    )
    interpreted = _INTERPRETED if config.mode is Mode.auto else 0
    backend = Backend(kernels, interpreted=interpreted)
    return ActiveDevice(
        "CPU", config.lasting_mode, rank, world, detail, arithmetic, backend=backend, inferring_low=low
    )


_INTERPRETED = 8
"""Compiling takes some ten times as long as a call that is computed operator by operator."""


def _compute_on_cpu() -> None:
    import mindspore as ms

    if ms.get_context("device_target") != "CPU":  # refused once a kernel has run, as in a notebook
        ms.set_device("CPU")


def _dispatch(threads: int, cores: int) -> None:
    import mindspore as ms

    if threads < cores:  # told to take as many as there are, MindSpore 2.10 takes twice the time
        ms.runtime.dispatch_threads_num(threads)


_WORTHWHILE = ("AVX512", "AVX2")
"""Instruction sets with which our kernels are faster than MindSpore's own."""


def _limit(instructions: InstructionSet) -> str | None:
    """The newest instruction set allowed for our kernels; None allows all.

    AVX2 in the environment does not count: it is what this module itself sets, in a parent process as well.
    """
    set_outside = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    if set_outside in (InstructionSet.sse41.value, InstructionSet.avx.value):
        return set_outside
    return None if instructions is InstructionSet.auto else instructions.value


def _kernels(chosen: Kernels, threads: int, limit: str | None) -> Library | None:
    """Our kernels, or None for MindSpore's own operators."""
    if chosen is Kernels.builtin:
        return None
    if chosen is Kernels.auto:
        kernels = library.start_if_available(threads, limit)
        return kernels if kernels and kernels.instructions in _WORTHWHILE else None
    try:
        return library.start(threads, limit)
    except library.Unavailable as reason:
        raise DeviceError(
            f"device.kernels=onednn is not possible: {reason}; mend that, or type device.kernels=auto."
        ) from reason


def _inferring_low(precision: CpuPrecision, kernels: Library | None) -> Any:
    """See `ActiveDevice.inferring_low`."""
    import mindspore as ms

    if precision is CpuPrecision.bfloat16 and kernels is None:
        raise DeviceError(
            "device.precision=bfloat16 needs our kernels, which are not in use here: type device.precision=auto."
        )
    if precision is CpuPrecision.auto and kernels is not None and kernels.multiplies_bfloat16:
        precision = CpuPrecision.bfloat16
    return ms.bfloat16 if precision is CpuPrecision.bfloat16 else None


def _processor() -> str:
    """The processor's name; the kernels' blocking, and so their rounding, may depend on it."""
    return f"{platform.machine()} {machine.processor()}".rstrip()


def _ascend(config: AscendConfig) -> ActiveDevice:
    quiet()
    cards.require("Ascend")
    _warn_of_cann()
    device = _accelerator("Ascend", config)
    _once("device.precision", config.precision.name, partial(_set_precision, config.precision))
    if config.deterministic:
        log.info(
            "CANN compiles operators one at a time, as device.deterministic asks for: the first step takes its time."
        )
    computing = config.precision.name
    return replace(
        device,
        detail=f"{device.detail}, {computing}",
        arithmetic=f"{device.arithmetic}, {computing}, {_determinism(config)}",
        backend=replace(device.backend, low=_low(config.precision)),
    )


@functools.cache
def _warn_of_cann() -> None:
    """Once, as `quiet` hides MindSpore's own warning of it."""
    doubt = cards.doubt_of_cann()
    if doubt:
        log.warning("%s Where something fails, look there first.", doubt)


def _set_precision(precision: Precision) -> None:
    """Tell MindSpore: left alone, newer cards convolve in HF32.

    What a network casts to a lower type is its own affair (`core.nn.precision`); CANN is to leave types as they are.
    """
    from mindspore.device_context.ascend import op_precision

    kept = "must_keep_origin_dtype"
    if cards.is_first_generation():
        if precision is not Precision.mixed_float16:
            raise DeviceError(
                f"this card convolves in float16 alone, not in {precision.value}: give device.precision=mixed_float16."
            )
        kept = "allow_fp32_to_fp16"
    op_precision.precision_mode(kept)
    op_precision.conv_allow_hf32(False)


def _low(precision: Precision) -> Any:
    """See `Backend.low`."""
    import mindspore as ms

    return None if precision is Precision.float32 else getattr(ms, precision.value)


def _gpu(config: GpuConfig) -> ActiveDevice:
    quiet()
    cards.require("GPU")
    device = _accelerator("GPU", config)
    return replace(device, arithmetic=f"{device.arithmetic}, float32, {_determinism(config)}")


def _determinism(config: DeviceConfig) -> str:
    return "deterministic" if config.deterministic else "not deterministic"


def _accelerator(target: str, config: AcceleratorConfig) -> ActiveDevice:
    import mindspore as ms

    card = (target,) if config.device_id is None else (target, config.device_id)
    _once("device", " ".join(map(str, card)), partial(ms.set_device, *card))
    _set_context(config)
    rank, world = _join()
    chip = cards.chip(target, config.device_id)
    computing = f"{chip}, {cards.software(target)}"
    return ActiveDevice(
        target,
        config.lasting_mode,
        rank,
        world,
        detail=f", {computing}",
        arithmetic=f"mindspore {ms.__version__} {target.lower()} {computing}",
        fetch_every=config.fetch_every,
        backend=Backend(target=target),
    )


def _set_context(config: DeviceConfig) -> None:
    import mindspore as ms

    deterministic = str(config.deterministic).lower()
    _once("device.deterministic", deterministic, partial(_determine, config.deterministic))
    mode = config.lasting_mode
    if _settled.setdefault("device.mode", mode) is not mode:
        log.warning(
            "device.mode=%s is from now on that of all runs in this process, of earlier ones too.", mode.value
        )
        _settled["device.mode"] = mode
    ms.set_context(mode=ms.GRAPH_MODE if mode is Mode.graph else ms.PYNATIVE_MODE)
    gc.freeze()  # MindSpore collects garbage whenever it compiles: of what is imported by now there is none


def _determine(deterministic: bool) -> None:
    import mindspore as ms

    if deterministic:
        ms.set_deterministic(True)


_settled: dict[str, object] = {}
"""Options that are settings of MindSpore or oneDNN, of which a process, with however many runs, has one value.

All else that a run computes with is its `core.backend.Backend`."""


def _once(name: str, value: object, settle: Callable[[], object]) -> None:
    """Settle an option that cannot change later; raises `DeviceError` where another run has settled it otherwise."""
    if name not in _settled:
        settle()
        _settled[name] = value
    elif _settled[name] != value:
        raise DeviceError(
            f"{name} was {_settled[name]} earlier in this process and cannot become {value}: "
            "use a process of its own (hydra/launcher=joblib in a sweep)."
        )


@functools.cache
def _join() -> tuple[int, int]:
    """Join the other processes where ``msrun`` started several; rank and number of processes."""
    world = int(os.environ.get("RANK_SIZE") or os.environ.get("MS_WORKER_NUM") or 1)
    if world < 2:
        return 0, 1
    import mindspore as ms
    from mindspore import communication

    try:
        communication.init()
    except RuntimeError as error:
        if "hccl" not in str(error):
            raise
        raise DeviceError(
            "CANN's Python package hccl, by which cards talk to each other, is not found: type "
            f"`source …/set_env.sh` in the shell that starts msrun ({str(error).strip().splitlines()[0]})."
        ) from error
    ms.set_auto_parallel_context(parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=True)
    return communication.get_rank(), communication.get_group_size()


def leave() -> None:
    """Part from the other processes when all is done well.

    Where MindSpore 2.10 was left to do so at the interpreter's end, a process crashed there once in a dozen times.
    """
    if _join.cache_info().currsize and _join()[1] > 1:
        from mindspore import communication

        communication.release()


def quiet() -> None:
    """Keep MindSpore's warnings off the screen unless ``GLOG_v`` asks for them; to be called before its import."""
    os.environ.setdefault("GLOG_v", "3")


def present() -> list[str]:
    """Targets that this MindSpore can compute on here, lower case as on the command line."""
    return ["cpu", *(target.lower() for target in ("GPU", "Ascend") if cards.available(target))]


CPU = DeviceEntry("cpu", CpuConfig, _cpu)
ASCEND = DeviceEntry("ascend", AscendConfig, _ascend)
GPU = DeviceEntry("gpu", GpuConfig, _gpu)

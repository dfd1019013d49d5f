"""Options of devices (`core.devices`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.options import Options, option


class Mode(Enum):
    """How MindSpore executes cells."""

    auto = "auto"
    """`graph`, except that on a processor encoding, decoding and upscaling begin as `pynative` and are compiled when
    they have run a few times: the first frame does not wait for it. Results are the same to the last bit."""
    graph = "graph"
    """Compiled as a whole at first use: the fast one."""
    pynative = "pynative"
    """Operator by operator: for debugging."""


class InstructionSet(Enum):
    """The newest processor instructions that may be used."""

    auto = "auto"
    """The fastest set: AVX2 for MindSpore's own operators, which newer sets make a hundred times slower, and for our
    kernels all that the processor has."""
    sse41 = "SSE41"
    avx = "AVX"
    avx2 = "AVX2"


class Kernels(Enum):
    """The kernels of convolutions and warps."""

    builtin = "builtin"
    """MindSpore's own operators."""
    onednn = "onednn"
    """Our own over a copy of MindSpore's oneDNN, 2 to 10 times as fast; built at first use by the system's C++
    compiler."""
    auto = "auto"
    """`onednn` where it can be built, else `builtin` and a line in the log."""


@dataclass
class DeviceConfig(Options):
    """Options of all devices."""

    mode: Mode = Mode.auto
    """How networks are executed."""
    deterministic: bool = True
    """Ask for kernels whose results repeat exactly."""

    @property
    def lasting_mode(self) -> Mode:
        """The mode in which networks are executed in the end."""
        return Mode.graph if self.mode is Mode.auto else self.mode


class CpuPrecision(Enum):
    """Types of convolutions that follow one another, where nothing is trained."""

    auto = "auto"
    """`bfloat16` where the processor multiplies matrices of it (AMX) and our kernels are in use, else `float32`."""
    float32 = "float32"
    """The type that the networks are written in."""
    bfloat16 = "bfloat16"
    """bfloat16 between convolutions; without AMX it is not faster."""


@dataclass
class CpuConfig(DeviceConfig):
    """The processor of this machine."""

    threads: int = option(0, at_least=0, at_most=1024)
    """Threads of a kernel; 0 takes all cores, and in a sweep a job's share of them."""
    instructions: InstructionSet = InstructionSet.auto
    """Newest instruction set; the environment's ``ONEDNN_MAX_CPU_ISA`` comes first where it names SSE41 or AVX."""
    kernels: Kernels = Kernels.auto
    """The kernels of convolutions and warps."""
    precision: CpuPrecision = CpuPrecision.float32
    """Type of chains of convolutions when networks encode, decode or upscale; trainings, weights, priors, flows and
    warps are float32 always, and what chooses tables never changes."""


@dataclass
class AcceleratorConfig(DeviceConfig):
    """An accelerator card."""

    device_id: int | None = option(None, at_least=0)
    """Card to use; by default the first one, or under ``msrun`` the one of this process's local rank."""
    fetch_every: int = option(10, at_least=1)
    """Steps of a training between two times that losses are fetched from the card, which has to finish its work for
    that; a loss that is no number is noticed as late. Before a validation or a checkpoint they are fetched anyway."""


class Precision(Enum):
    """Types of convolutions."""

    float32 = "float32"
    """The type that the networks are written in."""
    mixed_float16 = "float16"
    """float16, with the loss scaled so that small gradients do not become 0."""
    mixed_bfloat16 = "bfloat16"
    """bfloat16, which has float32's range and fewer digits than float16."""


@dataclass
class AscendConfig(AcceleratorConfig):
    """A Huawei Ascend card."""

    precision: Precision = Precision.float32
    """Type of convolutions; weights, the optimizer's state, losses, priors, flows and warps are float32 always."""


@dataclass
class GpuConfig(AcceleratorConfig):
    """An NVIDIA card (needs CUDA 11 and cuDNN 8)."""

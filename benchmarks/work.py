"""What is measured of a network, by what the product offers and by its peer: forward, a training step, encoding,
decoding.

Each is built with a `Case`, in a process of its own, which is where MindSpore is imported.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.compare import Benchmark
from benchmarks.networks import Case
from core.hooks import Array, CodecEntry, Packet, PictureFormat
from core.run import Run
from core.testing.recipes import load_weights

if TYPE_CHECKING:
    from mindspore import Tensor, nn

OURS = "mindvideo"


def benchmarks(case: Case, title: str, what: Iterable[str] = ()) -> Iterator[Benchmark]:
    """Each thing to time of one case; by default all that can be. Raises `MindvideoError` for wrong settings."""
    case.run()  # wrong settings show here, not as a traceback from another process
    for name in what or (case.kind.low_agree if case.low else case.kind.agree):
        implementations = {OURS: partial(WORK[name], case)}
        if case.kind.has_peer:
            implementations[case.kind.peer] = partial(Peer, case, name)
        agreements = case.kind.low_agree if case.low else case.kind.agree
        yield Benchmark(name, title.format(what=name), vars(case), implementations, agreements[name])


class _Ours:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.run = case.run()
        self.framework = use_mindspore(self.run)
        self.frames = case.frames(self.run)


class Forward(_Ours):
    """The network in evaluation, in graph mode."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.network = build_network(case, self.run).set_train(False)
        self.inputs = _tensors(self.frames.forward)

    def __call__(self) -> list[Array]:
        return self.frames.results(_arrays(self.network(*self.inputs)))


class Step(_Ours):
    """The training step that ``task=train`` runs, in graph mode."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.step = self.run.step(build_network(case, self.run), total_steps=1000).set_train()
        for prefix, recipe in case.kind.of_step.items():
            own = {
                p.name.removeprefix(prefix): p
                for p in self.step.get_parameters()
                if p.name.startswith(prefix)
            }
            weights = recipe({name: parameter.shape for name, parameter in own.items()})
            for parameter, tensor in zip(own.values(), _tensors(weights[name] for name in own), strict=True):
                parameter.set_data(tensor)
        self.inputs = _tensors(self.frames.step)

    def __call__(self) -> list[Array]:
        return [self.step(*self.inputs)[0].asnumpy()]


class _Codec(_Ours):
    """The codec of a checkpoint; encoder and decoder have coded the frames that are given."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        with TemporaryDirectory() as folder:
            codec = self.run.codec(checkpoint(case, self.run, Path(folder))).codec
        format = PictureFormat(case.width, case.height)
        self.encoder, self.decoder = codec.encoder(format), codec.decoder(format)
        self.timed = list(enumerate(self.frames.clip))
        for packet in _packets(self.encoder, self.timed[: case.kind.given]):
            self.decoder.decode(packet)

    def encode(self) -> list[Packet]:
        """The packets of the frames after those, which are coded anew each time."""
        return _packets(copy.copy(self.encoder), self.timed[self.case.kind.given :])


class Encode(_Codec):
    """Frames to the bytes of their packets, and to the decoded pictures; returns the number of bytes."""

    def __call__(self) -> list[Array]:
        return [np.float64(sum(len(packet.payload) for packet in self.encode()))]


class Decode(_Codec):
    """The bytes of packets to pictures."""

    @cached_property
    def packets(self) -> list[Packet]:
        """What the encoder made, once."""
        return self.encode()

    def __call__(self) -> list[Array]:
        decoder = copy.copy(self.decoder)
        return [frame.picture / 255 for packet in self.packets for frame in decoder.decode(packet)]


class Peer:
    """The same by the network's peer."""

    def __init__(self, case: Case, what: str) -> None:
        os.environ.pop(
            "ONEDNN_MAX_CPU_ISA", None
        )  # the bound that MindSpore's oneDNN needs would slow PyTorch's
        from benchmarks.peers.work import PEERS

        peer = PEERS[case.network](case)
        self.framework, self._call = peer.framework, getattr(peer, what)

    def __call__(self) -> list[Array]:
        return self._call()


WORK = {"forward": Forward, "step": Step, "encode": Encode, "decode": Decode}


def use_mindspore(run: Run) -> str:
    """Set the device up, which must come before MindSpore is imported; returns version and settings."""
    device = run.device.description
    import mindspore

    return f"MindSpore {mindspore.__version__}, {device}"


def build_network(case: Case, run: Run) -> nn.Cell:
    """The run's network with name-seeded weights, or those that a training starts from."""
    network = run.model()
    if case.kind.published is None:
        return network
    shapes = {name: parameter.shape for name, parameter in network.parameters_and_names()}
    load_weights(network, case.kind.weights(run.settings.model, shapes))
    return network


def checkpoint(case: Case, run: Run, folder: Path) -> Path:
    """A checkpoint of the codec as a training leaves it, tables included."""
    from core.training.checkpoint import MODEL, Checkpoint, tensors_of

    network = build_network(case, run)
    made = Checkpoint(
        folder / "network.safetensors", tensors_of(network, MODEL), run.model_section, run.model_plugin, {}
    )
    made.with_tables(run.entry("codec", CodecEntry).tables(network)).save()
    return made.path


def _packets(encoder: Any, timed: Iterable[tuple[int, Array]]) -> list[Packet]:
    return [coded.packet for time, frame in timed for coded in encoder.encode(frame, time, intra=time == 0)]


def _tensors(arrays: Iterable[Array]) -> list[Tensor]:
    from mindspore import Tensor

    return [Tensor(array) for array in arrays]


def _arrays(outputs: Any) -> Any:
    """Tensors, however nested, as arrays."""
    return tuple(map(_arrays, outputs)) if isinstance(outputs, tuple) else outputs.asnumpy()

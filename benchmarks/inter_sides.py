"""One inter frame on both sides: forward, a training step, encoding, decoding; ours, and a twin in PyTorch.

Both take weights made from the tensors' names and two frames of an embedded clip, rounded to 8 bits. A framework is
imported only when a side that uses it is built, which happens in a process of its own.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sides import clip, our_network, use_mindspore, use_torch

import core
from core.hooks import Array, InterCodecEntry, Packet, PictureFormat
from core.run import Run

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "parity"))

if TYPE_CHECKING:
    from mindspore import nn
    from torch import Tensor

_WORDS = ("experiment=none", "optimizer=adam", "dataset=clips", "device=cpu", "intra=png")
_NAMES = {"dvc": "plugins.dvc.weights", "dcvc": "plugins.dcvc.weights", "dvcp": "recipe_dvcp"}
"""Codec -> the module whose ``published`` maps our names to its twin's."""


@dataclass(frozen=True)
class Case:
    """What both sides compute: one frame of a real clip under the one before, sides multiples of 64."""

    codec: str
    words: Sequence[str]
    height: int
    width: int
    threads: int

    def run(self) -> Run:
        """The settings as a run, from which our side takes its parts."""
        parts = [f"{kind}={self.codec}" for kind in ("model", "loss", "step", "codec")]
        return core.open_run([*parts, *_WORDS, *self.words, f"device.threads={self.threads}"])

    def pictures(self) -> tuple[Array, Array]:
        """The frame and its reference, (3,height,width) in [0,1]."""
        rounded = np.rint(255 * clip(2, self.height, self.width)) / 255
        reference, frame = rounded.astype(np.float32)
        return frame, reference

    def network(self, run: Run) -> nn.Cell:
        """Our network."""
        mapping = import_module(_NAMES[self.codec]).published(run.settings.model)
        return our_network(run, mapping, import_module(f"recipe_{self.codec}").weights)


class OurForward:
    """The network in evaluation, in graph mode."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        from mindspore import Tensor

        self.cell = case.network(run).set_train(False)
        self.pictures = [Tensor(picture[None]) for picture in case.pictures()]

    def __call__(self) -> list[np.ndarray]:
        reconstruction, _, costs = self.cell(*self.pictures)
        return [reconstruction.asnumpy(), sum(cost.asnumpy() for cost in costs) / 1e4]


class OurStep:
    """The training step that ``task=train`` runs, in graph mode."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        from mindspore import Tensor

        self.cell = run.step(case.network(run), total_steps=1000).set_train()
        frame, reference = case.pictures()
        self.frames = Tensor(np.stack((reference, frame))[None])

    def __call__(self) -> list[np.ndarray]:
        return [self.cell(self.frames)[0].asnumpy()]


class _OurCodec:
    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        network, entry = case.network(run), run.entry("codec", InterCodecEntry)
        codec = entry.build(run.settings.codec, network, entry.tables(network), run.intra())
        format = PictureFormat(case.width, case.height)
        self.frame, reference = case.pictures()
        self.encoder, self.decoder = codec.encoder(format), codec.decoder(format)
        (intra,) = self.encoder.encode(reference, 0, intra=True)
        self.decoder.decode(intra.packet)

    def encode(self) -> Packet:
        """The frame's packet, coded under the reference and not under what was coded before."""
        (coded,) = copy.copy(self.encoder).encode(self.frame, 1, intra=False)
        return coded.packet


class OurEncode(_OurCodec):
    """The frame to the bytes of its packet, and to the decoded picture; returns the number of bytes."""

    def __call__(self) -> list[np.ndarray]:
        return [np.float64(len(self.encode().payload))]


class OurDecode(_OurCodec):
    """The bytes of the packet to the picture."""

    @cached_property
    def packet(self) -> Packet:
        """What the encoder made, once."""
        return self.encode()

    def __call__(self) -> list[np.ndarray]:
        (decoded,) = copy.copy(self.decoder).decode(self.packet)
        return [decoded.picture / 255]


class _Peer:
    def __init__(self, case: Case) -> None:
        self.framework = use_torch(case.threads)
        import torch

        self.run = case.run()
        twin = import_module(f"torch_{case.codec}")
        self.network = twin.network(self.run.settings.model)
        shapes = {name: tuple(p.shape) for name, p in self.network.named_parameters()}
        weights = import_module(f"recipe_{case.codec}").weights(shapes)
        for name, parameter in self.network.named_parameters():
            parameter.data.copy_(torch.from_numpy(weights[name]))
        self.network.eval()
        self.pictures = [torch.from_numpy(picture[None]) for picture in case.pictures()]


class PeerForward(_Peer):
    """The twin in evaluation, eager."""

    def __call__(self) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            coded = self.network(*self.pictures)
        return [coded.reconstruction.numpy(), sum(coded.bits).numpy() / 1e4]


class PeerStep(_Peer):
    """The same training step, eager."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        import torch

        options = self.run.settings.optimizer
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), options.lr, (options.beta1, options.beta2), options.eps
        )
        self.network.train()

    def __call__(self) -> list[np.ndarray]:
        loss = self.network.loss(*self.pictures, self.run.settings.loss)
        self.update(loss)
        return [loss.detach().numpy()]

    def update(self, loss: Tensor) -> None:
        """Move the network's parameters."""
        import torch

        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_value_(self.network.parameters(), self.run.settings.step.clip_value)
        self.optimizer.step()


class PeerEncode(_Peer):
    """What an encoder computes; returns the number of bytes."""

    def __call__(self) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            return [np.float64(self.network.encode(*self.pictures)[1])]


class PeerDecode(_Peer):
    """What a decoder computes."""

    @cached_property
    def coded(self) -> object:
        """What the encoder made, once."""
        import torch

        with torch.inference_mode():
            return self.network.encode(*self.pictures)[0]

    def __call__(self) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            picture = self.network.read(self.coded, self.pictures[1])
        return [np.rint(picture[0].clamp(0, 1).numpy() * 255) / 255]


OURS, PEER = "mindvideo", "PyTorch"
SIDES = {
    "forward": {OURS: OurForward, PEER: PeerForward},
    "step": {OURS: OurStep, PEER: PeerStep},
    "encode": {OURS: OurEncode, PEER: PeerEncode},
    "decode": {OURS: OurDecode, PEER: PeerDecode},
}
"""What is measured -> side -> the class that does it, built with a `Case`."""

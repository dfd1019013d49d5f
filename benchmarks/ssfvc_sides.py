"""SSFVC on both sides: three frames forward, a training step, encoding, decoding; ours, and CompressAI's ``ssf2020``.

Both take the fixture's name-seeded weights and the same frames of an embedded clip. A framework is imported only when
a side that uses it is built, which happens in a process of its own.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sides import clip, our_network, use_mindspore, use_torch

import core
from core.hooks import Array, PacketType, PictureFormat
from core.run import Run
from plugins.ssfvc.weights import published

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "parity"))
from recipe_ssfvc import weights as fixture_weights

if TYPE_CHECKING:
    import torch
    from mindspore import nn

_WORDS = [
    "experiment=none",
    "model=ssfvc",
    "codec=ssfvc",
    "loss=rate_distortion",
    "step=rate_distortion",
    "optimizer=adam",
    "dataset=clips",
    "device=cpu",
]
_CLIP_NORM = 1.0


@dataclass(frozen=True)
class Case:
    """What both sides compute: ``frames`` frames of a real clip, whose sides must be multiples of 128."""

    words: Sequence[str]
    height: int
    width: int
    frames: int
    threads: int

    def run(self) -> Run:
        """The settings as a run, from which our side takes its parts."""
        return core.open_run([*_WORDS, *self.words, f"device.threads={self.threads}"])

    def clip(self) -> Array:
        """The frames, (T,3,height,width) in [0,1]."""
        return clip(self.frames, self.height, self.width)


class OurForward:
    """The network in evaluation, in graph mode."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        from mindspore import Tensor

        self.network = _network(run).set_train(False)
        self.frames = Tensor(case.clip()[None])

    def __call__(self) -> list[np.ndarray]:
        reconstructions, bits = self.network(self.frames)
        return [reconstructions.asnumpy()[0], bits.asnumpy() / 1e4]


class OurStep:
    """The training step that ``task=train`` runs, in graph mode."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        from mindspore import Tensor

        self.cell = run.step(_network(run), total_steps=1000).set_train()
        self.frames = Tensor(case.clip()[None])

    def __call__(self) -> list[np.ndarray]:
        return [self.cell(self.frames)[0].asnumpy()]


class _OurCodec:
    def __init__(self, case: Case) -> None:
        from plugins.ssfvc.plugin import CODEC

        run = case.run()
        self.framework = use_mindspore(run)
        network = _network(run).set_train(False)
        self.codec = CODEC.build(run.settings.codec, network, CODEC.tables(network))
        self.format = PictureFormat(case.width, case.height)
        self.frames = case.clip()

    def encode(self) -> list[tuple]:
        """Packet and picture of every frame."""
        encoder = self.codec.encoder(self.format)
        coded = [encoder.encode(frame, time, intra=time == 0)[0] for time, frame in enumerate(self.frames)]
        assert coded[0].packet.type is PacketType.INTRA
        return [(frame.packet, frame.picture) for frame in coded]


class OurEncode(_OurCodec):
    """Frames to the bytes of packets; returns the number of bytes."""

    def __call__(self) -> list[np.ndarray]:
        return [np.float64(sum(len(packet.payload) for packet, _ in self.encode()))]


class OurDecode(_OurCodec):
    """Bytes of packets to pictures."""

    @cached_property
    def packets(self) -> list:
        """What the encoder made, once."""
        return [packet for packet, _ in self.encode()]

    def __call__(self) -> list[np.ndarray]:
        decoder = self.codec.decoder(self.format)
        return [decoder.decode(packet)[0].picture / 255 for packet in self.packets]


class _Peer:
    def __init__(self, case: Case) -> None:
        warnings.simplefilter("ignore")
        self.framework = f"{use_torch(case.threads)}, CompressAI {metadata.version('compressai')}"
        import torch
        from compressai.models.video.google import ScaleSpaceFlow

        self.network = ScaleSpaceFlow(num_levels=5, sigma0=1.5, scale_field_shift=1.0)
        parameters = dict(self.network.named_parameters())
        arrays = fixture_weights({name: tuple(p.shape) for name, p in parameters.items()})
        for name, parameter in parameters.items():
            parameter.data.copy_(torch.from_numpy(arrays[name]))
        self.network.eval()
        self.frames = [torch.from_numpy(frame[None]) for frame in case.clip()]
        self.pixels = case.frames * case.height * case.width


class PeerForward(_Peer):
    """CompressAI's network in evaluation."""

    def __call__(self) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            made = self.network(self.frames)
        pictures = np.concatenate([picture.numpy() for picture in made["x_hat"]])
        return [pictures, np.float32(_bits(made["likelihoods"]) / 1e4)]


class PeerStep(_Peer):
    """A training step as CompressAI's example takes it."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        import torch

        self.network.train()
        named = dict(self.network.named_parameters())
        quantiles = [p for name, p in named.items() if name.endswith("quantiles")]
        self.parameters = [p for name, p in named.items() if not name.endswith("quantiles")]
        self.optimizer = torch.optim.Adam(self.parameters, 1e-4)
        self.auxiliary = torch.optim.Adam(quantiles, 1e-3)

    def __call__(self) -> list[np.ndarray]:
        import torch

        made = self.network(self.frames)
        distortion = torch.stack(
            [(x - y).square().mean() for x, y in zip(made["x_hat"], self.frames, strict=True)]
        ).mean()
        loss = 0.0130 * 255**2 * distortion + _bits(made["likelihoods"]) / self.pixels
        self.optimizer.zero_grad()
        self.auxiliary.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, _CLIP_NORM)
        self.optimizer.step()
        auxiliary = sum(self.network.aux_loss())
        auxiliary.backward()
        self.auxiliary.step()
        return [loss.detach().numpy()]


class _PeerCodec(_Peer):
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.network.update(force=True)

    def encode(self) -> tuple:
        """Strings and shapes of every frame."""
        import torch

        with torch.inference_mode():
            return self.network.compress(self.frames)


class PeerEncode(_PeerCodec):
    """Frames to CompressAI's strings; returns the number of bytes."""

    def __call__(self) -> list[np.ndarray]:
        return [np.float64(_bytes(self.encode()[0]))]


class PeerDecode(_PeerCodec):
    """CompressAI's strings to pictures."""

    @cached_property
    def coded(self) -> tuple:
        """What the encoder made, once."""
        return self.encode()

    def __call__(self) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            pictures = self.network.decompress(*self.coded)
        return [np.rint(picture[0].clamp(0, 1).numpy() * 255) / 255 for picture in pictures]


OURS, PEER = "mindvideo", "CompressAI"
SIDES = {
    "forward": {OURS: OurForward, PEER: PeerForward},
    "step": {OURS: OurStep, PEER: PeerStep},
    "encode": {OURS: OurEncode, PEER: PeerEncode},
    "decode": {OURS: OurDecode, PEER: PeerDecode},
}
"""What is measured -> side -> the class that does it, built with a `Case`."""


def _network(run: Run) -> nn.Cell:
    return our_network(run, published(run.settings.model), fixture_weights)


def _bits(likelihoods: object) -> torch.Tensor | float:
    """Information content of nested likelihoods."""
    import torch

    if isinstance(likelihoods, torch.Tensor):
        return -likelihoods.log2().sum()
    values = likelihoods.values() if isinstance(likelihoods, dict) else likelihoods
    return sum(_bits(value) for value in values)  # type: ignore[union-attr, misc]


def _bytes(strings: object) -> int:
    """Bytes of nested strings."""
    if isinstance(strings, bytes):
        return len(strings)
    values = strings.values() if isinstance(strings, dict) else strings
    return sum(_bytes(value) for value in values)  # type: ignore[union-attr]

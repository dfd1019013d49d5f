"""What is measured of the peers, in eager PyTorch: forward, a training step, encoding, decoding (`benchmarks.work`).

Encoding and decoding return what a coder would be given and an estimate of its bytes where the peer has no coder.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from functools import cached_property, partial
from importlib import import_module, metadata
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.networks import Case, Recipe
from benchmarks.peers import dvcp_training
from benchmarks.peers.cycmunet import CycMuNetLoss, VideoCycMuNet
from core.hooks import Array


class Peer(ABC):
    """A network of PyTorch with name-seeded weights, in evaluation until its first step."""

    def __init__(self, case: Case) -> None:
        torch.set_num_threads(case.threads)
        self.case, self.run = case, case.run()
        self.frames = case.frames(self.run)
        self.network = self.build().eval()

    @property
    def framework(self) -> str:
        """Version and settings."""
        threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()
        return f"PyTorch {torch.__version__}, CPU (eager, {threads} threads, instructions {instructions})"

    @abstractmethod
    def build(self) -> nn.Module:
        """The network with its weights."""


class UpscalerPeer(Peer):
    """CycMuNet+."""

    def build(self) -> nn.Module:
        config = self.run.settings.model
        return load(VideoCycMuNet(config), partial(self.case.kind.weights, config))

    @torch.inference_mode()
    def forward(self) -> list[Array]:
        return [output.numpy() for output in self.network(*tensors(self.frames.forward))]

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """The one of the settings."""
        options = self.run.settings.optimizer
        kinds = {
            "AdamConfig": torch.optim.Adam,
            "AdamWConfig": torch.optim.AdamW,
            "AdaMaxConfig": torch.optim.Adamax,
        }
        self.network.train()
        kind = kinds[type(options).__name__]
        return kind(self.network.parameters(), options.lr, (options.beta1, options.beta2), options.eps)

    @cached_property
    def loss(self) -> nn.Module:
        """The one of the settings."""
        return CycMuNetLoss(self.run.settings.loss)

    def step(self) -> list[Array]:
        high, low = tensors(self.frames.step)
        optimizer = self.optimizer
        loss = self.loss(self.network(low[:, 0], low[:, 2]), (*high.unbind(1), low[:, 1]))
        move(optimizer, loss)
        return [loss.detach().numpy()]


class CompressAiPeer(Peer):
    """CompressAI's ``ssf2020``, trained as CompressAI's example does."""

    clip_norm = 1.0

    def build(self) -> nn.Module:
        warnings.simplefilter("ignore")
        from compressai.models.video.google import ScaleSpaceFlow

        return load(ScaleSpaceFlow(num_levels=5, sigma0=1.5, scale_field_shift=1.0), self.case.kind.recipe)

    @property
    def framework(self) -> str:
        return f"{super().framework}, CompressAI {metadata.version('compressai')}"

    @cached_property
    def clip(self) -> list[Tensor]:
        """Frame by frame, 1,3,H,W."""
        return [torch.from_numpy(frame[None]) for frame in self.frames.clip]

    @torch.inference_mode()
    def forward(self) -> list[Array]:
        made = self.network(self.clip)
        pictures = np.concatenate([picture.numpy() for picture in made["x_hat"]])
        return [pictures, np.float32(_bits(made["likelihoods"]) / 1e4)]

    @cached_property
    def optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        """Of the network, and of its quantiles."""
        named = dict(self.network.train().named_parameters())
        quantiles = [p for name, p in named.items() if name.endswith("quantiles")]
        rest = [p for name, p in named.items() if not name.endswith("quantiles")]
        return torch.optim.Adam(rest, 1e-4), torch.optim.Adam(quantiles, 1e-3)

    def step(self) -> list[Array]:
        optimizer, auxiliary = self.optimizers
        made = self.network(self.clip)
        errors = [(x - y).square().mean() for x, y in zip(made["x_hat"], self.clip, strict=True)]
        pixels = len(self.clip) * self.case.height * self.case.width
        loss = 0.0130 * 255**2 * torch.stack(errors).mean() + _bits(made["likelihoods"]) / pixels
        auxiliary.zero_grad()
        move(optimizer, loss, partial(nn.utils.clip_grad_norm_, max_norm=self.clip_norm))
        sum(self.network.aux_loss()).backward()
        auxiliary.step()
        return [loss.detach().numpy()]

    @torch.inference_mode()
    def encode(self) -> list[Array]:
        return [np.float64(_bytes(self.compress()[0]))]

    def compress(self) -> tuple[Any, ...]:
        """Strings and shapes of every frame."""
        assert self.coder
        return self.network.compress(self.clip)

    @cached_property
    def coder(self) -> bool:
        """Has the tables been made, which happens once."""
        self.network.update(force=True)
        return True

    @cached_property
    def coded(self) -> tuple[Any, ...]:
        """What the encoder made, once."""
        return self.compress()

    @torch.inference_mode()
    def decode(self) -> list[Array]:
        return [_round(picture) for picture in self.network.decompress(*self.coded)]


class InterPeer(Peer):
    """DVC and DCVC: a frame under its reference."""

    def build(self) -> nn.Module:
        twin = import_module(f"benchmarks.peers.{self.case.network}")
        return load(twin.network(self.run.settings.model), self.case.kind.recipe)

    @cached_property
    def pictures(self) -> list[Tensor]:
        """The frame and its reference."""
        return tensors(self.frames.forward)

    @torch.inference_mode()
    def forward(self) -> list[Array]:
        coded = self.network(*self.pictures)
        return [coded.reconstruction.numpy(), sum(coded.bits).numpy() / 1e4]

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """Adam of the settings."""
        options = self.run.settings.optimizer
        parameters = self.network.train().parameters()
        return torch.optim.Adam(parameters, options.lr, (options.beta1, options.beta2), options.eps)

    def step(self) -> list[Array]:
        optimizer = self.optimizer
        loss = self.network.loss(*self.pictures, self.run.settings.loss)
        self.update(optimizer, loss)
        return [loss.detach().numpy()]

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        """Move the network's parameters."""
        move(
            optimizer, loss, partial(nn.utils.clip_grad_value_, clip_value=self.run.settings.step.clip_value)
        )

    @torch.inference_mode()
    def encode(self) -> list[Array]:
        return [np.float64(self.network.encode(*self.pictures)[1])]

    @cached_property
    def coded(self) -> Any:
        """What the encoder made, once."""
        return self.network.encode(*self.pictures)[0]

    @torch.inference_mode()
    def decode(self) -> list[Array]:
        return [_round(self.network.read(self.coded, self.pictures[1]))]


class UfPeer(InterPeer):
    """DCVC-UF: a frame under features and memory; in bfloat16 by `autocast`."""

    @cached_property
    def coding(self) -> tuple[int, float]:
        """Quality, and up to which scale elements are left out."""
        return self.run.settings.codec.quality, self.run.settings.codec.skip

    def low(self) -> torch.autocast:
        """In which all is computed."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.case.low)

    @torch.inference_mode()
    def forward(self) -> list[Array]:
        with self.low():
            made, bits = self.network(*self.pictures)
        return [made.float().numpy(), bits.numpy() / 1e4]

    @cached_property
    def clip(self) -> Tensor:
        """The reference and the frame, 1,2,3,H,W in [0,1]."""
        return torch.from_numpy(self.frames.clip[None])

    def step(self) -> list[Array]:
        optimizer, options = self.optimizer, self.run.settings
        loss = self.network.loss(self.clip, options.step.quality, options.loss)
        self.update(optimizer, loss)
        return [loss.detach().numpy()]

    def update(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        move(optimizer, loss, partial(nn.utils.clip_grad_norm_, max_norm=self.run.settings.step.clip_norm))

    @torch.inference_mode()
    def encode(self) -> list[Array]:
        return [np.float64(self.compress()[1])]

    def compress(self) -> tuple[Any, ...]:
        """Symbols, bytes and the decoded frame, as ours gives it."""
        reference, frame = self.clip[:, 0], self.clip[:, 1]
        with self.low():
            return self.network.encode(frame, reference, *self.coding)

    @cached_property
    def coded(self) -> Any:
        return self.compress()[0]

    @torch.inference_mode()
    def decode(self) -> list[Array]:
        with self.low():
            return [_round(self.network.read(self.coded, self.clip[:, 0], self.coding[0]))]


class GanPeer(InterPeer):
    """DVC-P, whose step in the last stage updates the codec, then the discriminator."""

    @cached_property
    def discriminator(self) -> nn.Module:
        """With name-seeded weights."""
        channels = self.run.settings.step.discriminator.channels
        (recipe,) = self.case.kind.of_step.values()
        return load(dvcp_training.Discriminator(channels), recipe)

    @cached_property
    def vgg(self) -> nn.Module:
        """What the perceptual distance sees."""
        return dvcp_training.RandomVgg(self.run.settings.loss.vgg_channels)

    @cached_property
    def discriminator_optimizer(self) -> torch.optim.Optimizer:
        """Adam of the settings."""
        return torch.optim.Adam(self.discriminator.parameters(), self.run.settings.step.discriminator_lr)

    def step(self) -> list[Array]:
        optimizer, (frame, _) = self.optimizer, self.pictures
        coded = self.network(*self.pictures)
        loss = dvcp_training.codec_loss(coded, frame, self.vgg, self.discriminator, self.run.settings.loss)
        self.update(optimizer, loss)
        judged = dvcp_training.discriminator_loss(self.discriminator, frame, coded.reconstruction)
        move(self.discriminator_optimizer, judged)
        return [loss.detach().numpy()]


PEERS = {
    "cycmunet": UpscalerPeer,
    "ssfvc": CompressAiPeer,
    "dvc": InterPeer,
    "dvcp": GanPeer,
    "dcvc": InterPeer,
    "dcvcuf": UfPeer,
}


def load(module: nn.Module, recipe: Recipe) -> nn.Module:
    """The module with the weights that a recipe makes for its names."""
    parameters = dict(module.named_parameters())
    weights = recipe({name: tuple(parameter.shape) for name, parameter in parameters.items()})
    for name, parameter in parameters.items():
        parameter.data.copy_(torch.from_numpy(np.asarray(weights[name])))
    return module


def tensors(arrays: Any) -> list[Tensor]:
    """Arrays as tensors."""
    return [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]


def move(optimizer: torch.optim.Optimizer, loss: Tensor, clip: Any = None) -> None:
    """One step of an optimizer, over clipped gradients."""
    optimizer.zero_grad()
    loss.backward()
    if clip is not None:
        clip(optimizer.param_groups[0]["params"])
    optimizer.step()


def _round(picture: Tensor) -> Array:
    """Of 1,3,H,W: as 8 bits have it."""
    return np.rint(picture[0].clamp(0, 1).numpy() * 255) / 255


def _bits(likelihoods: Any) -> Any:
    """Information content of nested likelihoods."""
    if isinstance(likelihoods, Tensor):
        return -likelihoods.log2().sum()
    values = likelihoods.values() if isinstance(likelihoods, dict) else likelihoods
    return sum(_bits(value) for value in values)


def _bytes(strings: Any) -> int:
    """Bytes of nested strings."""
    if isinstance(strings, bytes):
        return len(strings)
    values = strings.values() if isinstance(strings, dict) else strings
    return sum(_bytes(value) for value in values)

"""CycMuNet+ on both sides: one forward pass or one training step, in MindSpore (ours) and in PyTorch (the peer).

Both take their weights from the names of the published tensors, and the same random pictures. A framework is imported
only when a side that uses it is built, which happens in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sides import use_mindspore, use_torch

import core
from core.hooks import Array
from core.run import Run
from core.testing.recipes import convert_weights, load_weights, named_weights
from plugins.cycmunet.weights import published

if TYPE_CHECKING:
    import torch
    from mindspore import nn
    from torch_cycmunet import VideoCycMuNet

_LARGE = ["dataset.root=unused", "optimizer.lr=1e-5"]
"""With the usual rate the losses of the deep networks run away from made-up weights and cannot be compared."""

CONFIGS = {
    "demo": ["experiment=cycmunet_demo"],
    "default": ["experiment=cycmunet_vimeo_x2", *_LARGE],
    "rgb_x4": ["experiment=cycmunet_vimeo", *_LARGE],
}
"""Name -> the words of the command line that choose network, loss and optimizer."""

_FIXED = ["loss.distance=charbonnier", "optimizer.schedule.shape=constant", "optimizer.schedule.warmup=0"]
_GAIN = 0.7
"""Spread of the weights: large enough for displacements to matter, small enough for deep trunks to stay tame."""


@dataclass(frozen=True)
class Case:
    """What both sides compute: settings as words, height and width of the low-resolution frames; batch 1."""

    words: Sequence[str]
    height: int
    width: int
    threads: int

    def run(self) -> Run:
        """The settings as a run, from which a side takes its parts."""
        return core.open_run([*self.words, *_FIXED, "device=cpu", f"device.threads={self.threads}"])

    def clips(self, scale: int) -> tuple[Array, Array]:
        """Random frames in [0,1]: high (1,3,3,scale*H,scale*W) and low (1,3,3,H,W)."""
        rng = np.random.default_rng(0)
        high = rng.random((1, 3, 3, scale * self.height, scale * self.width), dtype=np.float32)
        return high, rng.random((1, 3, 3, self.height, self.width), dtype=np.float32)


class MindSporeForward:
    """Our network in graph mode."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        from mindspore import Tensor

        self.cell = run.model().set_train(False)
        load(run, self.cell)
        _, low = case.clips(self.cell.scale)
        self.inputs = Tensor(low[:, 0]), Tensor(low[:, 2])

    def __call__(self) -> list[np.ndarray]:
        return [output.asnumpy() for output in self.cell(*self.inputs)]


class MindSporeStep:
    """Our training step in graph mode, the one that ``task=train`` runs."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_mindspore(run)
        from mindspore import Tensor

        network = run.model()
        load(run, network)
        self.cell = run.step(network, total_steps=1000).set_train()
        self.inputs = [Tensor(frames) for frames in case.clips(network.scale)]

    def __call__(self) -> list[np.ndarray]:
        (loss,) = self.cell(*self.inputs)
        return [loss.asnumpy()]


class TorchForward:
    """The peer, eager."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_torch(case.threads)
        import torch

        self.network = _torch_network(run).eval()
        _, low = case.clips(self.network.scale)
        self.inputs = torch.from_numpy(low[:, 0]), torch.from_numpy(low[:, 2])

    def __call__(self) -> list[np.ndarray]:
        import torch

        with torch.inference_mode():
            return [output.numpy() for output in self.network(*self.inputs)]


class TorchStep:
    """The peer's training step, eager."""

    def __init__(self, case: Case) -> None:
        run = case.run()
        self.framework = use_torch(case.threads)
        import torch
        from torch_cycmunet import CycMuNetLoss

        self.network = _torch_network(run)
        self.loss = CycMuNetLoss(run.settings.loss)
        self.optimizer = _torch_optimizer(run, self.network)
        self.high, self.low = (torch.from_numpy(frames) for frames in case.clips(self.network.scale))

    def __call__(self) -> list[np.ndarray]:
        outputs = self.network(self.low[:, 0], self.low[:, 2])
        loss = self.loss(outputs, (*self.high.unbind(1), self.low[:, 1]))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return [loss.detach().numpy()]


SIDES = {
    "forward": {"MindSpore": MindSporeForward, "PyTorch": TorchForward},
    "step": {"MindSpore": MindSporeStep, "PyTorch": TorchStep},
}
"""What is measured -> side -> the class that does it, built with a `Case`."""


def _weights(run: Run, shapes: Mapping[str, Sequence[int]]) -> dict[str, Array]:
    """Name-seeded weights under our names, which are the peer's as well."""
    mapping = published(run.settings.model)
    theirs = {tensor.name: shapes[ours] for ours, tensor in mapping.tensors.items()}
    return convert_weights(mapping, named_weights(theirs, _GAIN))


def load(run: Run, network: nn.Cell) -> None:
    shapes = {name: parameter.shape for name, parameter in network.parameters_and_names()}
    load_weights(network, _weights(run, shapes))


def _torch_network(run: Run) -> VideoCycMuNet:
    import torch
    from torch_cycmunet import VideoCycMuNet

    network = VideoCycMuNet(run.settings.model)
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters()}
    weights = {name: torch.from_numpy(array) for name, array in _weights(run, shapes).items()}
    network.load_state_dict(weights)
    return network


def _torch_optimizer(run: Run, network: VideoCycMuNet) -> torch.optim.Optimizer:
    import torch

    options = run.settings.optimizer
    kinds = {
        "AdamConfig": torch.optim.Adam,
        "AdamWConfig": torch.optim.AdamW,
        "AdaMaxConfig": torch.optim.Adamax,
    }
    kind = kinds[type(options).__name__]
    return kind(network.parameters(), options.lr, (options.beta1, options.beta2), options.eps)

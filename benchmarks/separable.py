"""Speed of depthwise-separable blocks on CPU: a chain of them by our operator beside the same in PyTorch.

In float32 beside eager PyTorch, in bfloat16 beside PyTorch under `autocast`, both with channels last.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from importlib.util import find_spec
from typing import Any

import numpy as np

import core
from benchmarks.agreement import alike, equal_results
from benchmarks.compare import Benchmark, run
from benchmarks.compare import add_options as add_common
from benchmarks.measure import Arrays

WHAT = ("forward", "step")
CHANNELS = (64, 96, 256)
SIZES = ((60, 34), (120, 68), (240, 135))
"""Width and height: pictures of 480x272 to 1920x1080 at an eighth of their height and width."""
BLOCKS = 4


@dataclass(frozen=True)
class Chain:
    """What both implementations compute."""

    channels: int
    width: int
    height: int
    threads: int
    low: bool

    @cached_property
    def weights(self) -> list[dict[str, np.ndarray]]:
        """Of each block, by name, as `core.nn.SeparableBlock` has them."""
        c, rng = self.channels, np.random.default_rng(1)
        shapes = {"dc.0": (c, c, 1, 1), "dc.2": (c, 1, 3, 3), "dc.3": (c, c, 1, 1), "ffn.0": (4 * c, c, 1, 1)}
        made = []
        for _ in range(BLOCKS):
            block = {}
            for name, shape in {**shapes, "ffn.2": (c, c, 1, 1)}.items():
                gain = 0.3 / np.sqrt(np.prod(shape[1:]))
                block[f"{name}.weight"] = (gain * rng.standard_normal(shape)).astype(np.float32)
                block[f"{name}.bias"] = (0.1 * rng.standard_normal(shape[0])).astype(np.float32)
            made.append(block)
        return made

    @cached_property
    def picture(self) -> np.ndarray:
        shape = (1, self.channels, self.height, self.width)
        return np.random.default_rng(2).standard_normal(shape).astype(np.float32)


class Ours:
    """`core.nn.ConvChain` of blocks in graph mode: the result, or the gradients of the sum of its squares."""

    def __init__(self, chain: Chain, what: str) -> None:
        words = ["experiment=none", "device=cpu", "device.mode=graph", f"device.threads={chain.threads}"]
        opened = core.open_run(words)
        device = opened.device
        import mindspore as ms
        from mindspore import Tensor, ops

        from benchmarks.squares import SquaresOf
        from core.nn import ConvChain, SeparableBlock

        with replace(opened.backend, low=ms.bfloat16 if chain.low else None):
            network = ConvChain([SeparableBlock(chain.channels, chain.channels) for _ in range(BLOCKS)])
        parameters = network.parameters_dict()
        for number, block in enumerate(chain.weights):
            for name, weight in block.items():
                parameters[f"{number}.{name}"].set_data(Tensor(weight))
        self.framework = f"MindSpore {ms.__version__}, {device.description}"
        self._x = Tensor(chain.picture)
        if what == "forward":
            self._call = network.set_train(False)
        else:
            self._call = ops.grad(SquaresOf(network.set_train()), 0, list(network.trainable_params()))

    def __call__(self) -> Arrays:
        made = self._call(self._x)
        return [tensor.asnumpy() for tensor in ((made[0], *made[1]) if isinstance(made, tuple) else (made,))]


class Theirs:
    """The same in PyTorch."""

    def __init__(self, chain: Chain, what: str) -> None:
        os.environ.pop("ONEDNN_MAX_CPU_ISA", None)
        import torch

        torch.set_num_threads(chain.threads)
        self._torch, self._low, self._what = torch, chain.low, what
        kind = "autocast(bfloat16)" if chain.low else "float32"
        self.framework = f"PyTorch {torch.__version__}, {kind}, channels last, {chain.threads} threads"
        last = torch.channels_last
        self._x = torch.from_numpy(chain.picture).to(memory_format=last).requires_grad_(what == "step")
        self._weights = [
            {name: torch.from_numpy(weight).requires_grad_(what == "step") for name, weight in block.items()}
            for block in chain.weights
        ]

    def __call__(self) -> Arrays:
        torch = self._torch
        with torch.autocast("cpu", torch.bfloat16, enabled=self._low):
            if self._what == "forward":
                with torch.no_grad():
                    return [self._forward().float().contiguous().numpy()]
            loss = self._forward().float().square().sum()
        wanted = [self._x, *(weight for block in self._weights for weight in block.values())]
        return [gradient.contiguous().numpy() for gradient in torch.autograd.grad(loss, wanted)]

    def _forward(self) -> Any:
        x = self._x
        for block in self._weights:
            x = self._block(x, block)
        return x

    def _block(self, x: Any, w: dict[str, Any]) -> Any:
        f = self._torch.nn.functional

        def conv(x: Any, name: str, **more: Any) -> Any:
            return f.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], **more)

        inner = conv(x, "dc.0")
        mixed = conv(inner * self._torch.sigmoid(4 * inner), "dc.2", padding=1, groups=inner.shape[1])
        a = x + conv(mixed, "dc.3")
        wide = conv(a, "ffn.0")
        wide = wide * self._torch.sigmoid(4 * wide)
        summed = wide[:, 0::4] + wide[:, 1::4] + wide[:, 2::4] + wide[:, 3::4]
        return a + conv(summed, "ffn.2")


def add_options(made: argparse.ArgumentParser, name: str) -> None:
    """What can be asked."""
    add_common(made, WHAT)
    made.add_argument(
        "--channels", type=int, choices=CHANNELS, action="append", help="only these; by default all"
    )
    made.add_argument("--precision", choices=("float32", "bfloat16"), action="append", help="by default both")


def main(options: argparse.Namespace) -> int:
    """The command; returns what `compare.run` does."""
    return run(options, _benchmarks(options))


def _benchmarks(options: argparse.Namespace) -> Iterator[Benchmark]:
    for channels in options.channels or CHANNELS:
        for width, height in SIZES:
            for precision in options.precision or ("float32", "bfloat16"):
                low = precision == "bfloat16"
                chain = Chain(channels, width, height, options.threads, low)
                for what in options.what or WHAT:
                    implementations: dict[str, Any] = {"mindvideo": partial(Ours, chain, what)}
                    if find_spec("torch"):
                        implementations["PyTorch"] = partial(Theirs, chain, what)
                    title = f"{BLOCKS} blocks of {channels} channels, {width}x{height}, {precision}, {what}"
                    yield Benchmark(
                        what, title, asdict(chain), implementations, alike if low else equal_results
                    )

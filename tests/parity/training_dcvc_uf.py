"""The training cases of DCVC-UF's fixture: losses, bits, errors and gradients as the published code has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import mindspore as ms
import numpy as np
from fixture import Comparison, Fixture, compare
from mindspore import Tensor, nn, ops

from core.entropy import factorized, parted
from plugins.dcvcuf.config import (
    DcvcUfIntraLossConfig,
    DcvcUfLossConfig,
)
from plugins.dcvcuf.loss import DcvcUfLoss, frame_errors
from plugins.dcvcuf.weights import published_name

INTRA = "intra"
RELATIVE = 2e-5
"""Tolerance of pictures, relative to the largest value or 1."""


def replay_training(fixture: Fixture, build: Callable[[str, str], nn.Cell]) -> Iterator[Comparison]:
    """Of each frame by itself, cascaded, and of pictures; ``build`` makes a network of a salt and a kind."""
    told, salt = fixture.manifest["training"], fixture.manifest.get("weights_salt", "")
    frames = fixture.arrays["train_frames"].astype(np.float32) / np.float32(255) - np.float32(0.5)
    planes = [Tensor(frame) for frame in frames]
    quality = Tensor(np.array(told["qps"], np.int32))
    for mode in ("step", "cascade"):
        network = build(salt, "ld").set_train()
        passed = _Pass(network, DcvcUfLoss(DcvcUfLossConfig()), planes, quality)
        with _published_noise(told["noise_seed"]):
            losses, gradients = passed.by_frames() if mode == "step" else passed.cascaded()
        yield from _compare_training(fixture, mode, network, losses, gradients, "ld")
        for key, values in passed.parts().items():
            expected = fixture.arrays[f"train_{mode}_{key}"]
            yield compare(f"{mode} {key}", values, expected, 1e-5 * float(np.abs(expected).max()))
        network.set_train(False)
    network = build(salt, INTRA).set_train()
    loss = DcvcUfLoss(DcvcUfIntraLossConfig())

    def pictures() -> tuple[Tensor, Tensor]:
        made, (y_bits, z_bits) = network(planes[0], quality)
        return loss(planes[0], made, y_bits + z_bits, quality, Tensor(0, ms.int32))[0], made

    weights = ms.ParameterTuple(network.trainable_params())
    with _published_noise(told["noise_seed"]):
        (value, made), gradients = ops.value_and_grad(pictures, None, weights, has_aux=True)()
    yield from _compare_training(fixture, INTRA, network, [value], gradients, INTRA)
    expected = fixture.arrays["train_intra_recon"]
    largest = max(1.0, float(np.abs(expected.astype(np.float64)).max()))
    yield compare("train_intra_recon", made.asnumpy()[0], expected, RELATIVE * largest)
    network.set_train(False)


class _Pass:
    """The video network over the frames of a training case."""

    def __init__(self, network: Any, loss: DcvcUfLoss, planes: list[Tensor], quality: Tensor) -> None:
        self._network, self._loss, self._planes, self._quality = network, loss, planes, quality
        self._weights = ms.ParameterTuple(network.trainable_params())
        self._bits: list[tuple[np.ndarray, np.ndarray]] = []
        self._errors: list[np.ndarray] = []

    def parts(self) -> dict[str, np.ndarray]:
        """Bits of y and z and the distortion, by frames and pictures."""
        y_bits, z_bits = (np.array(bits) for bits in zip(*self._bits, strict=True))
        return {"y_bits": y_bits, "z_bits": z_bits, "mse": np.array(self._errors)}

    def by_frames(self) -> tuple[list[Tensor], list[np.ndarray]]:
        """Losses, and the sums of gradients, of frames whose states pass no gradients."""
        state, losses, total = (None, self._network.start(self._planes[0])), [], None
        for number in range(1, len(self._planes)):
            run = ops.value_and_grad(self._frame, None, self._weights, has_aux=True)
            (value, *state, costs), gradients = run(number, *state)
            arrays = [gradient.asnumpy().astype(np.float64) for gradient in gradients]
            total = arrays if total is None else [a + b for a, b in zip(total, arrays, strict=True)]
            losses.append(value)
            state = [Tensor(part.asnumpy()) for part in state]
            self._note(costs)
        return losses, total

    def cascaded(self) -> tuple[list[Tensor], list[np.ndarray]]:
        """The mean loss and its gradients."""
        run = ops.value_and_grad(self._all, None, self._weights, has_aux=True)
        (value, costs), gradients = run()
        for each in costs:
            self._note(each)
        return [value], [gradient.asnumpy().astype(np.float64) for gradient in gradients]

    def _all(self) -> tuple[Tensor, tuple[Any, ...]]:
        state, total, costs = (None, self._network.start(self._planes[0])), 0.0, ()
        for number in range(1, len(self._planes)):
            value, *state, cost = self._frame(number, *state)
            total, costs = total + value, (*costs, cost)
        return total / (len(self._planes) - 1), costs

    def _frame(self, number: int, memory: Tensor | None, features: Tensor) -> tuple[Any, ...]:
        truth = self._planes[number]
        made, state, bits = self._network(truth, features, memory, self._quality)
        total = bits[0] + bits[1]
        value, *_ = self._loss(truth, made, total, self._quality, Tensor(number, ms.int32))
        return value, *state, (*bits, frame_errors(truth, made)[0][:, 0])

    def _note(self, costs: tuple[Tensor, ...]) -> None:
        y_bits, z_bits, errors = (cost.asnumpy() for cost in costs)
        self._bits.append((y_bits, z_bits))
        self._errors.append(errors)


def _compare_training(
    fixture: Fixture, mode: str, network: nn.Cell, losses: list[Tensor], gradients: Any, kind: str
) -> Iterator[Comparison]:
    expected = np.array(fixture.manifest["training"][mode]["losses"])
    ours = np.array([float(loss) for loss in losses])
    yield compare(f"{mode} losses", ours / expected, np.ones_like(expected), 1e-5)
    names = [published_name(parameter.name) for parameter in network.trainable_params()]
    arrays = [g.asnumpy().astype(np.float64) if isinstance(g, Tensor) else g for g in gradients]
    norms = {name: float(np.sqrt(np.square(a).sum())) for name, a in zip(names, arrays, strict=True)}
    stored = fixture.arrays[f"train_{mode}_gradients"][:, 0]
    told = np.array([norms[name] for name in fixture.manifest["gradient_names"][kind]])
    floor = np.maximum(stored, 1e-12)
    yield compare(f"{mode} gradients' norms", told / floor, stored / floor, 1e-3)


@contextmanager
def _published_noise(seed: int) -> Iterator[None]:
    """Noise as fixtures have it: y's before z's of every frame; here z is first."""
    calls = count()

    def add(x: Tensor) -> Tensor:
        number = next(calls) ^ 1
        noise = np.random.default_rng([seed, number]).random(x.shape, np.float32) - np.float32(0.5)
        return x + Tensor(noise)

    before = factorized.add_noise, parted.add_noise
    factorized.add_noise = parted.add_noise = add
    try:
        yield
    finally:
        factorized.add_noise, parted.add_noise = before

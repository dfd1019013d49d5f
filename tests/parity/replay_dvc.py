"""DVC: runs the two frames of a fixture through the network and compares everything from flow to gradients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import mindspore as ms
import numpy as np
import recipe_dvc
from fixture import Comparison, Fixture, compare
from mindspore import Tensor, nn

from core.entropy import conditional, factorized
from core.nn.warp import warp
from core.testing.recipes import convert_weights, load_weights
from plugins.dvc.cells import Dvc
from plugins.dvc.config import DvcConfig
from plugins.dvc.weights import published

Arrays = Mapping[str, np.ndarray]

FRAMES, TRAINING = "frames", "training"
LMBDA, SUPPORT = 2048, 0.1
"""Weights of the training's loss in fixtures: of the distortion, and of warp and prediction in it."""

_TOLERANCES = {
    "me0_input": 1e-5,
    "me0_residual_flow": 4e-6,
    "me1_input": 2e-5,
    "me1_residual_flow": 7e-6,
    "me2_input": 3e-5,
    "me2_residual_flow": 2e-5,
    "me3_input": 4e-5,
    "me3_residual_flow": 2e-5,
    "flow": 4e-5,
    "mv_latent": 7e-5,
    "mv_latent_q": 0.0,
    "flow_hat": 8e-5,
    "warped": 3e-5,
    "mc_residual": 4e-6,
    "prediction": 3e-5,
    "residual": 3e-5,
    "gdn3_in": 1.3e-4,
    "gdn3_out": 1.2e-4,
    "y": 1.2e-4,
    "y_q": 0.0,
    "z": 7e-5,
    "z_q": 0.0,
    "sigma": 5e-6,
    "igdn1_in": 4e-5,
    "igdn1_out": 6e-5,
    "res_hat": 5e-6,
    "recon_unclipped": 3e-5,
    "recon": 3e-5,
    "prob_mv": 1e-5,
    "prob_y": 1e-5,
    "prob_z": 1e-5,
    "cdf_mv_at_m8_to_8": 1e-5,
    "cdf_z_at_m8_to_8": 1e-5,
    "mse_loss": 6e-8,
    "warploss": 3e-8,
    "interloss": 5e-8,
    "bpp_mv": 1.3e-6,
    "bpp_feature": 8e-7,
    "bpp_z": 4e-8,
    "bpp": 2e-6,
}
"""Largest absolute errors: twenty times the distance of the stored float32 values from the same in float64; more for
scales and probabilities, because MindSpore's exp is off by 5e-6 of its value on CPU, and its tanh by up to 1e-4."""
_OF_LARGEST = ("sigma",)
"""Tolerances that are relative to the largest value: exponentials, whose errors grow with them."""
_RELATIVE = 1e-5
"""Of losses in training."""
_GRADIENTS, _GRADIENTS_OF_FLOW = 5e-5, 1e-2
"""Of gradients' norms, relative to each. The gradient of a bilinear sample jumps where its place passes a pixel:
a change of motion latents by 3e-6, which is how near they are, moves the norms of what makes flow by up to 3e-3."""
_BESIDE_FLOAT64 = 3
"""Of gradients, where the fixture tells their values in float64: as often as far as the published float32 ones are."""


def configs(fixture: Fixture) -> list[str]:
    """Names of what the fixture can replay."""
    return [FRAMES] + ([TRAINING] if fixture.under("train_") else [])


def replay(fixture: Fixture, name: str) -> Iterator[Comparison]:
    """Every comparison of one configuration."""
    replayed = _replay_frames if name == FRAMES else _replay_training
    yield from replayed(fixture.arrays)


def build(arrays: Arrays) -> Dvc:
    """The network with its name-seeded weights and the widths that the fixture shows."""
    widths = {"motion": "mv_latent", "latent": "y", "hidden": "z"}
    config = DvcConfig(**{option: arrays[name].shape[1] for option, name in widths.items()})
    network, mapping = Dvc(config), published(config)
    shapes = {mapping.tensors[p.name].name: p.shape for p in network.get_parameters()}
    load_weights(network, convert_weights(mapping, recipe_dvc.weights(shapes)))
    return network.set_train(False)


def _replay_frames(arrays: Arrays) -> Iterator[Comparison]:
    network = build(arrays)
    recorder = _Recorder(network)
    frame, reference = Tensor(arrays["cur"]), Tensor(arrays["ref"])
    reconstruction, (flow, warped, prediction), costs = network(frame, reference)
    ours = recorder.tensors(frame, prediction)
    ours |= {"flow": flow, "warped": warped, "prediction": prediction}
    ours |= {"recon_unclipped": reconstruction, "recon": reconstruction.clamp(0, 1)}
    ours |= _coded(network, ours) | _losses(frame, reconstruction, warped, prediction, costs)
    for name, tolerance in _TOLERANCES.items():
        scale = float(arrays[name].max()) if name in _OF_LARGEST else 1.0
        yield compare(name, ours[name].asnumpy(), arrays[name], tolerance * scale)
    zero = warp(reference, Tensor(np.zeros_like(arrays["flow"])))
    yield compare("reference under no flow", zero.asnumpy(), arrays["ref"], 2e-5)


def _coded(network: Dvc, ours: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The codec's side of the latents: symbols, and what the priors think of them."""
    hyperprior = network.residual.hyperprior
    z_symbols, y_symbols = hyperprior.symbols(ours["y"])
    m_symbols = ms.ops.round(ours["mv_latent"])
    values = Tensor(np.arange(-8, 9, dtype=np.float32).reshape(1, 1, 1, 17))
    made = {"mv_latent_q": m_symbols, "z_q": z_symbols, "y_q": y_symbols}
    for name, symbols, prior in (("mv", m_symbols, network.motion.prior), ("z", z_symbols, hyperprior.prior)):
        made[f"prob_{name}"] = prior.cumulative(symbols + 0.5) - prior.cumulative(symbols - 0.5)
        made[f"cdf_{name}_at_m8_to_8"] = prior.cumulative(values)
    # The stored probabilities are those before 1e-5 is added, and below 1.
    made["prob_y"] = hyperprior.conditional.likelihood(y_symbols, ours["sigma"]) - 1e-5
    return made


def _losses(
    frame: Tensor, reconstruction: Tensor, warped: Tensor, prediction: Tensor, costs: tuple[Tensor, ...]
) -> dict[str, Tensor]:
    pixels = frame.size // 3
    motion, residual, hyper = (cost / pixels for cost in costs)
    return {
        "mse_loss": ((reconstruction - frame) ** 2).mean(),
        "warploss": ((warped - frame) ** 2).mean(),
        "interloss": ((prediction - frame) ** 2).mean(),
        "bpp_mv": motion,
        "bpp_feature": residual,
        "bpp_z": hyper,
        "bpp": motion + residual + hyper,
    }


def _replay_training(arrays: Arrays) -> Iterator[Comparison]:
    network = build(arrays).set_train()
    frame, reference = Tensor(arrays["cur"]), Tensor(arrays["ref"])
    parameters = {p.name: p for p in network.trainable_params()}
    order = published(network.config).tensors
    made: dict[str, Tensor] = {}

    def objective() -> Tensor:
        reconstruction, (_, warped, prediction), costs = network(frame, reference)
        losses = _losses(frame, reconstruction, warped, prediction, costs)
        support = losses["warploss"] + losses["interloss"]
        losses["rd_loss"] = LMBDA * (losses["mse_loss"] + SUPPORT * support) + losses["bpp"]
        made.update(losses, recon=reconstruction.clamp(0, 1))
        return losses["rd_loss"]

    weights = ms.ParameterTuple([parameters[name] for name in order])
    with _noise(arrays):
        gradients = [g.asnumpy().astype(np.float64) for g in ms.grad(objective, None, weights)()]
    yield compare("train_recon", made.pop("recon").asnumpy(), arrays["train_recon"], 3e-5)
    for name, value in made.items():
        expected = arrays[f"train_{name}"]
        yield compare(f"train_{name}", value.asnumpy(), expected, _RELATIVE * float(expected))
    of_flow = np.array([name.startswith(("spynet.", "motion.")) for name in order])
    norms = {
        "train_grad_l2": [np.sqrt((g**2).sum()) for g in gradients],
        "train_grad_absmax": [np.abs(g).max() for g in gradients],
    }
    for name, values in norms.items():
        relative = np.asarray(values) / arrays[name]
        distance = np.abs(arrays[name] / arrays.get(f"{name}_float64", arrays[name]) - 1)
        for part, tolerance in ((of_flow, _GRADIENTS_OF_FLOW), (~of_flow, _GRADIENTS)):
            title = f"{name}, relative, {'flow' if part is of_flow else 'rest'}"
            own = _BESIDE_FLOAT64 * float(distance[part].max())
            yield compare(title, relative[part], np.ones(part.sum()), max(tolerance, own))


@contextmanager
def _noise(arrays: Arrays) -> Iterator[None]:
    """The fixture's noise in place of ours: for motion, z and y, in the order in which the network asks."""
    stored = iter([arrays[f"train_noise_{name}"] for name in ("mv", "z", "y")])

    def add(x: Tensor) -> Tensor:
        return x + Tensor(next(stored))

    with patch.object(factorized, "add_noise", add), patch.object(conditional, "add_noise", add):
        yield


class _Recorder:
    """Keeps what goes into the parts of a network, and what comes out."""

    def __init__(self, network: Dvc) -> None:
        self._made: dict[str, Tensor] = {}
        for level, cell in enumerate(network.spynet.levels):
            self._watch(cell.residual, f"me{level}_residual_flow", f"me{level}_input")
        self._watch(network.motion.analysis, "mv_latent")
        self._watch(network.motion.synthesis, "flow_hat")
        self._watch(network.refinement, "mc_residual")
        self._watch(network.residual.analysis, "y")
        self._watch(network.residual.analysis[5], "gdn3_out", "gdn3_in")
        self._watch(network.residual.synthesis, "res_hat")
        self._watch(network.residual.synthesis[1], "igdn1_out", "igdn1_in")
        self._watch(network.residual.hyperprior.analysis, "z")
        self._watch(network.residual.hyperprior.synthesis, "log sigma")

    def _watch(self, cell: nn.Cell, output_name: str, input_name: str | None = None) -> None:
        def keep(_cell: nn.Cell, inputs: Any, output: Tensor) -> None:
            self._made[output_name] = output
            if input_name:
                self._made[input_name] = inputs[0]

        cell.register_forward_hook(keep)

    def tensors(self, frame: Tensor, prediction: Tensor) -> dict[str, Tensor]:
        sigma = ms.ops.exp(self._made.pop("log sigma"))
        return {**self._made, "sigma": sigma, "residual": frame - prediction}

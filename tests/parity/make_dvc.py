"""DVC in PyTorch for `make.py`: everything that `replay_dvc.py` replays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import recipe_dvc
import torch
from torch import Tensor, nn

from benchmarks.peers.codecs import laplace_probability
from benchmarks.peers.dvc import Coded, Dvc
from plugins.dvc.config import DvcConfig

Arrays = dict[str, np.ndarray]

LMBDA, SUPPORT = 2048, 0.1
"""Weights of the training's loss: of the distortion, and of warp and prediction in it."""
_NOISES = ("mv", "z", "y")
"""In the order in which the network adds them."""
_VALUES = torch.arange(-8.0, 9.0).reshape(1, 1, 1, 17)


def widths(arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Of the network that a fixture is of, as far as its tensors show them."""
    shown = {"motion": "mv_latent", "latent": "y", "hidden": "z"}
    return {option: arrays[name].shape[1] for option, name in shown.items()}


class Twin:
    """The network, its weights made by the recipe."""

    origin = "benchmarks/peers/dvc.py, not the published code"

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.network = Dvc(DvcConfig(**widths))
        shapes = {name: tuple(tensor.shape) for name, tensor in self.network.state_dict().items()}
        made = recipe_dvc.weights(shapes)
        self.network.load_state_dict({name: torch.from_numpy(array) for name, array in made.items()})

    def inputs(self, frame: np.ndarray, reference: np.ndarray) -> Arrays:
        return {"cur": frame, "ref": reference}

    def evaluate(self, arrays: Arrays) -> Arrays:
        self.network.eval()
        kept: dict[str, Tensor] = {}
        hooks = list(self._watch(kept))
        frame, reference = _tensor(arrays["cur"]), _tensor(arrays["ref"])
        with torch.inference_mode():
            coded = self.network(frame, reference)
            kept |= {
                "flow": coded.flow,
                "warped": coded.warped,
                "prediction": coded.prediction,
                "residual": frame - coded.prediction,
                "recon_unclipped": coded.reconstruction,
                "sigma": kept.pop("log sigma").exp(),
            }
            kept |= zip(("mv_latent_q", "z_q", "y_q"), coded.symbols, strict=True)
            kept |= self._probabilities(kept) | _losses(frame, coded)
        for hook in hooks:
            hook.remove()
        return {name: tensor.numpy() for name, tensor in kept.items()}

    def rounded(self, arrays: Arrays) -> list[np.ndarray]:
        return [arrays[name] for name in ("mv_latent", "z", "y")]

    def noise(self, arrays: Arrays, rng: np.random.Generator) -> Arrays:
        shapes = {"mv": arrays["mv_latent"].shape, "z": arrays["z"].shape, "y": arrays["y"].shape}
        return {
            f"train_noise_{name}": rng.uniform(-0.5, 0.5, shape).astype(np.float32)
            for name, shape in shapes.items()
        }

    def train(self, arrays: Arrays) -> Arrays:
        stored = iter([_tensor(arrays[f"train_noise_{name}"]) for name in _NOISES])
        self.network.noise = lambda _: next(stored)
        frame = _tensor(arrays["cur"])
        self.network.train().zero_grad()
        losses = _losses(frame, self.network(frame, _tensor(arrays["ref"])))
        support = losses["warploss"] + losses["interloss"]
        losses["rd_loss"] = LMBDA * (losses["mse_loss"] + SUPPORT * support) + losses["bpp"]
        losses["rd_loss"].backward()
        gradients = [parameter.grad.double() for parameter in self.network.parameters()]
        losses["grad_l2"] = torch.stack([gradient.square().sum().sqrt() for gradient in gradients])
        losses["grad_absmax"] = torch.stack([gradient.abs().max() for gradient in gradients])
        return {f"train_{name}": value.detach().numpy() for name, value in losses.items()}

    def exact(self, arrays: Arrays) -> Arrays:
        self.network.double()
        wide = {name: array.astype(np.float64) for name, array in arrays.items()}
        made = self.train(wide)
        return {f"{name}_float64": made[name] for name in made if name.startswith("train_grad")}

    def _probabilities(self, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
        motion, hyper = self.network.bitEstimator_mv, self.network.bitEstimator_z
        return {
            "prob_mv": motion.probability(kept["mv_latent_q"]),
            "prob_y": laplace_probability(kept["y_q"], kept["sigma"]),
            "prob_z": hyper.probability(kept["z_q"]),
            "cdf_mv_at_m8_to_8": motion(_VALUES),
            "cdf_z_at_m8_to_8": hyper(_VALUES),
        }

    def _watch(self, kept: dict[str, Tensor]) -> Any:
        """Keep what goes into parts of the network, and what comes out."""
        network = self.network
        for level, cell in enumerate(network.opticFlow.moduleBasic):
            yield cell.register_forward_hook(_keep(kept, f"me{level}_residual_flow", f"me{level}_input"))
        for cell, output, *inputs in (
            (network.mvEncoder, "mv_latent"),
            (network.mvDecoder, "flow_hat"),
            (network.warpnet, "mc_residual"),
            (network.resEncoder, "y"),
            (network.resEncoder.gdn3, "gdn3_out", "gdn3_in"),
            (network.resDecoder, "res_hat"),
            (network.resDecoder.igdn1, "igdn1_out", "igdn1_in"),
            (network.respriorEncoder, "z"),
            (network.respriorDecoder, "log sigma"),
        ):
            yield cell.register_forward_hook(_keep(kept, output, *inputs))


def _keep(kept: dict[str, Tensor], output_name: str, input_name: str | None = None) -> Callable[..., None]:
    def keep(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept[output_name] = output
        if input_name:
            kept[input_name] = inputs[0]

    return keep


def _losses(frame: Tensor, coded: Coded) -> dict[str, Tensor]:
    pixels = frame.numel() // 3
    motion, residual, hyper = (cost / pixels for cost in coded.bits)
    return {
        "recon": coded.reconstruction.clamp(0, 1),
        "mse_loss": (coded.reconstruction - frame).square().mean(),
        "warploss": (coded.warped - frame).square().mean(),
        "interloss": (coded.prediction - frame).square().mean(),
        "bpp_mv": motion,
        "bpp_feature": residual,
        "bpp_z": hyper,
        "bpp": motion + residual + hyper,
    }


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array))

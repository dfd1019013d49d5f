"""DCVC in PyTorch for `make.py`: a frame as it is estimated (``fwd_``), and coded place by place (``ar_``)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import recipe_dcvc
import torch
from torch import Tensor

from benchmarks.peers.dcvc import Coded, Dcvc
from plugins.dcvc.config import DcvcConfig

Arrays = dict[str, np.ndarray]

_KEPT_CHANNELS = 16
"""Of features at full size."""


def widths(arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Of the network that a fixture is of, as far as its tensors show them."""
    shown = {"motion": "fwd_mv_y", "latent": "fwd_y", "hyper": "fwd_z"}
    return {option: len(arrays[name]) for option, name in shown.items()}


class Twin:
    """The network, its weights made by the recipe."""

    origin = "benchmarks/peers/dcvc.py, not the published code"

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.network = Dcvc(DcvcConfig(**widths)).eval()
        shapes = {name: tuple(p.shape) for name, p in self.network.named_parameters()}
        made = {name: torch.from_numpy(array) for name, array in recipe_dcvc.weights(shapes).items()}
        self.network.load_state_dict(made, strict=False)  # masks stay as they are

    def inputs(self, frame: np.ndarray, reference: np.ndarray) -> Arrays:
        return {"x_u8": _bytes(frame), "ref_u8": _bytes(reference)}

    def evaluate(self, arrays: Arrays) -> Arrays:
        frame, reference = (_picture(arrays[name]) for name in ("x_u8", "ref_u8"))
        with torch.inference_mode():
            made = _estimated(self.network(frame, reference))
            made |= _coded(self.network(frame, reference, in_turn=True))
        kept = {name: tensor[0].numpy() for name, tensor in made.items()}
        return kept | {name: kept[name].astype(np.int16) for name in kept if name.endswith("_sym")}

    def rounded(self, arrays: Arrays) -> list[np.ndarray]:
        z = [arrays[name] for name in ("fwd_mv_z", "fwd_z", "ar_z")]
        at_once = [arrays["fwd_mv_y"] - arrays["fwd_mv_mean"], arrays["fwd_y"] - arrays["fwd_mean"]]
        means = arrays["ar_mv_hat_latent"] - arrays["ar_mv_sym"], arrays["ar_y_hat"] - arrays["ar_y_sym"]
        in_turn = [arrays["fwd_mv_y"] - means[0], arrays["ar_y"] - means[1]]
        return [*z, arrays["fwd_mv_y"], arrays["fwd_y"], *at_once, *in_turn]

    def noise(self, arrays: Arrays, rng: np.random.Generator) -> Arrays:
        return {}

    def train(self, arrays: Arrays) -> Arrays:
        return {}

    def exact(self, arrays: Arrays) -> Arrays:
        return {}


def _estimated(coded: Coded) -> dict[str, Tensor]:
    motion, residual = coded.motion, coded.residual
    return {
        "fwd_flow": coded.flow,
        "fwd_mv_y": motion.y,
        "fwd_mv_z": motion.z,
        "fwd_mv_mean": motion.mean,
        "fwd_mv_scale": motion.scale,
        "fwd_mv_hat_coarse": coded.coarse,
        "fwd_mv_hat": coded.displacement,
        "fwd_context": coded.context[:, :_KEPT_CHANNELS],
        "fwd_temporal_prior": coded.temporal,
        "fwd_y": residual.y,
        "fwd_z": residual.z,
        "fwd_mean": residual.mean,
        "fwd_scale": residual.scale,
        "fwd_recon_feature": coded.feature[:, :_KEPT_CHANNELS],
        "fwd_recon": coded.reconstruction,
    }


def _coded(coded: Coded) -> dict[str, Tensor]:
    motion, residual = coded.motion, coded.residual
    return {
        "ar_mv_sym": motion.deviation,
        "ar_mv_scale": motion.scale,
        "ar_mv_hat_latent": motion.y_hat,
        "ar_mv": coded.displacement,
        "ar_context": coded.context[:, :_KEPT_CHANNELS],
        "ar_y": residual.y,
        "ar_z": residual.z,
        "ar_y_sym": residual.deviation,
        "ar_y_scale": residual.scale,
        "ar_y_hat": residual.y_hat,
        "ar_recon_unclamped": coded.reconstruction,
    }


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture[0] * 255).astype(np.uint8)


def _picture(samples: np.ndarray) -> Tensor:
    return torch.from_numpy(samples.astype(np.float32) / np.float32(255))[None]

"""cheng2020-anchor for `make.py`: CompressAI itself, a picture as it is estimated and as it is coded (``ar_``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import metadata

import numpy as np
import recipe_cheng2020
import torch
from compressai.models import Cheng2020Anchor
from torch import Tensor
from torch.utils.hooks import RemovableHandle

Arrays = dict[str, np.ndarray]


def widths(arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Of the network that a fixture is of."""
    return {"channels": len(arrays["y"])}


class Twin:
    """The network, its weights made by the recipe."""

    origin = f"CompressAI {metadata.version('compressai')}, Cheng2020Anchor"

    def __init__(self, widths: Mapping[str, int]) -> None:
        self.network = Cheng2020Anchor(N=widths["channels"]).eval()
        parameters = dict(self.network.named_parameters())
        made = recipe_cheng2020.weights({name: tuple(p.shape) for name, p in parameters.items()})
        for name, parameter in parameters.items():
            parameter.data.copy_(torch.from_numpy(made[name]))
        self.network.context_prediction.weight.data *= self.network.context_prediction.mask
        self.network.update(force=True)

    def inputs(self, frame: np.ndarray, reference: np.ndarray) -> Arrays:
        return {"x_u8": np.rint(frame[0] * 255).astype(np.uint8)}

    def evaluate(self, arrays: Arrays) -> Arrays:
        picture = torch.from_numpy(arrays["x_u8"].astype(np.float32) / np.float32(255))[None]
        kept: dict[str, Tensor] = {}
        with torch.inference_mode():
            hooks = list(self._watch(kept))
            made = self.network(picture)
            for hook in hooks:
                hook.remove()
            kept["x_hat"] = made["x_hat"]
            for name in ("y", "z"):
                kept[f"bits_{name}"] = -made["likelihoods"][name].log2().sum()[None]
            kept["scales"], kept["means"] = kept.pop("parameters").chunk(2, 1)
            kept |= self._coded(picture)
        return {name: tensor[0].numpy() for name, tensor in kept.items()}

    def rounded(self, arrays: Arrays) -> list[np.ndarray]:
        medians = self.network.entropy_bottleneck.quantiles[:, 0, 1].detach().numpy()[:, None, None]
        estimated, in_turn = arrays["y"] - arrays["means"], arrays["y"] - arrays["ar_y_hat"]
        return [arrays["y"], arrays["z"] - medians, estimated, in_turn]

    def noise(self, arrays: Arrays, rng: np.random.Generator) -> Arrays:
        return {}

    def train(self, arrays: Arrays) -> Arrays:
        return {}

    def exact(self, arrays: Arrays) -> Arrays:
        return {}

    def _coded(self, picture: Tensor) -> dict[str, Tensor]:
        """The latent as the decoder has it, its picture, and the number of bytes."""
        kept: dict[str, Tensor] = {}
        compressed = self.network.compress(picture)
        hook = self.network.g_s.register_forward_hook(
            lambda _, inputs, output: kept.update(ar_y_hat=inputs[0], ar_x_hat=output.clone())
        )
        self.network.decompress(compressed["strings"], compressed["shape"])
        hook.remove()
        sizes = [len(strings[0]) for strings in compressed["strings"]]
        return {name: kept[name] for name in ("ar_y_hat", "ar_x_hat")} | {
            f"bytes_{name}": torch.tensor([size]) for name, size in zip(("y", "z"), sizes, strict=True)
        }

    def _watch(self, kept: dict[str, Tensor]) -> Iterator[RemovableHandle]:
        network = self.network
        parts = {
            "y": network.g_a,
            "z": network.h_a,
            "side": network.h_s,
            "parameters": network.entropy_parameters,
        }
        for name, part in parts.items():
            yield part.register_forward_hook(
                lambda _, _inputs, output, name=name: kept.update({name: output})
            )

"""The networks that are measured: their settings, weights made from names, frames, and what implementations must
agree in.

No framework is imported here: that happens in the process of the implementation that uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import core
from benchmarks.agreement import (
    Agreement,
    alike,
    equal_but_for_ties,
    equal_bytes,
    equal_losses,
    equal_results,
    like_pictures,
)
from core.hooks import Array, PublishedWeights
from core.media.colour import LUMA_WEIGHTS, Matrix, luma
from core.run import Run
from core.testing.recipes import convert_weights, named_weights
from plugins.cycmunet.weights import published as published_cycmunet
from plugins.dcvc.weights import published as published_dcvc
from plugins.dcvcuf.weights import published as published_dcvcuf
from plugins.dvc.weights import published as published_dvc
from plugins.ssfvc.weights import published as published_ssfvc
from tests.parity import recipe_dcvc, recipe_dcvc_uf, recipe_dvc, recipe_dvcp, recipe_ssfvc

Shapes = Mapping[str, Sequence[int]]
Recipe = Callable[[Shapes], dict[str, Array]]
"""Makes weights from names and shapes."""
Arrays = tuple[Array, ...]

PACKAGES = {"PyTorch": "torch", "CompressAI": "compressai"}
"""Peer -> the package that it needs."""

_CLIP = Path(core.__file__).parent / "data" / "embedded" / "city_night.mp4"
_CYCMUNET_GAIN = 0.7
"""Spread of the weights: large enough for displacements to matter, small enough for deep trunks to stay tame."""
_LARGE = ("dataset.root=unused", "optimizer.lr=1e-5")
"""With the usual rate the losses of the deep networks run away from made-up weights and cannot be compared."""
CYCMUNETS = {
    "demo": ("experiment=cycmunet_demo",),
    "default": ("experiment=cycmunet_vimeo_x2", *_LARGE),
    "rgb_x4": ("experiment=cycmunet_vimeo", *_LARGE),
}
"""Name of a configuration of CycMuNet+ -> the words that choose network, loss and optimizer."""
_COMPILED = ("device=cpu", "device.mode=graph")
"""What is timed is what computes a long video: compiled from the first call."""
_LOW_BYTES, _LOW_PSNR = 0.1, (25.0,)
"""In bfloat16: by how much payloads may differ, and how much alike decoded pictures must be, dB."""
_UNLIKELY_BYTES = 0.04
"""The same of DCVC-UF in float32. Under weights made from names many symbols are unlikely: tables give each at least
one count of 65536 where the peer's estimate is that of likelihoods, 2.8 % fewer bytes. Trained, it is 0.2 %."""
_ALL_CODECS = ("experiment=none", "optimizer=adam", "dataset=clips")


@dataclass(frozen=True)
class Network:
    """What is measured of one network, and by which weights."""

    frames: Callable[[Case, Run], Frames]
    words: tuple[str, ...]
    published: Callable[[Any], PublishedWeights] | None
    """From the options of the model, which published tensor each of our parameters is; None: weights stay as a
    training starts from them."""
    recipe: Recipe | None
    """Weights for published names, if there are any."""
    agree: Mapping[str, Agreement]
    """What can be measured -> what the results of implementations are compared by."""
    low_agree: Mapping[str, Agreement] = field(default_factory=dict)
    """The same in bfloat16, where that can be measured."""
    multiple: int = 1
    """Height and width of frames are multiples of it."""
    given: int = 0
    """Frames that encoder and decoder know before the ones whose coding is measured."""
    of_step: Mapping[str, Recipe] = field(default_factory=dict)
    """Beginning of names of parameters that the training step has itself -> their weights."""
    peer: str | None = "PyTorch"
    """Who made it, or what it is made of: one of `PACKAGES`; None: there is none."""

    @property
    def has_peer(self) -> bool:
        """Whether there is something to measure against."""
        return self.peer is not None and find_spec(PACKAGES[self.peer]) is not None

    def weights(self, config: Any, shapes: Shapes) -> dict[str, Array]:
        """Name-seeded weights for our parameters, of which these are the shapes."""
        mapping = self.published(config)
        theirs = {tensor.name: shapes[ours] for ours, tensor in mapping.tensors.items()}
        return convert_weights(mapping, self.recipe(theirs))


@dataclass(frozen=True)
class Case:
    """What all implementations compute: a network under settings, and how large and how many frames it gets."""

    network: str
    words: Sequence[str]
    height: int
    width: int
    threads: int
    count: int = 2
    low: bool = False
    """In bfloat16; the peer by `autocast`."""

    @property
    def kind(self) -> Network:
        """What is known of the network."""
        return NETWORKS[self.network]

    def run(self) -> Run:
        """The settings as a run, from which ours takes its parts."""
        device = [f"device.threads={self.threads}", *(["device.precision=bfloat16"] if self.low else [])]
        return core.open_run([*self.kind.words, *_COMPILED, *self.words, *device])

    def frames(self, run: Run) -> Frames:
        """What the network gets."""
        return self.kind.frames(self, run)


class Frames:
    """Frames of an embedded clip, (T,3,height,width) in [0,1]; where the clip is smaller, it is mirrored."""

    def __init__(self, case: Case, run: Run) -> None:
        from core.media.reader import open_video

        with open_video(_CLIP) as video:
            taken = [frame.rgb for frame, _ in zip(video, range(case.count), strict=False)]
        pictures = np.stack(taken)[:, :, : case.height, : case.width]
        missing = (case.height - pictures.shape[2], case.width - pictures.shape[3])
        self.clip: Array = np.pad(pictures, ((0, 0), (0, 0), (0, missing[0]), (0, missing[1])), "symmetric")

    @property
    def forward(self) -> Arrays:
        """What the network gets in evaluation."""
        return (self.clip[None],)

    @property
    def step(self) -> Arrays:
        """What a training step gets."""
        return (self.clip[None],)

    def results(self, outputs: Any) -> list[Array]:
        """Of what the network gives in evaluation, as arrays: what is compared."""
        reconstructions, bits = outputs
        return [reconstructions[0], bits / 1e4]


class Pair(Frames):
    """A frame under the one before it, rounded to 8 bits."""

    def __init__(self, case: Case, run: Run) -> None:
        super().__init__(case, run)
        self.clip = (np.rint(255 * self.clip) / 255).astype(np.float32)

    @property
    def forward(self) -> Arrays:
        reference, frame = self.clip
        return frame[None], reference[None]

    def results(self, outputs: Any) -> list[Array]:
        reconstruction, _, costs = outputs
        return [reconstruction, sum(costs) / 1e4]


class Remembered(Pair):
    """The same as DCVC-UF's networks get it: planes, features and a memory of anything, and the quality."""

    def __init__(self, case: Case, run: Run) -> None:
        super().__init__(case, run)
        self.quality, features = run.settings.step.quality, run.settings.model.features
        shape = (1, features, case.height // 8, case.width // 8)
        rng = np.random.default_rng(0)
        self.features, self.memory = (0.5 * rng.standard_normal(shape, np.float32) for _ in range(2))

    @property
    def forward(self) -> Arrays:
        frame, quality = self.clip[1], np.array([self.quality], np.int32)
        red, _, blue = LUMA_WEIGHTS[Matrix.BT709]
        bright = luma(frame)
        planes = (bright - 0.5, (frame[2] - bright) / (2 * (1 - blue)), (frame[0] - bright) / (2 * (1 - red)))
        return np.stack(planes)[None].astype(np.float32), self.features, self.memory, quality

    def results(self, outputs: Any) -> list[Array]:
        reconstruction, _, costs = outputs
        return [reconstruction, sum(costs) / 1e4]


class Neighbours(Frames):
    """Random frames: three of high resolution, and of low resolution, the outer two of which the network gets."""

    def __init__(self, case: Case, run: Run) -> None:
        scale, rng = run.settings.model.scale, np.random.default_rng(0)
        self.high = rng.random((1, 3, 3, scale * case.height, scale * case.width), dtype=np.float32)
        self.low = rng.random((1, 3, 3, case.height, case.width), dtype=np.float32)

    @property
    def forward(self) -> Arrays:
        return self.low[:, 0], self.low[:, 2]

    @property
    def step(self) -> Arrays:
        return self.high, self.low

    def results(self, outputs: Any) -> list[Array]:
        return list(outputs)


def _coding(forward: Agreement, *least: float) -> dict[str, Agreement]:
    """All that is measured of a codec; ``least`` is the PSNR between decoded pictures, dB, as for `like_pictures`."""
    decode = partial(like_pictures, least=least)
    return {"forward": forward, "step": equal_losses, "encode": equal_bytes, "decode": decode}


def _inter(name: str, published: Callable[[Any], PublishedWeights], recipe: Recipe, **more: Any) -> Network:
    """A codec that codes a frame under another; of a picture all of which may move a little, as what depends on a
    latent halfway between two symbols does."""
    chosen = tuple(f"{kind}={name}" for kind in ("model", "loss", "step", "codec"))
    words = (*_ALL_CODECS, *chosen, "intra=png", *more.pop("words", ()))
    agree, frames = _coding(equal_but_for_ties, 50.0), more.pop("frames", Pair)
    agree["encode"] = more.pop("encoded", agree["encode"])
    return Network(frames, words, published, recipe, agree, **{"multiple": 64, "given": 1, **more})


NETWORKS = {
    "cycmunet": Network(
        Neighbours,
        ("loss.distance=charbonnier", "optimizer.schedule.shape=constant", "optimizer.schedule.warmup=0"),
        published_cycmunet,
        partial(named_weights, gain=_CYCMUNET_GAIN),
        {"forward": equal_results, "step": equal_results},
    ),
    "ssfvc": Network(
        Frames,
        (*_ALL_CODECS, "model=ssfvc", "codec=ssfvc", "loss=rate_distortion", "step=rate_distortion"),
        published_ssfvc,
        recipe_ssfvc.weights,
        # Of the intra frame a latent halfway between two symbols may fall to the other side; the references of the
        # others we round and the peer does not, which these weights amplify.
        _coding(equal_results, 60.0, 30.0),
        multiple=128,
        peer="CompressAI",
    ),
    "dvc": _inter("dvc", published_dvc, recipe_dvc.weights),
    "dvcp": _inter(
        "dvcp",
        recipe_dvcp.published,
        recipe_dvcp.weights,
        words=("loss.stages.scale=1e-6",),  # all stages have begun at the first step
        of_step={"discriminator.": recipe_dvcp.discriminator_weights},
    ),
    "dcvc": _inter("dcvc", published_dcvc, recipe_dcvc.weights),
    "dcvcuf": _inter(
        "dcvcuf",
        published_dcvcuf,
        partial(recipe_dcvc_uf.weights, salt="", kind="ld"),
        frames=Remembered,
        words=("model.portable=false", "step.quality=42", "codec.quality=42"),
        multiple=16,
        encoded=partial(equal_bytes, tolerance=_UNLIKELY_BYTES),
        low_agree={
            "forward": alike,
            "encode": partial(equal_bytes, tolerance=_LOW_BYTES),
            "decode": partial(like_pictures, least=_LOW_PSNR),
        },
    ),
    "dcvcuf_small": Network(
        Frames,
        (
            *(*_ALL_CODECS, "model=dcvcuf_small", "loss=dcvcuf", "step=dcvcuf"),
            *("codec=dcvcuf", "codec.gop=0", "codec.reset=0", "intra=png"),
        ),
        None,
        None,
        {"encode": equal_bytes, "decode": equal_results},
        {"encode": equal_bytes, "decode": equal_results},
        multiple=2,
        given=1,
        peer=None,
    ),
}

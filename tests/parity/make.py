"""Makes a parity fixture with a PyTorch twin of `benchmarks/peers/`, or compares the twin with a fixture.

    python tests/parity/make.py dvc FIXTURE.npz --verify
    python tests/parity/make.py dvc NEW.npz [--seed 1] [--height 64] [--width 192] [hidden=32 …]

Needs PyTorch. A twin that agrees with the published code's fixture stands in for that code at other sizes, widths
and seeds; `replay.py` replays both kinds. Each algorithm has a module ``make_<name>`` here with a class ``Twin``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from fixture import Comparison, Fixture, compare  # noqa: E402
from replay import show  # noqa: E402
from torch.nn import functional as F  # noqa: E402

Array = np.ndarray
Arrays = dict[str, np.ndarray]

MARGIN = 9e-5
"""How far from halfway between two symbols every latent of a fixture lies: another framework rounds alike."""
VERIFIED = 2e-5
"""Largest difference between a twin and a stored tensor, relative to the tensor's largest value or 1."""
_ATTEMPTS = 1000


class Twin(Protocol):
    """A PyTorch network of some widths with name-seeded weights, and what a fixture of it holds."""

    origin: str
    """Where the network is from."""

    def inputs(self, frame: Array, reference: Array) -> Arrays:
        """What a fixture stores of two frames, (1,3,H,W) on the grid of 8 bits."""
        ...

    def evaluate(self, arrays: Arrays) -> Arrays:
        """What becomes of a fixture's inputs."""
        ...

    def rounded(self, arrays: Arrays) -> Sequence[Array]:
        """What the network rounds, of evaluated inputs."""
        ...

    def noise(self, arrays: Arrays, rng: np.random.Generator) -> Arrays:
        """Noise for a training step over evaluated inputs; empty where fixtures have none."""
        ...

    def train(self, arrays: Arrays) -> Arrays:
        """Losses and gradients for a fixture's inputs under its noise, where it has some."""
        ...

    def exact(self, arrays: Arrays) -> Arrays:
        """What of `train` float32 hardly holds, in float64; the network is in float64 from then on."""
        ...


def main() -> int:
    options = _options()
    module = importlib.import_module(f"make_{options.algorithm}")
    if options.verify:
        fixture = Fixture(options.fixture)
        widths = module.widths(fixture.arrays) | fixture.manifest.get("widths", {})
        return _verify(module.Twin(widths), fixture.arrays)
    widths = {name: int(value) for name, _, value in (word.partition("=") for word in options.widths)}
    twin = module.Twin(widths)
    arrays, amplitude = _make(twin, options.seed, options.height, options.width)
    manifest = {
        "made by": twin.origin,
        "torch": torch.__version__,
        "seed": options.seed,
        "amplitude": amplitude,
        "widths": widths,
    }
    arrays["manifest_json"] = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
    np.savez_compressed(options.fixture, **arrays)
    print(f"{options.fixture}: {len(arrays)} arrays, amplitude of the noise {amplitude:.2f}")
    return 0


def _options() -> argparse.Namespace:
    names = sorted(path.stem.removeprefix("make_") for path in HERE.glob("make_*.py"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("algorithm", choices=names)
    parser.add_argument("fixture", type=Path)
    parser.add_argument("--verify", action="store_true", help="compare the twin with this fixture")
    parser.add_argument("--seed", type=int, default=1, help="of frames and noise (%(default)s)")
    parser.add_argument("--height", type=int, default=64, help="a multiple of 64 (%(default)s)")
    parser.add_argument("--width", type=int, default=64, help="a multiple of 64 (%(default)s)")
    parser.add_argument("widths", nargs="*", help="options of the model, as hidden=32")
    options = parser.parse_intermixed_args()
    if options.verify and not options.fixture.is_file():
        parser.error(f"there is no file {options.fixture}")
    if options.height % 64 or options.width % 64:
        parser.error("--height and --width must be multiples of 64")
    return options


def _make(twin: Twin, seed: int, height: int, width: int) -> tuple[Arrays, float]:
    """A fixture of the first frames of a seed whose latents keep clear of ties, and the amplitude of their noise."""
    for attempt in range(_ATTEMPTS):
        amplitude = 1 + attempt / 100
        arrays = twin.inputs(*frames(seed, height, width, amplitude))
        arrays |= twin.evaluate(arrays)
        if min(map(_margin, twin.rounded(arrays))) >= MARGIN:
            arrays |= twin.noise(arrays, np.random.default_rng(seed))
            arrays |= twin.train(arrays)
            return arrays | twin.exact(arrays), amplitude
    raise SystemExit(f"No frames of seed {seed} keep clear of ties: try another seed, or a smaller size.")


def frames(seed: int, height: int, width: int, amplitude: float) -> tuple[Array, Array]:
    """A frame and its reference, (1,3,H,W) on the grid of 8 bits: smooth, moved by (-2,3) pixels, with noise."""
    rng = np.random.default_rng(seed)
    coarse = torch.from_numpy(rng.uniform(0, 1, (1, 3, height // 8 + 4, width // 8 + 4)).astype(np.float32))
    smooth = F.interpolate(coarse, scale_factor=8, mode="bicubic", align_corners=False).clamp(0, 1).numpy()
    reference = smooth[:, :, 12 : 12 + height, 12 : 12 + width]
    frame = smooth[:, :, 15 : 15 + height, 10 : 10 + width]
    frame = frame + np.float32(0.05 * amplitude) * rng.standard_normal(frame.shape, np.float32)
    return on_grid(frame), on_grid(reference)


def on_grid(picture: Array) -> Array:
    return (np.rint(picture.clip(0, 1) * 255) / 255).astype(np.float32)


def _margin(latent: Array) -> float:
    """The least distance of a latent's elements from halfway between two symbols."""
    return float(np.abs(latent.astype(np.float64) - np.floor(latent) - 0.5).min())


def _verify(twin: Twin, stored: Arrays) -> int:
    made = twin.evaluate(stored) | twin.train(stored)
    rows = [_compared(name, array, stored[name]) for name, array in made.items()]
    show("the twin beside the fixture; errors relative to the largest value or 1", rows)
    return int(not all(row.holds for row in rows))


def _compared(name: str, ours: Array, stored: Array) -> Comparison:
    scale = max(1.0, float(np.abs(stored.astype(np.float64)).max()))
    return compare(name, ours / scale, stored / scale, VERIFIED)


if __name__ == "__main__":
    sys.exit(main())

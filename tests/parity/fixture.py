"""What all parity fixtures share: an archive with a manifest, and comparisons against it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLES = 64


class Fixture:
    """The arrays of an ``.npz`` and its manifest, inside or as ``.json`` beside it, where it has one."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as archive:
            self.arrays: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
        manifest = self.arrays.get("manifest_json")
        self.manifest: dict[str, Any] = {} if manifest is None else json.loads(manifest.tobytes())
        beside = path.with_suffix(".json")
        if manifest is None and beside.is_file():
            self.manifest = json.loads(beside.read_text(encoding="utf-8"))

    def under(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Arrays whose name starts with ``prefix``, without it."""
        return {name[len(prefix) :]: a for name, a in self.arrays.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Comparison:
    """How far one tensor is from what is expected."""

    name: str
    shape: tuple[int, ...]
    error: float
    tolerance: float

    @property
    def holds(self) -> bool:
        return self.error <= self.tolerance  # false for NaN


def compare(name: str, ours: NDArray[Any] | None, expected: NDArray[Any], tolerance: float) -> Comparison:
    """Largest absolute difference; infinite when the tensor is missing or has another shape."""
    if ours is None or ours.shape != expected.shape:
        return Comparison(name, expected.shape, float("inf"), tolerance)
    error = np.abs(ours.astype(np.float64) - expected.astype(np.float64)).max()
    return Comparison(name, expected.shape, float(error), tolerance)


def probe(tensor: NDArray[Any]) -> NDArray[np.float32]:
    """Mean, population standard deviation and up to 64 evenly spread samples of a tensor."""
    values = tensor.astype(np.float64).ravel()
    samples = values[:: max(1, values.size // _SAMPLES)][:_SAMPLES]
    return np.concatenate(([values.mean(), values.std()], samples)).astype(np.float32)

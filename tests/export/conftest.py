"""Small networks by name, and what runs an ONNX model, that the tests of exports share."""

from dataclasses import dataclass
from importlib import import_module

import numpy as np
import onnx
import pytest
from mindspore import Tensor

from core.backend import PORTABLE
from plugins.cycmunet.config import CycMuNetConfig, Format
from plugins.cycmunet.interface import VideoCycMuNet

from ..plugins.cheng2020 import conftest as cheng2020
from ..plugins.codecs.material import build_frames
from ..plugins.dcvc import conftest as dcvc
from ..plugins.dcvcuf import conftest as dcvcuf
from ..plugins.dvc import conftest as dvc
from ..plugins.dvcp import conftest as dvcp
from ..plugins.ssfvc import conftest as ssfvc

onnxruntime = pytest.importorskip("onnxruntime")

TOLERANCE = 1e-4
"""Sums of thousands of products in another order; the largest values are some tens."""


def _cycmunet():
    small = {"features": 4, "groups": 2, "levels": 2, "cycles": 1, "front_blocks": 1, "trunk_blocks": 1}
    network = VideoCycMuNet(CycMuNetConfig(**small, format=Format.yuv420, floor=True))
    rng = np.random.default_rng(7)
    for parameter in network.get_parameters():
        spread = np.prod(parameter.shape[1:]) ** -0.5 if parameter.ndim > 1 else 0.05
        parameter.set_data(Tensor((spread * rng.standard_normal(parameter.shape)).astype(np.float32)))
    return network.set_train(False)


def _cheng2020():
    """Its last layer is turned down: under these latents its pictures would have values beyond a thousand."""
    network = cheng2020.build_network(channels=4)
    last = network.synthesis[-2].weight
    last.set_data(last / 40)
    return network


_BUILDERS = {
    "cycmunet": _cycmunet,
    "dvc": lambda: dvc.build_network(**dvc.SMALLEST),
    "dvcp": lambda: dvcp.build_network(**dvcp.SMALLEST),
    "dcvc": lambda: dcvc.build_network(**dcvc.SMALLEST),
    "dcvcuf": lambda: dcvcuf.build_network(**dcvcuf.SMALLEST),
    "ssfvc": lambda: ssfvc.build_network(**ssfvc.SMALLEST),
    "cheng2020": _cheng2020,
}
NETWORKS = list(_BUILDERS)


@dataclass(frozen=True)
class Exported:
    """A small network and its parts."""

    name: str
    network: object
    parts: list

    def part(self, name):
        return next(part for part in self.parts if part.name == name)


def export_network(name):
    """The network of a plugin, built to be exported."""
    with PORTABLE:
        network = _BUILDERS[name]()
        entry = import_module(f"plugins.{name}.plugin").MODEL
        return Exported(name, network, list(entry.parts(network)))


def inputs_for(part, size):
    """For every input: moving frames, small displacements, or whole numbers as latents are."""
    rng = np.random.default_rng(3)
    frames = build_frames(2, *(-(-side // 8) * 8 for side in size))[:, :, : size[0], : size[1]]
    made = []
    for number, plane in enumerate(part.inputs):
        shape = plane.shape(*size)
        if plane.channels == 3 and plane.reduction == 1:
            made.append(frames[: shape[1]][None] if len(shape) == 5 else frames[number % 2][None])
        elif plane.reduction > 1:
            made.append(np.rint(6 * rng.standard_normal(shape)).astype(np.float32))
        else:
            made.append((3 * rng.standard_normal(shape)).astype(np.float32))
    return [np.ascontiguousarray(array) for array in made]


def flat(value):
    """Tensors in tuples of tuples as arrays in one list."""
    return [value.asnumpy()] if isinstance(value, Tensor) else [a for item in value for a in flat(item)]


def assert_alike(part, model, size):
    """The model is valid and gives what the cell gives, but for rounding."""
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    arrays = inputs_for(part, size)
    given = session.run(None, dict(zip([plane.name for plane in part.inputs], arrays, strict=True)))
    wanted = flat(part.cell(*map(Tensor, arrays)))
    for name, ours, theirs in zip(part.outputs, given, wanted, strict=True):
        assert ours.shape == theirs.shape, name
        # Information is a sum over all symbols: some thousands of bits.
        bound = TOLERANCE * max(1.0, abs(theirs).max()) if "bits" in name else TOLERANCE
        np.testing.assert_allclose(ours, theirs, atol=bound, rtol=0, err_msg=f"{part.name}: {name}")
        assert np.isfinite(ours).all()

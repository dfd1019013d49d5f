"""CycMuNet+: builds each configuration of a fixture, runs it, and compares outputs, probes and colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from fixture import Comparison, Fixture, compare, probe
from mindspore import Tensor, nn, ops

from core.hooks import PublishedWeights
from core.nn.deform import deformable_conv2d_by_gathering, deformable_conv2d_by_operator
from core.testing.recipes import convert_weights, load_weights, named_weights
from plugins.cycmunet.colour import ToPlanes, ToRgb
from plugins.cycmunet.config import CycMuNetConfig, Deformable, Format
from plugins.cycmunet.interface import VideoCycMuNet
from plugins.cycmunet.weights import published

Arrays = Mapping[str, np.ndarray]

DEFORMABLE_UNIT = "dcn_unit"
_OUTPUTS = ("hf0", "hf1", "hf2", "lf1")
_GAIN, _TOLERANCE = 0.5, 1e-5
_COLOUR_TOLERANCE = 1e-5
_DEFORMABLE_TOLERANCE = 1e-5


def configs(fixture: Fixture) -> list[str]:
    """Names of what the fixture can replay."""
    unit = [DEFORMABLE_UNIT] if fixture.under(f"{DEFORMABLE_UNIT}/") else []
    return unit + list(fixture.manifest["models"])


def replay(fixture: Fixture, name: str) -> Iterator[Comparison]:
    """Every comparison of one configuration."""
    if name == DEFORMABLE_UNIT:
        yield from _replay_deformable(fixture.under(f"{DEFORMABLE_UNIT}/"))
        return
    arrays = fixture.under(f"{name}/")
    tolerance = fixture.manifest.get("tolerance_hint", {}).get(name, _TOLERANCE)
    video, planes = build(fixture.manifest["models"][name]), _plane_names(arrays)
    recorded, outputs = _run(video, [_frame(arrays, at, planes) for at in ("in0", "in2")])
    for output, parts in zip(_OUTPUTS, outputs, strict=True):
        for plane, part in zip(planes, parts, strict=True):
            key = f"out.{output}.{plane}"
            yield compare(key, part.asnumpy(), arrays[key], tolerance)
    for key, expected in arrays.items():
        if key.startswith("probe/"):
            ours = recorded.get(key.removeprefix("probe/"))
            yield compare(key, None if ours is None else probe(ours), expected, tolerance)
    yield from _replay_colour(fixture, arrays, video.config.format, planes, tolerance)


def build(model: Mapping[str, Any]) -> VideoCycMuNet:
    """The network of a manifest entry with its name-seeded weights."""
    fields = model["config"]
    config = CycMuNetConfig(
        features=fields["nf"],
        groups=fields["groups"],
        scale=fields["upscale_factor"],
        format=Format(fields["format"]),
        levels=fields["layers"],
        cycles=fields["cycle_count"],
        front_blocks=model.get("front_blocks", 5),
        trunk_blocks=model.get("back_blocks", 40),
        deformable=Deformable.auto,
    )
    network = VideoCycMuNet(config)
    mapping = published(config)
    shapes = model.get("shapes") or _shapes(network, mapping)
    load_weights(network, convert_weights(mapping, named_weights(shapes, model.get("gain", _GAIN))))
    return network


def _shapes(network: VideoCycMuNet, mapping: PublishedWeights) -> dict[str, tuple[int, ...]]:
    """Published shapes, which are ours, for a manifest that lists none."""
    return {mapping.tensors[name].name: parameter.shape for name, parameter in network.parameters_and_names()}


def _plane_names(arrays: Arrays) -> list[str]:
    return ["rgb"] if "in0.rgb" in arrays else ["y", "uv"]


def _frame(arrays: Arrays, at: str, planes: list[str]) -> tuple[Tensor, ...]:
    return tuple(Tensor(arrays[f"{at}.{plane}"]) for plane in planes)


def _run(video: VideoCycMuNet, frames: list[tuple[Tensor, ...]]) -> tuple[dict[str, np.ndarray], Any]:
    """Outputs, and what the probed parts returned by their published names (``NAME#call[item]``)."""
    recorder = _Recorder()
    network = video.network
    recorder.watch(network.extraction, "fe", _by_call)
    recorder.watch(network.interpolation, "ff", _single)
    for level, cell in enumerate(network.interpolation.from_first.levels):
        split = _single if cell.channels == 1 else _channels_last
        recorder.watch(cell, f"ff.modules12.{level}", split)
        recorder.watch(cell.sampling, f"ff.modules12.{level}.dcnpack", split)
    recorder.watch(network.cycle, "mu", _all_frames)
    recorder.watch(network.cycle.up[0], "mu.up.0", _triple)
    recorder.watch(network.cycle.down[0], "mu.down.0", _triple)
    recorder.watch(network.trunk, "trunk", _single)
    outputs = network(*frames)
    high, low = recorder.tensors.pop("trunk#0[0]"), recorder.tensors.pop("trunk#1[0]")
    for call, frame in enumerate([low, *np.split(high, 3)]):  # the published code starts with the low one
        recorder.tensors[f"fr#{call}[0]"] = frame
    return recorder.tensors, outputs


class _Recorder:
    """Keeps what cells return, split into the published code's calls and items."""

    def __init__(self) -> None:
        self.tensors: dict[str, np.ndarray] = {}

    def watch(self, cell: nn.Cell, name: str, split: Any) -> None:
        calls = iter(range(1000))

        def keep(_cell: nn.Cell, _inputs: Any, output: Any) -> None:
            call = next(calls)
            for (extra, item), tensor in split(output).items():
                self.tensors[f"{name}#{call + extra}[{item}]"] = tensor.asnumpy()

        cell.register_forward_hook(keep)


def _single(output: Any) -> dict[tuple[int, int], Tensor]:
    items = output if isinstance(output, tuple) else (output,)
    return {(0, item): tensor for item, tensor in enumerate(items)}


def _channels_last(output: Any) -> dict[tuple[int, int], Tensor]:
    return {at: ops.transpose(tensor, (0, 3, 1, 2)) for at, tensor in _single(output).items()}


def _by_call(pyramid: tuple[Tensor, ...]) -> dict[tuple[int, int], Tensor]:
    """Both frames go through at once here, one after the other there."""
    return {
        (call, i): half for i, level in enumerate(pyramid) for call, half in enumerate(ops.chunk(level, 2, 0))
    }


def _triple(triple: Tensor) -> dict[tuple[int, int], Tensor]:
    return {(0, frame): part for frame, part in enumerate(ops.chunk(triple, 3, 0))}


def _all_frames(output: tuple[Tensor, Tensor]) -> dict[tuple[int, int], Tensor]:
    return {**_triple(output[0]), (0, 3): output[1]}


def _replay_colour(
    fixture: Fixture, arrays: Arrays, format: Format, planes: list[str], tolerance: float
) -> Iterator[Comparison]:
    """The network's inputs from the frames, and its outputs as RGB (with the published green)."""
    to_planes, to_rgb = ToPlanes(format), ToRgb(format, published_green=True)
    height, width = arrays[f"in0.{planes[0]}"].shape[2:]
    for at, index in (("in0", 0), ("in2", 1)) if "frames" in fixture.arrays else ():
        rgb = Tensor(fixture.arrays["frames"][:, index, :, :height, :width])
        for plane, tensor in zip(planes, to_planes(rgb), strict=True):
            yield compare(f"{at}.{plane}", tensor.asnumpy(), arrays[f"{at}.{plane}"], _COLOUR_TOLERANCE)
        if f"{at}.raw_y" in arrays:
            for plane, tensor in zip(planes, to_planes.luma_and_chroma(rgb), strict=True):
                key = f"{at}.raw_{plane}"
                yield compare(key, tensor.asnumpy(), arrays[key], _COLOUR_TOLERANCE)
    for output in _OUTPUTS:
        key = f"final_rgb.{output}"
        if key in arrays:
            rgb = to_rgb(_frame(arrays, f"out.{output}", planes))
            yield compare(key, rgb.asnumpy(), arrays[key], tolerance)


def _replay_deformable(unit: Arrays) -> Iterator[Comparison]:
    offset = unit["offset"]
    batch, _, height, width = offset.shape
    pairs = offset.reshape(batch, -1, 2, height, width)
    offsets = np.concatenate((pairs[:, :, 1], pairs[:, :, 0]), 1)
    inputs = [Tensor(a) for a in (unit["input"], offsets, unit["mask"], unit["weight"], unit["bias"])]
    groups = unit["mask"].shape[1] // 9
    for name, function in (
        ("gather", deformable_conv2d_by_gathering),
        ("operator", deformable_conv2d_by_operator),
    ):
        ours = function(*inputs, groups).asnumpy()
        yield compare(f"output by {name}", ours, unit["output"], _DEFORMABLE_TOLERANCE)

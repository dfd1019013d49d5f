"""All networks in onnxruntime: the same pictures as from MindSpore."""

import numpy as np
import pytest
from onnx import numpy_helper

from core.export.parts import at_any_size, at_size

from .conftest import NETWORKS, assert_alike, export_network

needs_deformable = pytest.mark.skipif(
    tuple(map(int, pytest.importorskip("onnxruntime").__version__.split(".")[:2])) < (1, 25),
    reason="onnxruntime has deformable convolution on processors from 1.25 on",
)


def _size(part, exported):
    """Odd where the network allows it, and never square."""
    return (9, 13) if part.pads else (part.multiple, part.multiple * (1 if exported.name == "ssfvc" else 2))


@pytest.mark.parametrize("name", [pytest.param("cycmunet", marks=needs_deformable), *NETWORKS[1:]])
def test_whole_network(name):
    exported = export_network(name)
    part = exported.parts[0]
    size = _size(part, exported)
    assert_alike(part, at_size(part, size), size)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("dcvc", "displacement"),  # a warp: positions of pixels
        ("ssfvc", "image_synthesis"),
        ("dcvcuf", "first_memory"),  # factors of one place
    ],
)
def test_part_for_any_size(name, part):
    part = export_network(name).part(part)
    model = at_any_size(part)
    for size in ((part.multiple, 3 * part.multiple), (2 * part.multiple, part.multiple)):
        assert_alike(part, model, size)


def test_part_for_any_size_names_its_sides():
    part = export_network("dvc").part("residual_synthesis")
    model = at_any_size(part)
    assert_alike(part, model, (64, 192))
    graph = model.graph
    sides = [
        [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    ]
    assert sides == [
        [1, 4, "height/16", "width/16"],
        [1, 3, "height", "width"],
        [1, 3, "height", "width"],
    ]


def test_holds_the_weights_by_their_names():
    exported = export_network("dvc")
    model = at_size(exported.part("residual_synthesis"), (64, 64))
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weight = exported.network.residual.synthesis[0].weight
    np.testing.assert_array_equal(held[weight.name], weight.asnumpy())


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param("cycmunet", marks=needs_deformable), *NETWORKS[1:]])
def test_every_part_for_any_size(name):
    for part in export_network(name).parts:
        model = at_any_size(part)
        for size in ((part.multiple, 3 * part.multiple), (2 * part.multiple, part.multiple)):
            assert_alike(part, model, size)

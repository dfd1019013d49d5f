"""LPIPS beside its definition, with seeded weights of few channels."""

import numpy as np
import pytest
from mindspore import Tensor
from scipy.ndimage import correlate

from core.errors import CheckpointError, MindvideoError
from core.tasks.import_weights import translate
from core.training.checkpoint import MODEL, Checkpoint
from plugins.dvcp.config import LpipsConfig, LpipsMetricConfig
from plugins.dvcp.lpips import Lpips
from plugins.dvcp.plugin import LPIPS, LPIPS_NETWORK
from plugins.dvcp.weights import published_lpips

CHANNELS = 4
WIDTHS = (4, 12, 24, 16, 16)
KERNELS = (11, 5, 3, 3, 3)
PLACES = ((1, 0), (2, 3), (3, 6), (4, 8), (5, 10))
"""Slices and layers of the published network."""


@pytest.fixture(scope="module")
def state():
    """A state dict with the published names."""
    rng = np.random.default_rng(12)
    tensors = {"scaling_layer.shift": np.zeros(3, np.float32)}
    for number, (slice, layer) in enumerate(PLACES):
        inputs = (3, *WIDTHS)[number]
        shape = (WIDTHS[number], inputs, KERNELS[number], KERNELS[number])
        name = f"net.slice{slice}.{layer}"
        tensors[f"{name}.weight"] = rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5
        tensors[f"{name}.bias"] = 0.1 * rng.standard_normal(shape[0])
        for head in (f"lin{number}", f"lins.{number}"):
            tensors[f"{head}.model.1.weight"] = rng.random((1, shape[0], 1, 1))
    return {name: value.astype(np.float32) for name, value in tensors.items()}


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    return written(tmp_path_factory.mktemp("lpips") / "lpips.safetensors", state, "lpips")


def written(path, state, model):
    tensors, account = translate(published_lpips(LpipsConfig()), state)
    assert account.missing == account.left_over == [] and len(account.ignored) == 6
    named = {MODEL + name: value for name, value in tensors.items()}
    section = {"model": model, "channels": CHANNELS}
    Checkpoint(path, named, section, {"name": "dvcp", "distribution": "", "version": ""}, {}).save()
    return path


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 256, (3, 72, 80)) / 255
    return np.rint(255 * np.clip(truth + 0.1 * rng.standard_normal(truth.shape), 0, 1)) / 255, truth


def features(state, picture):
    """Of the five layers, by their definition, in float64."""
    shift, scale = np.array([[-0.030, -0.088, -0.188], [0.458, 0.448, 0.450]]).reshape(2, 3, 1, 1)
    x = (2 * picture - 1 - shift) / scale
    for number, (slice, layer) in enumerate(PLACES):
        if number in (1, 2):
            x = pooled(x)
        name = f"net.slice{slice}.{layer}"
        weight = state[f"{name}.weight"].astype(np.float64)
        margin = 2 if number == 0 else KERNELS[number] // 2
        x = convolved(
            np.pad(x, ((0, 0), (margin, margin), (margin, margin))), weight, 4 if number == 0 else 1
        )
        x = np.maximum(x + state[f"{name}.bias"][:, None, None], 0)
        yield x


def convolved(x, weight, stride):
    kernel, half = weight.shape[-1], weight.shape[-1] // 2
    whole = [
        sum(correlate(c, k, mode="constant") for c, k in zip(x, kernels, strict=True)) for kernels in weight
    ]
    height, width = (side - kernel + half + 1 for side in x.shape[1:])
    return np.array(whole)[:, half:height:stride, half:width:stride]


def pooled(x):
    _, height, width = x.shape
    rows, columns = (height - 1) // 2, (width - 1) // 2
    return np.array(
        [
            [[c[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max() for j in range(columns)] for i in range(rows)]
            for c in x
        ]
    )


def test_the_distance_is_its_definition(state, file, pair):
    expected = 0.0
    for number, (a, b) in enumerate(zip(*(features(state, picture) for picture in pair), strict=True)):
        a, b = (f / (np.sqrt((f**2).sum(0)) + 1e-10) for f in (a, b))
        weight = state[f"lin{number}.model.1.weight"].reshape(-1, 1, 1)
        expected += (weight * (a - b) ** 2).sum(0).mean()
    metric = LPIPS.build(LpipsMetricConfig(str(file)))
    metric.update(pair[0][None], pair[1][None])
    assert metric.eval() == pytest.approx(expected, rel=1e-4)
    metric.clear()
    metric.update(pair[1][None], pair[1][None])
    assert metric.eval() == 0


def test_the_published_size():
    network = LPIPS_NETWORK.build(LpipsConfig())
    assert set(published_lpips(LpipsConfig()).tensors) == {p.name for p in network.get_parameters()}
    assert sum(p.size for p in network.get_parameters()) == 2_469_696 + sum((64, 192, 384, 256, 256))
    assert not LPIPS.higher_is_better


def test_small_pictures_and_other_files_are_refused(state, file, tmp_path):
    metric = LPIPS.build(LpipsMetricConfig(str(file)))
    with pytest.raises(MindvideoError, match="64x64 pixels at least, not 80x60"):
        metric.update(np.zeros((1, 3, 60, 80)), np.zeros((1, 3, 60, 80)))
    with pytest.raises(CheckpointError, match="holds model=vgg19, not lpips"):
        LPIPS.build(LpipsMetricConfig(str(written(tmp_path / "other.safetensors", state, "vgg19"))))
    with pytest.raises(CheckpointError, match="there is no"):
        LPIPS.build(LpipsMetricConfig(str(tmp_path / "absent.safetensors")))


def test_it_compiles(file, pair):
    import mindspore as ms

    network = Lpips(LpipsConfig(CHANNELS))
    arguments = [Tensor(picture[None].astype(np.float32)) for picture in pair]
    assert ms.jit(network.construct)(*arguments).shape == (1,)

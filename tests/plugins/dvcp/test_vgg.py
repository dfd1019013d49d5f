"""VGG-19 beside its definition, its weights from files, and the distance that is measured on it."""

import numpy as np
import pytest
from mindspore import Tensor
from scipy.ndimage import correlate

from core.errors import CheckpointError
from core.tasks.import_weights import translate
from core.training.checkpoint import MODEL, Checkpoint
from plugins.dvcp.config import DvcpLossConfig, Features, VggConfig, VggInput
from plugins.dvcp.loss import feature_distance
from plugins.dvcp.plugin import LOSS, VGG
from plugins.dvcp.vgg import LAYERS, Vgg19, random_vgg, trained_vgg
from plugins.dvcp.weights import published_vgg

CHANNELS = 2
IMAGENET = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).reshape(2, 3, 1, 1)
PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)
"""Of the convolutions among the layers of torchvision's VGG-19."""


@pytest.fixture(scope="module")
def state():
    """A state dict with torchvision's names, of few channels, seeded."""
    rng = np.random.default_rng(11)
    widths = [w * CHANNELS for w, count in zip((1, 2, 4, 8, 8), LAYERS, strict=True) for _ in range(count)]
    tensors = {}
    for place, inputs, outputs in zip(PLACES, [3, *widths], widths, strict=False):
        shape = (outputs, inputs, 3, 3)
        weight = rng.standard_normal(shape) * (2 / (9 * inputs)) ** 0.5
        tensors[f"features.{place}.weight"] = weight.astype(np.float32)
        tensors[f"features.{place}.bias"] = (0.1 * rng.standard_normal(outputs)).astype(np.float32)
    return tensors | {"classifier.0.weight": np.zeros((2, 2), np.float32)}


@pytest.fixture
def file(state, tmp_path):
    return written(tmp_path / "vgg.safetensors", state, "vgg19")


def written(path, state, model, input="torchvision"):
    tensors, account = translate(published_vgg(VggConfig(CHANNELS)), state)
    assert account.missing == account.left_over == [] and account.ignored == ["classifier.0.weight"]
    named = {MODEL + name: value for name, value in tensors.items()}
    section = {"model": model, "channels": CHANNELS, "input": input}
    Checkpoint(path, named, section, {"name": "dvcp", "distribution": "", "version": ""}, {}).save()
    return path


def defined(state, x):
    """The features by their definition, in float64: (3,H,W) -> (C,H/16,W/16)."""
    place = iter(PLACES)
    for group, count in enumerate(LAYERS):
        if group:
            channels, height, width = x.shape
            x = x.reshape(channels, height // 2, 2, width // 2, 2).max((2, 4))
        for _ in range(count):
            layer = f"features.{next(place)}"
            weight = state[f"{layer}.weight"].astype(np.float64)
            x = [
                sum(correlate(c, k, mode="constant") for c, k in zip(x, kernels, strict=True))
                for kernels in weight
            ]
            x = np.maximum(np.array(x) + state[f"{layer}.bias"][:, None, None], 0)
    return x


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(6).random((3, 32, 48), dtype=np.float32)


def test_features_are_those_of_the_definition(either_kernels, file, state, picture):
    expected = defined(state, ((picture - IMAGENET[0]) / IMAGENET[1]))
    ours = trained_vgg(file)(Tensor(picture[None])).asnumpy()[0]
    assert expected.std() > 0.1 and ours.shape == (8 * CHANNELS, 2, 3)
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_original_weights_see_bgr_less_its_mean(state, picture, tmp_path):
    path = written(tmp_path / "caffe.safetensors", state, "vgg19", "caffe")
    blue_first = 255.0 * picture[::-1] - np.array([103.939, 116.779, 123.68]).reshape(3, 1, 1)
    expected = defined(state, blue_first)
    ours = trained_vgg(path)(Tensor(picture[None])).asnumpy()[0]
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_the_published_size():
    published = published_vgg(VggConfig())
    network = VGG.build(VggConfig())
    assert set(published.tensors) == {p.name for p in network.get_parameters()}
    assert sum(p.size for p in network.get_parameters()) == 20_024_384
    assert not network.trainable_params()


def test_random_weights_are_always_the_same(picture):
    first, second = (random_vgg(CHANNELS)(Tensor(picture[None])).asnumpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first > 0).any()


def test_the_distance_is_an_unsquared_norm():
    rng = np.random.default_rng(1)
    a, b = (rng.random((2, 4, 3, 3), dtype=np.float32) for _ in range(2))
    pictures = Tensor(np.zeros((2, 3, 48, 40), np.float32))
    expected = np.linalg.norm(a - b) / (48 * 40 * 3)
    assert float(feature_distance(Tensor(a), Tensor(b), pictures).asnumpy()) == pytest.approx(
        expected, rel=1e-5
    )


def test_a_loss_says_which_features_it_has(file, caplog):
    trained = LOSS.build(DvcpLossConfig(features=Features.vgg, vgg_file=str(file)))
    assert trained.outputs[2] == "vgg" and not caplog.records
    random = LOSS.build(DvcpLossConfig(vgg_channels=CHANNELS))
    assert random.outputs[2] == "random_vgg" and "fixed random weights" in caplog.text
    assert [p.name for p in random.get_parameters()] == []  # no checkpoint of a training holds them


def test_files_that_do_not_fit_are_refused(file, state, tmp_path):
    cases = {
        "there is no": tmp_path / "absent.safetensors",
        "holds model=dvc, not vgg19": written(tmp_path / "other.safetensors", state, "dvc"),
        "damaged": tmp_path / "cut.safetensors",
    }
    cases["damaged"].write_bytes(file.read_bytes()[:1000])
    for told, path in cases.items():
        with pytest.raises(CheckpointError, match=told):
            LOSS.build(DvcpLossConfig(features=Features.vgg, vgg_file=str(path)))


def test_channels_must_be_positive():
    with pytest.raises(ValueError, match="channels is"):
        VggConfig(0)
    assert Vgg19(VggConfig(1, VggInput.caffe)).flip

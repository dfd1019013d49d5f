"""Files of weights from elsewhere: every format and number type, and whatever is wrong with one is one sentence."""

import io
import json
import struct
import sys
import zipfile
from types import ModuleType

import mindspore as ms
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mindspore import nn
from safetensors.numpy import save_file

from core.errors import CheckpointError
from core.training.checkpoint import load_weights
from core.training.weights import Wanted, is_torch, read_weights, require_finite

VALUES = np.array([[1.5, -2.0, 0.25], [3.0, 1e-3, 100.0]], np.float32)
AS_BFLOAT16 = VALUES.view(np.uint32) >> 16
"""The upper halves, cut off: all but 1e-3 are exact."""


def write_safetensors(path, tensors):
    """A file of tensors (type, shape, bytes) by name, of types that numpy has or not."""
    header, body = {}, b""
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def npz(path, members, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_bfloat16_of_safetensors_beside_others(tmp_path):
    path = tmp_path / "a.safetensors"
    halves = AS_BFLOAT16.astype("<u2").tobytes()
    write_safetensors(
        path,
        {"a": ("F32", [6], VALUES.tobytes()), "b": ("BF16", [2, 3], halves), "c": ("BF16", [0], b"")},
    )
    found = read_weights(path)
    np.testing.assert_array_equal(found["a"], VALUES.ravel())
    np.testing.assert_allclose(found["b"], VALUES, rtol=2**-7)
    assert found["b"].dtype == np.float32 and found["c"].shape == (0,)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_become_float32(tmp_path, suffix, kind):
    path = tmp_path / f"a.{suffix}"
    (save_file if suffix == "safetensors" else lambda t, p: np.savez(p, **t))(
        {"a": VALUES.astype(kind)}, path
    )
    assert read_weights(path)["a"].dtype == np.float32


def test_bfloat16_of_npz(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    np.savez(tmp_path / "a.npz", a=VALUES.astype(ml_dtypes.bfloat16))
    np.testing.assert_allclose(read_weights(tmp_path / "a.npz")["a"], VALUES, rtol=2**-8)


@pytest.mark.parametrize("kind", [ms.float16, ms.bfloat16, ms.float32])
def test_mindspore_checkpoints(tmp_path, kind):
    path = tmp_path / "a.ckpt"
    ms.save_checkpoint([{"name": "a", "data": ms.Tensor(VALUES).astype(kind)}], str(path))
    assert not is_torch(path)
    found = read_weights(path)["a"]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, VALUES, rtol=2**-7)


@pytest.mark.parametrize("kind", ["F8_E4M3", "F8_E5M2"])
def test_types_that_are_not_read_are_named(tmp_path, kind):
    path = tmp_path / "a.safetensors"
    write_safetensors(path, {"conv.weight": (kind, [2], b"\0\0")})
    with pytest.raises(CheckpointError, match=rf"'conv\.weight' is of type {kind}"):
        read_weights(path)


@pytest.mark.parametrize("array", [np.array(["text"]), np.zeros(2, complex), np.zeros(2, "V1")])
def test_arrays_of_no_numbers_are_named(tmp_path, array):
    np.savez(tmp_path / "a.npz", a=array)
    with pytest.raises(CheckpointError, match="'a' is of type"):
        read_weights(tmp_path / "a.npz")


def test_a_small_archive_that_unpacks_to_much_is_refused_unread(tmp_path):
    path = tmp_path / "a.npz"
    zeros = npy(np.zeros(1, np.float32))[:-4] + bytes(1 << 28)
    npz(path, {"a.npy": zeros}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(CheckpointError, match="would unpack to 256 MiB"):
        read_weights(path, wanted=Wanted(parameters=1000))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"../../evil": b"abc"}, r"member '\.\./\.\./evil' is no array"),
        ({"a.npy": b"abc"}, "no readable"),
        ({"a.npy": npy(np.zeros(4))[:-1]}, "not as long as it says"),
        ({"a.npy": npy(np.zeros(4)).replace(b"(4,)", b"(9999999999999,)")}, "no readable"),
        ({"a.npy": npy(np.array([{}], object))}, "pickled objects"),
    ],
)
def test_members_that_are_no_arrays(tmp_path, members, sentence):
    npz(tmp_path / "a.npz", members)
    with pytest.raises(CheckpointError, match=sentence):
        read_weights(tmp_path / "a.npz")


def test_plain_loading_takes_prefixes_off(tmp_path):
    network = nn.Dense(3, 2)
    np.savez(tmp_path / "a.npz", **{"module.weight": VALUES, "module.bias": np.ones(2, np.float16)})
    load_weights(network, tmp_path / "a.npz", {})
    np.testing.assert_array_equal(network.weight.asnumpy(), VALUES)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_by_name(tmp_path, value):
    with pytest.raises(CheckpointError, match="'bias' holds values that are no finite numbers"):
        require_finite({"weight": VALUES, "bias": np.array([1, value])}, tmp_path / "a")
    np.savez(tmp_path / "a.npz", weight=VALUES, bias=np.array([1, value]))
    network = nn.Dense(3, 2)
    with pytest.raises(CheckpointError, match="'bias'"):
        load_weights(network, tmp_path / "a.npz", {})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("suffix", ["npz", "safetensors", "ckpt"])
def test_a_changed_file_is_read_or_refused(tmp_path, suffix, data):
    path = tmp_path / f"a.{suffix}"
    if suffix == "npz":
        np.savez(path, a=VALUES, b=np.zeros(3))
    elif suffix == "safetensors":
        save_file({"a": VALUES, "b": np.zeros(3, np.float16)}, path)
    else:
        ms.save_checkpoint([{"name": n, "data": ms.Tensor(VALUES)} for n in "ab"], str(path))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))])
    try:
        found = read_weights(path)
    except CheckpointError:
        return
    assert all(value.dtype.kind in "fiub" for value in found.values())


class Tensor:
    """What is asked of a tensor of PyTorch that needs its gradient: it gives no array before `detach`."""

    dtype = "torch.bfloat16"

    def __init__(self, values, gradient=True):
        self.values, self.gradient = values, gradient

    def detach(self):
        return Tensor(self.values, gradient=False)

    def is_floating_point(self):
        return True

    def float(self):
        return self

    def numpy(self):
        if self.gradient:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        return self.values


@pytest.fixture
def loads(monkeypatch):
    """Make ``torch.load`` give a value or raise an error."""

    def put(outcome):
        def load(path, map_location, weights_only):
            assert weights_only is True
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        torch = ModuleType("torch")
        torch.load = load
        monkeypatch.setitem(sys.modules, "torch", torch)

    return put


@pytest.mark.parametrize("suffix", ["pth", "pt", "ckpt"])
def test_parameters_with_gradients(tmp_path, loads, suffix):
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"\x80\x02")
    loads({"epoch": 1, "params_ema": {"module.a": Tensor(VALUES)}})
    np.testing.assert_array_equal(read_weights(path)["a"], VALUES)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            "Weights only load failed. This file can still be loaded, to do so you have two options, do those steps "
            "only if you trust the source of the checkpoint.\n\t(1) re-running `torch.load` with `weights_only` set "
            "to `False`\n\tWeightsUnpickler error: Unsupported global: GLOBAL argparse.Namespace was not an allowed",
            r"holds more than weights \(argparse\.Namespace\)",
        ),
        ("Use weights_only=False", "is damaged, or holds more than weights"),
        ("", "is damaged, or holds more than weights"),
    ],
)
def test_advice_to_run_what_is_in_a_file_is_not_passed_on(tmp_path, loads, error, sentence):
    path = tmp_path / "a.pth"
    path.write_bytes(b"anything")
    loads(RuntimeError(error))
    with pytest.raises(CheckpointError, match=sentence) as raised:
        read_weights(path)
    assert "weights_only" not in str(raised.value)
    assert "save the state dict alone" in str(raised.value).lower()

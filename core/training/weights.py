"""Weights of other files: named arrays from what NumPy, safetensors, MindSpore and PyTorch write, none of it run."""

from __future__ import annotations

import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from core.errors import CheckpointError
from core.records import parse_json
from core.training.state_dicts import weights_in

Tensors = dict[str, NDArray[Any]]

BFLOAT16 = "BF16"
_SAFETENSORS_TYPES = {
    *("F64", "F32", "F16", BFLOAT16),
    *("I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"),
}
_MAY_UNPACK = 64 << 20
_BYTES_A_PARAMETER = 32
"""Two sets of weights and an optimizer's two moments, in double precision."""
_TORCH_BEGINS = (b"PK\x03\x04", b"\x80\x02")


@dataclass(frozen=True)
class Wanted:
    """The tensors that are looked for in a file."""

    names: AbstractSet[str] = frozenset()
    """Names of tensors."""
    parameters: int = 0
    """Roughly how many numbers they hold: a file that unpacks to far more is refused."""


NOTHING = Wanted()


def read_weights(path: Path, key: str | None = None, wanted: Wanted = NOTHING) -> Tensors:
    """The named arrays of a file, floating ones as float32, without containers and prefixes around them.

    ``key`` names the container to take (`core.training.state_dicts.weights_in`). Raises `CheckpointError` when the
    file is missing, damaged, of an unknown kind, or without what ``key`` names.
    """
    _require_file(path)
    found = weights_in(_read(path, wanted), path, key, wanted.names)
    return {name: _array(value, name, path) for name, value in found.items()}


def require_finite(tensors: Mapping[str, NDArray[Any]], path: Path) -> None:
    """Raise `CheckpointError`, naming a tensor, where one holds NaN or infinities."""
    for name, value in tensors.items():
        if not np.isfinite(value).all():
            raise CheckpointError(
                f"{path} is of no use: its tensor '{name}' holds values that are no finite numbers, as a training "
                "that diverged leaves them. Give another file."
            )


def is_torch(path: Path) -> bool:
    """Whether a file is PyTorch's, by its ending, or by its first bytes where MindSpore's has the same ending."""
    if path.suffix in (".pth", ".pt"):
        return True
    if path.suffix != ".ckpt":
        return False
    _require_file(path)
    with path.open("rb") as file:
        return file.read(4).startswith(_TORCH_BEGINS)


def metadata_of(path: Path) -> dict[str, str]:
    """Metadata of a safetensors file."""
    with _open_safetensors(path) as file:
        return file.metadata() or {}


def read_safetensors(path: Path) -> tuple[Tensors, dict[str, str]]:
    """All arrays of a safetensors file, bfloat16 as float32, and its metadata."""
    with _open_safetensors(path) as file:
        types = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        for name, kind in types.items():
            if kind not in _SAFETENSORS_TYPES:
                raise CheckpointError(
                    f"{path}: the tensor '{name}' is of type {kind}, which is not read; save the weights as F32."
                )
        plain = {name: file.get_tensor(name) for name, kind in types.items() if kind != BFLOAT16}
        halves = _bfloat16(path, [name for name, kind in types.items() if kind == BFLOAT16])
        return {**plain, **halves}, file.metadata() or {}


@contextmanager
def _open_safetensors(path: Path) -> Iterator[Any]:
    _require_file(path)
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise damage_error(path, f"it is no readable safetensors file ({error})") from None


def damage_error(path: Path, why: str) -> CheckpointError:
    """The error of a file whose content is not what it must be."""
    return CheckpointError(f"{path} is damaged: {why}; give another file.")


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}.")


def _read(path: Path, wanted: Wanted) -> Any:
    """The content of a file: tensors by name, perhaps nested, perhaps beside other things."""
    if is_torch(path):
        return _read_torch(path, wanted)
    if path.suffix == ".npz":
        return _read_npz(path, wanted)
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    if path.suffix == ".ckpt":
        return _read_mindspore(path)
    raise CheckpointError(
        f"{path} has an unknown ending: weights are .safetensors, .npz, .ckpt, or PyTorch's .pth and .pt."
    )


def _bfloat16(path: Path, names: list[str]) -> Tensors:
    """Tensors of a type that numpy lacks, which is the upper half of float32; of a file that was found sound."""
    if not names:
        return {}
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = parse_json(file.read(length))
    made = {}
    for name in names:
        begin, end = header[name]["data_offsets"]
        halves = np.fromfile(path, "<u2", (end - begin) // 2, offset=8 + length + begin)
        made[name] = _widen(halves).reshape(header[name]["shape"])
    return made


def _widen(halves: NDArray[np.uint16]) -> NDArray[np.float32]:
    """bfloat16, as the bits of it, in float32."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


def _read_npz(path: Path, wanted: Wanted) -> Tensors:
    _require_size(path, wanted)
    try:
        with zipfile.ZipFile(path) as archive:
            return {info.filename.removesuffix(".npy"): _member(archive, info) for info in archive.infolist()}
    except Exception as error:  # zipfile and numpy raise many kinds on damage
        raise damage_error(path, f"it is no readable .npz file ({error})") from None


def _require_size(path: Path, wanted: Wanted) -> None:
    """Refuse an archive that unpacks to far more than what is wanted, and than it takes on the disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
    except Exception as error:  # zipfile raises many kinds on damage
        raise damage_error(path, f"it is no readable archive ({error})") from None
    allowed = max(_MAY_UNPACK + _BYTES_A_PARAMETER * wanted.parameters, 4 * path.stat().st_size)
    if unpacked > allowed:
        raise CheckpointError(
            f"{path} would unpack to {unpacked / 2**20:,.0f} MiB, far more than the {wanted.parameters:,} parameters "
            "of this network need: it is no file of its weights."
        )


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    """An array of an archive; nothing is allocated for one that is not as long as it says."""
    if not info.filename.endswith(".npy"):
        raise ValueError(f"its member '{info.filename}' is no array")
    with archive.open(info) as file:
        shape, by_columns, dtype = _array_header(file)
        if dtype.hasobject:
            raise ValueError(f"its member '{info.filename}' holds pickled objects, which are not read")
        size = math.prod(shape) * dtype.itemsize
        if file.tell() + size != info.file_size:
            raise ValueError(f"its member '{info.filename}' is not as long as it says")
        flat = np.frombuffer(file.read(size), dtype)
        return flat.reshape(shape, order="F" if by_columns else "C")


def _array_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(file)
    raise ValueError(f"it is of version {version}")


def _read_mindspore(path: Path) -> dict[str, Any]:
    import mindspore as ms

    try:
        loaded = ms.load_checkpoint(str(path))
        return {name: _from_mindspore(value) for name, value in loaded.items()}
    except Exception:  # MindSpore raises many kinds on damage
        raise damage_error(path, "MindSpore cannot read it") from None


def _from_mindspore(value: Any) -> Any:
    """An array of a parameter; what is none stays what it is."""
    import mindspore as ms

    if not isinstance(value, ms.Tensor):
        return value
    return (value.astype(ms.float32) if value.dtype == ms.bfloat16 else value).asnumpy()


def _read_torch(path: Path, wanted: Wanted) -> Any:
    try:
        import torch
    except ImportError:
        raise CheckpointError(
            f"{path} is a PyTorch file, and PyTorch is not installed: pip install 'mindvideo[torch]', "
            "or save the weights as .npz or .safetensors."
        ) from None
    if zipfile.is_zipfile(path):
        _require_size(path, wanted)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds on files that are damaged or hold more than tensors
        named = re.search(r"(?:GLOBAL|global:?|class) '?([\w.]+\.\w+)", str(error))
        what = (
            f"it holds more than weights ({named[1]})"
            if named
            else "it is damaged, or holds more than weights"
        )
        raise CheckpointError(
            f"{path} cannot be read: {what}, and nothing in such a file is run. Save the state dict alone with the "
            "program that made it: torch.save(model.state_dict(), FILE)."
        ) from None


def _array(value: Any, name: str, path: Path) -> NDArray[Any]:
    """A tensor as numbers, floating ones as float32."""
    array: NDArray[Any]
    try:
        array = value if isinstance(value, np.ndarray) else _from_torch(value)
    except Exception:  # sparse, quantised and other tensors without plain numbers
        array = np.empty(0, object)
    if array.dtype == "V2":
        array = _widen(array.view("<u2"))
    if array.dtype.kind not in "fiub":
        kind = getattr(value, "dtype", "?")
        raise CheckpointError(
            f"{path}: the tensor '{name}' is of type {kind}, which holds no plain numbers; save the weights as "
            "float32."
        )
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _from_torch(value: Any) -> NDArray[Any]:
    tensor = value.detach()
    return np.asarray((tensor.float() if tensor.is_floating_point() else tensor).numpy())

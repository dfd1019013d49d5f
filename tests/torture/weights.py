"""Files of weights spoiled: checkpoints whose own checksum is right again, archives, plain tensors."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np

from .mutations import Rng, extreme, spoiled
from .records import spoiled_json, spoiled_record

_RECORD = "mindvideo"
"""The key of our description in a checkpoint's metadata."""
_NAMES = ("../../elsewhere.npy", "/absolute.npy", "x.txt", "[/red].npy", "a\x1b[2J.npy")
"""Of members that nobody looks for."""
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
}


def spoiled_safetensors(rng: Rng, data: bytes) -> bytes:
    """A safetensors file spoiled as bytes, in its header, in its tensors, or in our description."""
    if rng.random() < 0.3:
        return spoiled(rng, data)
    length = int.from_bytes(data[:8], "little")
    header, body = data[8 : 8 + length], data[8 + length :]
    way = int(rng.integers(5))
    if way == 0:
        return _packed(spoiled_record(rng, header), body)
    if way == 1:
        return _packed(header, spoiled(rng, body))
    changed = json.loads(header)
    names = [name for name in changed if name != "__metadata__"]
    tensor = changed[names[int(rng.integers(len(names)))]]
    if way == 2:
        tensor["dtype"] = str(rng.choice(["BF16", "F8_E4M3", "F4", "F64", "I64", "U8", "BOOL", "C64", "x"]))
    elif way == 3:
        at = int(rng.integers(2))
        tensor["data_offsets"][at] = extreme(rng, tensor["data_offsets"][at], 64)
        tensor["shape"] = [extreme(rng, size, 32) for size in tensor["shape"]]
    else:
        body = _other_values(rng, body, tensor)
    if _RECORD in changed.get("__metadata__", {}):
        changed["__metadata__"][_RECORD] = _description(rng, changed, body)
    return _packed(json.dumps(changed).encode(), body)


def _packed(header: bytes, body: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def _other_values(rng: Rng, body: bytes, tensor: dict[str, Any]) -> bytes:
    """The bytes of a tensor are zeros, no numbers, or as large as can be."""
    start, end = tensor["data_offsets"]
    filling = [b"\x00", b"\xff", b"\x7f\x80", rng.bytes(8)][int(rng.integers(4))]
    return body[:start] + (filling * (end - start))[: end - start] + body[end:]


def _description(rng: Rng, header: dict[str, Any], body: bytes) -> str:
    """Our description, spoiled or not, with a checksum over all that it describes, as far as that can be made."""
    text = header["__metadata__"][_RECORD]
    text = spoiled_json(rng, text) if rng.random() < 0.6 else text
    record = json.loads(text)
    if not isinstance(record, dict) or "sha256" not in record:
        return text
    from core.training import checkpoint

    try:
        tensors = {name: _array(entry, body) for name, entry in header.items() if name != "__metadata__"}
        described = {name: value for name, value in record.items() if name != "sha256"}
        record["sha256"] = checkpoint._digest(tensors, described)
    except (KeyError, TypeError, ValueError):
        return text
    return json.dumps(record)


def _array(entry: dict[str, Any], body: bytes) -> np.ndarray:
    start, end = entry["data_offsets"]
    return np.frombuffer(body[start:end], _TYPES[entry["dtype"]]).reshape(entry["shape"])


def spoiled_npz(rng: Rng, data: bytes) -> bytes:
    """An archive spoiled as bytes, or made anew of members that are spoiled, missing or strange."""
    if rng.random() < 0.4:
        return spoiled(rng, data)
    return rezipped(rng, data)


def rezipped(rng: Rng, data: bytes) -> bytes:
    """A zip file with right checksums, one of whose members is spoiled, gone, doubled, or called otherwise."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        chosen, way = names[int(rng.integers(len(names)))], int(rng.integers(5))
        for name in names:
            content = old.read(name)
            if name == chosen and way == 0:
                continue
            if name == chosen and way == 1:
                name = _NAMES[int(rng.integers(len(_NAMES)))]
            elif name == chosen:
                content = _strange_array(rng) if way == 2 else spoiled(rng, content)
            new.writestr(name, content)
    return made.getvalue()


def _strange_array(rng: Rng) -> bytes:
    """A .npy file of a kind that no weights are; the size that one of them states is not there."""
    made = io.BytesIO()
    way = int(rng.integers(4))
    if way == 3:
        np.lib.format.write_array_header_1_0(
            made, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}
        )
        return made.getvalue()
    array = [np.zeros((), "<f4"), np.array(["a", "b"]), np.zeros((2, 2), "c16")][way]
    np.save(made, array, allow_pickle=False)
    return made.getvalue()

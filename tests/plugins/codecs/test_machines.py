"""A stream decodes under any instruction set and number of threads: equal symbols, and pictures that hardly drift.

A codec that does not promise this notices at once where it fails.
"""

import os
import subprocess
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest

from core.hooks import PictureFormat
from core.testing.limits import seconds

from .cases import CASES, OWN, PORTABLE_DCVC
from .material import build_frames, mode, psnr

SCRIPT = Path(__file__).parent / "decode_elsewhere.py"
SAME = ("AVX2", 2, "builtin")
"""Instruction set (of MindSpore's operators), threads and kernels of the tests themselves."""
MACHINES = [
    [SAME, ("SSE41", 1, "builtin")],
    pytest.param([("AVX", 1, "builtin"), ("AVX2", 1, "onednn")], marks=pytest.mark.slow),
]
COUNTS = [21, pytest.param(101, marks=pytest.mark.slow)]
"""An intra frame and others, each predicted from the one before."""
SOON = {"compact", "dcvc_portable"}
"""Those that are tried each time: the codec that is shipped, and one whose portability is an option."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(case, id=case.name, marks=() if case.name in SOON else pytest.mark.slow)
        for case in (*(CASES[name] for name in OWN), PORTABLE_DCVC)
    ],
)
def case(request):
    return request.param


@pytest.fixture(scope="module", params=COUNTS)
def stream(request, case, tmp_path_factory):
    """The packets' file, and the encoder's pictures."""
    network = case.network()
    tables = case.entry.tables(network)
    side = max(case.multiple, 64)
    format = PictureFormat(side - 8, side - 28)
    encoder = case.codec(network, tables).encoder(format)
    frames = build_frames(request.param, format.height, format.width)
    with mode(ms.GRAPH_MODE):
        coded = [item for t, frame in enumerate(frames) for item in encoder.encode(frame, t, t == 0)]
    packets = [item.packet for item in coded]
    arrays = {f"payload/{p.time}": np.frombuffer(p.payload, np.uint8) for p in packets}
    arrays |= {f"tables/{name}": array for name, array in tables.items()}
    arrays["packets"] = np.array([(p.type, p.symbols, p.picture) for p in packets])
    arrays["size"] = np.array([format.width, format.height])
    path = tmp_path_factory.mktemp("stream") / "packets.npz"
    np.savez(path, **arrays)
    return path, np.stack([item.picture for item in coded])


@pytest.fixture(scope="module", params=MACHINES)
def elsewhere(request, case, stream, tmp_path_factory):
    """The pictures of each machine and the sentence in which they end; all decode at the same time."""
    folder = tmp_path_factory.mktemp("elsewhere")
    decoders = {machine: _start(case.name, stream[0], folder, *machine) for machine in request.param}
    for decoder in decoders.values():
        _, errors = decoder.communicate(timeout=seconds(280))
        assert decoder.returncode == 0, errors[-2000:]
    pictures = {}
    for machine in request.param:
        with np.load(folder / _file(*machine)) as archive:
            pictures[machine] = archive["pictures"], str(archive["told"])
    return pictures


def _start(name, source, folder, instructions, threads, kernels):
    target = folder / _file(instructions, threads, kernels)
    command = [sys.executable, SCRIPT, name, str(threads), kernels, source, target]
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": instructions}
    return subprocess.Popen(command, env=environment, cwd=folder, stderr=subprocess.PIPE, text=True)


def _file(instructions, threads, kernels):
    return f"{instructions}-{threads}-{kernels}.npz"


def test_pictures_hardly_drift(case, stream, elsewhere):
    expected = stream[1]
    for machine, (pictures, told) in elsewhere.items():
        if told:
            assert not case.portable
            assert "other symbols than were coded" in told
        assert len(pictures) == len(expected) or told
        assert min(psnr(ours, theirs) for ours, theirs in zip(pictures, expected, strict=False)) >= 50, (
            machine
        )


def test_equal_arithmetic_gives_equal_pictures(stream, elsewhere):
    for machine in elsewhere.keys() & {SAME}:
        np.testing.assert_array_equal(elsewhere[machine][0], stream[1])

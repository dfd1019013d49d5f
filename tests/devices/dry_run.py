"""A process of the dry run: compiles what it is told for an Ascend card that is not there.

    python tests/devices/dry_run.py cells|steps|forwards|demos [NAME …] [WORD=VALUE …]

``cells`` are those of ``core/nn``, priors and losses, forward and gradient; ``steps`` training steps, and ``forwards``
networks that are not trained here, at the sizes of the conformance suite; ``demos`` the experiments NAME, of which two
steps are trained, and what is saved encodes and decodes, or upscales, a few frames. Words with ``=`` are further words
of the command line. Prints ``done: NAME`` for each, the device, and its time on the processor.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import core

Sizes = tuple[tuple[int, ...], ...]

SIDE, FRAMES = 64, 3
CLIP = b"YUV4MPEG2 W%d H%d F25:1 Ip C420jpeg\n" % (SIDE, SIDE) + FRAMES * (
    b"FRAME\n" + bytes(SIDE * SIDE * 3 // 2)
)
"""A video."""


def main(kind: str, *words: str) -> int:
    further = ["device=ascend", *(word for word in words if "=" in word)]
    wanted = [word for word in words if "=" not in word]
    with TemporaryDirectory(prefix="dry-run-") as folder:
        device = [word for word in further if word.startswith("device")]
        run = core.open_run(["experiment=none", "task=doctor", *device], output=folder)
        print(f"device: {run.device.description}", flush=True)
        print(f"arithmetic: {run.device.arithmetic}", flush=True)
        probes = {"cells": cells, "steps": steps, "forwards": forwards, "demos": demos}[kind]
        with run.backend:
            failed = [name for name, probe in probes(further, wanted) if not _done(name, probe)]
    print(f"failed: {', '.join(failed) or 'none'}", flush=True)
    return 1 if failed else 0


def _done(name: str, probe: Callable[[], object]) -> bool:
    start = time.process_time()
    try:
        probe()
    except Exception:
        traceback.print_exc()
        return False
    print(f"done: {name} in {time.process_time() - start:.1f} s", flush=True)
    return True


def cells(further: list[str], wanted: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    from tests.devices.probes import CELLS, SLOW_CELLS, differentiate

    for name, (make, shapes) in (CELLS | SLOW_CELLS).items():
        if name in wanted or (not wanted and name in CELLS):
            yield name, lambda make=make, shapes=shapes: differentiate(make(), shapes)


def steps(further: list[str], wanted: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """Two steps each: what a step leaves behind must be what the next one takes."""
    for case in _cases(further, wanted):
        if case.chooses("step"):

            def take(case=case):
                step = case.run.step(case.network, 2).set_train()
                for _ in range(2):
                    values = step(*case.batch)
                assert len(values) == len(step.outputs)
                return [value.asnumpy() for value in values]

            yield case.name, take


def forwards(further: list[str], wanted: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    from tests.devices.probes import differentiate

    shapes = {"cheng2020": ((1, 1, 3, 64, 64),), "dvcp_features": ((1, 3, 32, 32),)}
    shapes["dvcp_lpips"] = ((1, 3, 64, 64), (1, 3, 64, 64))
    for case in _cases(further, wanted):
        if not case.chooses("step") and case.chooses("model"):
            yield case.name, lambda case=case: differentiate(case.network, shapes[case.name])


def demos(further: list[str], wanted: list[str]) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a demo's user types, in the current folder."""
    video = Path("in.y4m")
    video.write_bytes(CLIP)
    for name in wanted:
        run = Path(name)
        small = ["training.steps=2", "training.beside=[]", "task.evaluate=false", f"output={run}"]
        by = [f"experiment={name}", *further, f"task.checkpoint={run}/checkpoints/last.safetensors"]
        stream, made = run / "out.mdv", run / "out.y4m"
        coding = [*by, "codec.gop=3"]
        yield f"{name}: train", partial(_execute, ["train", name, *further, *small])
        if core.open_run([f"experiment={name}", *further]).settings.codec is None:
            yield f"{name}: upscale", partial(_execute, ["upscale", str(video), str(made), *by])
        else:
            yield f"{name}: encode", partial(_execute, ["encode", str(video), str(stream), *coding])
            yield f"{name}: decode", partial(_execute, ["decode", str(stream), str(made), *by])


def _execute(words: list[str]) -> None:
    core.open_run(words).execute()


def _cases(further: list[str], wanted: list[str]):
    from core.app import plugins
    from core.testing.cases import cases

    for plugin in plugins(()).plugins:
        if Path(sys.modules[plugin.config_package.partition(".")[0]].__path__[0]).name != "plugins":
            continue
        for case in cases(plugin, further):
            if not wanted or case.name in wanted:
                yield case


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

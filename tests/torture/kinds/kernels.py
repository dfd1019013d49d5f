"""The user's cache of compiled kernels, damaged, in processes that load and call what is there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from core.kernels import library

from .. import commands
from ..mutations import Rng, cut, spoiled
from ..oracle import snapshot
from ..trial import Fault, Trial, Tried
from .base import Kind, Skipped

_USE = """
from core.kernels import library
kernels = library.start_if_available(1)
if kernels is None:
    sys.exit("Error: the kernels cannot be used")
print(kernels.build, kernels.instructions)
"""
_COMPILER = """#!/bin/sh
# Stands for a compiler that takes a minute: gives out what was compiled before.
while [ $# -gt 1 ]; do
    if [ "$1" = -o ]; then exec cp "{built}" "$2"; fi
    shift
done
exec {compiler} "$@"
"""


class KernelCache(Kind):
    name = "kernel-cache"
    tries = "damaged libraries and records in the cache of compiled kernels"

    def make(self) -> None:
        possible, detail = library.available()
        if not possible:
            raise Skipped(detail)
        built = Path(detail)
        compiler = self.folder / "compiler"
        compiler.write_text(_COMPILER.format(built=built, compiler=shutil.which("c++") or "c++"))
        compiler.chmod(0o755)
        self.environment = {"CXX": str(compiler)}
        self.cache = self.folder / "cache"

    def undamaged(self) -> None:
        for _ in range(2):  # fills the cache, then takes it up
            ran = self._use(self.cache)
            assert ran.code == 0, ran.said
        self.memory = ran.memory
        self.small = [
            name for name in snapshot(self.cache) if (self.cache / name).is_file() and not _is_onednn(name)
        ]

    def _use(self, cache: Path) -> commands.Ran:
        environment = {**self.environment, "XDG_CACHE_HOME": str(cache)}
        return commands.run(cache.parent, [_USE], environment=environment, program=("-c",))

    def attempt(self, trial: Trial) -> Tried:
        rng, cache = trial.rng, trial.folder / "cache"
        subprocess.run(["cp", "-a", str(self.cache), str(cache)], check=True)
        names = [*self.small, *self._large(rng)]
        path = cache / names[int(rng.integers(len(names)))]
        path.write_bytes(_spoiled_library(rng, path.read_bytes()))
        ran = self._use(cache)
        faults = list(commands.faults(ran, self.memory))
        again = self._use(cache)
        if again.code != 0 and not faults:
            faults.append(Fault("left", f"it does not heal: {again.said}", "a damaged library stays"))
        return Tried(faults, ran.code == 1)

    def _large(self, rng: Rng) -> list[str]:
        """Now and then the copy of oneDNN, whose 58 MB take a while to spoil."""
        return [name for name in snapshot(self.cache) if _is_onednn(name)] if rng.random() < 0.1 else []


def _is_onednn(name: str) -> bool:
    return "onednn" in name


def _spoiled_library(rng: Rng, data: bytes) -> bytes:
    """Cut short, as by a full disk, more often than otherwise: it is what happens."""
    return cut(rng, data) if rng.random() < 0.6 else spoiled(rng, data)


KINDS = [KernelCache]

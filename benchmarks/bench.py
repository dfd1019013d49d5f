"""Speed and memory of the networks beside their peers, and of what they are made of.

    python benchmarks/bench.py NAME [--verify] [--json FILE] [OPTIONS] [WORDS …]     or     make bench ARGS='NAME …'

Peers that are not installed (PyTorch, CompressAI) are left out. README.md beside this file says what is measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[1]))

COMMANDS = {
    "all": ("every", "all networks in one run, and how they grow; writes bench.json and bench.png"),
    "cycmunet": ("one", "CycMuNet+ (forward, training step) beside the same network in PyTorch"),
    "ssfvc": ("one", "SSFVC (forward, training step, encode, decode) beside CompressAI's ssf2020"),
    "dvc": ("one", "DVC (forward, training step, encode, decode of an inter frame) beside PyTorch"),
    "dvcp": ("one", "DVC-P, as DVC"),
    "dcvc": ("one", "DCVC, as DVC"),
    "dcvcuf": ("one", "DCVC-UF of low delay, as DVC; also in bfloat16"),
    "dcvcuf_small": (
        "one",
        "the small DCVC-UF by itself: encode and decode of inter frames, one after another",
    ),
    "context": ("context", "decoding under DCVC's context models, wave by wave and in a plain loop"),
    "runtimes": ("runtimes", "MindSpore with our kernels beside onnxruntime (runtime=onnxruntime)"),
    "entropy": ("entropy", "range coding, and integer networks that choose the tables"),
    "kernels": ("kernels", "convolutions of our kernels beside MindSpore's own and PyTorch's"),
    "separable": ("separable", "chains of depthwise-separable blocks beside PyTorch"),
    "start": ("start", "commands on a few frames, from their start to their end"),
    "loader": ("loader", "how fast clips are read, and how long a training waits for them"),
}
"""Name -> the module that measures it (``add_options(parser, name)`` and ``main(options)``), and what that is."""


def main(words: Sequence[str]) -> int:
    """Measure what the first word names, by default all networks; returns the exit code."""
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["all", *words]
    if words[0] not in COMMANDS:
        _listing().parse_args(words[:1])
    options = parser_of(words[0]).parse_args(words[1:])
    return _module(words[0]).main(options)


def parser_of(name: str) -> argparse.ArgumentParser:
    """The options of one measurement."""
    what = COMMANDS[name][1]
    made = argparse.ArgumentParser(prog=f"bench.py {name}", description=f"{what[0].upper()}{what[1:]}.")
    made.set_defaults(name=name)
    _module(name).add_options(made, name)
    return made


def _module(name: str) -> ModuleType:
    return import_module(f"benchmarks.{COMMANDS[name][0]}")


def _listing() -> argparse.ArgumentParser:
    """What answers a word that names nothing, or asks for help."""
    lines = "\n".join(f"  {name:<10}{what}" for name, (_, what) in COMMANDS.items())
    made = argparse.ArgumentParser(
        prog="bench.py",
        usage="bench.py NAME [OPTIONS] [WORDS …]",
        description=f"{__doc__}\nNAME is one of\n\n{lines}\n\nbench.py NAME --help says what can be asked of it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("NAME", choices=COMMANDS, help=argparse.SUPPRESS)
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Speed and memory of SSFVC on CPU, ours beside CompressAI's ``ssf2020`` with the same weights and frames.

    python benchmarks/ssfvc.py [--what encode] [--size 256] [--frames 3] [--verify] [WORDS …]

Without CompressAI (pip install compressai) ours is measured alone. README.md beside this file says what is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from compare import Benchmark, Disagreement, equal_results, parser, run
from measure import Arrays
from ssfvc_sides import PEER, SIDES, Case

STEP_TOLERANCE = 0.05
"""Of the first losses, relative: each side draws its own noise."""
BYTES_TOLERANCE = 0.02
"""Of the payloads: rounded references and another coder."""
LEAST_PSNR = 60.0, 30.0
"""Between decoded pictures, dB: the intra frame's, of which a latent halfway between two symbols may fall to the other
side, and the others', whose references we round and the peer does not, which these weights amplify."""


def main() -> int:
    """The command; returns 0, or 1 after a message."""
    made = parser(__doc__ or "", SIDES)
    made.add_argument(
        "--size", type=int, default=256, help="side of the frames, a multiple of 128 (%(default)s)"
    )
    made.add_argument("--frames", type=int, default=3, help="frames (%(default)s)")
    options = made.parse_args()
    if options.size % 128 or options.size < 128 or options.frames < 2:
        made.error("--size must be a multiple of 128, --frames at least 2")
    if not has_peer() and options.verify:
        made.error("--verify needs CompressAI: pip install compressai")
    case = Case(options.words, options.size, options.size, options.frames, options.threads)
    return run(options, benchmarks(case, options.what or SIDES))


def has_peer() -> bool:
    """Whether CompressAI is installed."""
    return find_spec("compressai") is not None


def benchmarks(case: Case, what: Iterable[str]) -> Iterator[Benchmark]:
    """Each thing to time in one case."""
    case.run()  # wrong settings show here, not as a traceback from a side's process
    for name in what:
        sides = {
            side: partial(kind, case) for side, kind in SIDES[name].items() if side != PEER or has_peer()
        }
        title = f"ssfvc {name}, {case.frames} frames of {case.width}x{case.height}"
        yield Benchmark(name, title, vars(case), sides, _AGREE[name])


def _equal_losses(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    our, their = float(ours[0][0]), float(theirs[0][0])
    told = f"first losses {our:.4f} and {their:.4f} (noise apart)"
    if not abs(our - their) <= STEP_TOLERANCE * abs(their):
        raise Disagreement(f"the sides disagree: {told}.")
    return told


def _equal_bytes(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    our, their = int(ours[0][0]), int(theirs[0][0])
    told = f"{our} and {their} bytes"
    if not abs(our - their) <= BYTES_TOLERANCE * their:
        raise Disagreement(f"the sides disagree: {told}.")
    return told


def _like_pictures(ours: Sequence[Arrays], theirs: Sequence[Arrays]) -> str:
    errors = [float(np.square(o - t).mean()) for o, t in zip(ours[0], theirs[0], strict=True)]
    intra, *inter = [-10 * np.log10(max(error, 1e-12)) for error in errors]
    told = f"decoded pictures {intra:.1f} dB alike, inter frames at least {min(inter):.1f} dB"
    if intra < LEAST_PSNR[0] or min(inter) < LEAST_PSNR[1]:
        raise Disagreement(f"the sides disagree: {told}.")
    return told


_AGREE = {"forward": equal_results, "step": _equal_losses, "encode": _equal_bytes, "decode": _like_pictures}

if __name__ == "__main__":
    sys.exit(main())

"""Speed and memory of SSFVC on CPU, ours beside CompressAI's ``ssf2020`` with the same weights and frames.

    python benchmarks/ssfvc.py [--what encode] [--size 256] [--frames 3] [--verify] [WORDS …]

Without CompressAI (pip install compressai) ours is measured alone. README.md beside this file says what is measured.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from agreement import equal_bytes, equal_losses, equal_results, like_pictures
from compare import Benchmark, parser, run
from ssfvc_sides import PEER, SIDES, Case

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


_AGREE = {
    "forward": equal_results,
    "step": equal_losses,
    "encode": equal_bytes,
    "decode": partial(like_pictures, least=LEAST_PSNR),
}

if __name__ == "__main__":
    sys.exit(main())

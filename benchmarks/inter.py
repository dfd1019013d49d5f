"""The frame of the benchmarks of codecs that code one frame under another, ours beside the same network in PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from agreement import equal_but_for_ties, equal_bytes, equal_losses, like_pictures
from compare import Benchmark, parser, run
from dvcp_sides import OurGanStep, PeerGanStep
from inter_sides import OURS, PEER, SIDES, Case

LEAST_PSNR = (50.0,)
"""Between decoded pictures, dB: a latent halfway between two symbols may fall to the other side, and where motion or
latents after it depend on it, all of a small picture moves a little."""
MULTIPLE = 64
_OWN_SIDES = {"dvcp": {"step": {OURS: OurGanStep, PEER: PeerGanStep}}}
"""What a codec has instead of `SIDES`."""
_AGREE = {
    "forward": equal_but_for_ties,
    "step": equal_losses,
    "encode": equal_bytes,
    "decode": partial(like_pictures, least=LEAST_PSNR),
}


def main(codec: str, description: str) -> int:
    """The command of one codec; returns 0, or 1 after a message."""
    made = parser(description, SIDES)
    made.add_argument(
        "--size", type=int, default=256, help=f"side of the frames, a multiple of {MULTIPLE} (%(default)s)"
    )
    options = made.parse_args()
    if options.size % MULTIPLE or options.size < MULTIPLE:
        made.error(f"--size must be a multiple of {MULTIPLE}")
    if not has_peer() and options.verify:
        made.error("--verify needs PyTorch: pip install 'mindvideo[torch]'")
    case = Case(codec, options.words, options.size, options.size, options.threads)
    return run(options, benchmarks(case, options.what))


def has_peer() -> bool:
    """Whether PyTorch is installed."""
    return find_spec("torch") is not None


def benchmarks(case: Case, what: Iterable[str] | None = None) -> Iterator[Benchmark]:
    """Each thing to time in one case; by default all that can be."""
    case.run()  # wrong settings show here, not as a traceback from a side's process
    for name in what or SIDES:
        sides = {
            side: partial(kind, case)
            for side, kind in (SIDES | _OWN_SIDES.get(case.codec, {}))[name].items()
            if side == OURS or has_peer()
        }
        title = f"{case.codec} {name}, inter frame of {case.width}x{case.height}"
        yield Benchmark(name, title, vars(case), sides, _AGREE[name])

"""Decodes packets: ``python decode_elsewhere.py CODEC THREADS KERNELS PACKETS.npz PICTURES.npz``.

Decoding ends at the first error. KERNELS is ``builtin`` or ``onednn``. What MindSpore's oneDNN may use is in the
environment variable ``ONEDNN_MAX_CPU_ISA``.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("GLOG_v", "3")
sys.path[:0] = [str(Path(__file__).parents[3])]


def main(name: str, threads: int, kernels: str, source: Path, target: Path) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import mindspore as ms
    import numpy as np

    from core.backend import Backend
    from core.errors import StreamError
    from core.hooks import Packet, PacketType, PictureFormat
    from core.kernels import library
    from tests.plugins.codecs.cases import CASES, PORTABLE_DCVC

    backend = Backend(library.start_if_available(threads) if kernels == "onednn" else None)
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.runtime.dispatch_threads_num(threads)
    with np.load(source) as archive:
        stored = {name: archive[name] for name in archive.files}
    tables = {name.removeprefix("tables/"): a for name, a in stored.items() if name.startswith("tables/")}
    case = {**CASES, PORTABLE_DCVC.name: PORTABLE_DCVC}[name]
    with backend:
        decoder = case.codec(tables=tables).decoder(PictureFormat(*stored["size"]))
    pictures, told = [], ""
    for time, (kind, symbols, picture) in enumerate(stored["packets"].tolist()):
        payload = stored[f"payload/{time}"].tobytes()
        try:
            pictures += decoder.decode(Packet(PacketType(kind), time, payload, symbols, picture))
        except StreamError as error:
            told = str(error)
            break
    np.savez(target, pictures=np.stack([frame.picture for frame in pictures]), told=told)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], *map(Path, sys.argv[4:]))

"""Decodes packets in a process of its own: ``python decode_elsewhere.py THREADS PACKETS.npz PICTURES.npz``.

What oneDNN may use is in the environment variable ``ONEDNN_MAX_CPU_ISA``.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("GLOG_v", "3")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]


def main(threads: int, source: Path, target: Path) -> None:
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import mindspore as ms
    import numpy as np
    from conftest import build_network

    from core.hooks import Packet, PacketType, PictureFormat
    from plugins.ssfvc.plugin import CODEC, SsfvcCodecConfig

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.runtime.dispatch_threads_num(threads)
    with np.load(source) as archive:
        stored = {name: archive[name] for name in archive.files}
    tables = {name.removeprefix("tables/"): a for name, a in stored.items() if name.startswith("tables/")}
    decoder = CODEC.build(SsfvcCodecConfig(), build_network(), tables).decoder(PictureFormat(*stored["size"]))
    pictures = []
    for time, (kind, symbols, picture) in enumerate(stored["packets"].tolist()):
        payload = stored[f"payload/{time}"].tobytes()
        pictures += decoder.decode(Packet(PacketType(kind), time, payload, symbols, picture))
    np.savez(target, pictures=np.stack([frame.picture for frame in pictures]))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))

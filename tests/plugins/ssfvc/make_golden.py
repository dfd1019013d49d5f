"""Makes ``golden/``: a tiny checkpoint, a stream that it coded, and what the stream decodes to.

Run as ``python tests/plugins/ssfvc/make_golden.py``, and only for a new version of the stream format or of the tables:
that old streams go on to decode is what the files are there to show.
"""

import json
import sys
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"
HIDDEN, LATENT = 4, 4
WIDTH, HEIGHT, COUNT, GOP = 40, 24, 6, 4
CHOICES = (
    *("experiment=none", "model=ssfvc", f"model.hidden={HIDDEN}", f"model.latent={LATENT}"),
    *("codec=ssfvc", f"codec.gop={GOP}", "codec.scene_cut=false", "task=doctor"),
)


def main() -> None:
    import core
    from core.coding.encode import encode
    from core.media.writer import open_writer

    run = core.open_run(CHOICES)
    assert run.device.target == "CPU"
    GOLDEN.mkdir(exist_ok=True)
    checkpoint = _checkpoint(run)
    video, stream = GOLDEN / "frames.y4m", GOLDEN / "ssfvc.mdv"
    stream.unlink(missing_ok=True)
    with open_writer(video, width=WIDTH, height=HEIGHT, frame_rate=25) as writer:
        for frame in _frames():
            writer.write(frame)
    loaded = run.codec(checkpoint)
    print(encode(video, stream, loaded).description)
    video.unlink()
    _describe(stream, loaded)


def _checkpoint(run) -> Path:
    from conftest import build_network

    from core.training.checkpoint import MODEL, Checkpoint, tensors_of
    from plugins.ssfvc.plugin import CODEC

    path = GOLDEN / "ssfvc.safetensors"
    network = build_network(hidden=HIDDEN, latent=LATENT)
    weights = tensors_of(network, MODEL)
    Checkpoint(path, weights, run.model_section, run.model_plugin, {}).with_tables(
        CODEC.tables(network)
    ).save()
    return path


def _frames():
    from conftest import build_frames

    return build_frames(COUNT, HEIGHT, WIDTH)


def _describe(stream: Path, loaded) -> None:
    import numpy as np

    from core.coding.frames import StreamDecoder
    from core.entropy.stream import StreamReader

    with StreamReader(stream) as reader:
        packets = [
            {"type": p.type.name, "time": p.time, "symbols": p.symbols, "picture": p.picture} for p in reader
        ]
    with StreamDecoder(stream, loaded) as decoder:
        pictures = np.stack([frame.picture for frame in decoder.frames()])
    np.savez_compressed(GOLDEN / "pictures.npz", pictures=pictures)
    record = {"arithmetic": loaded.arithmetic, "frames": packets}
    (GOLDEN / "ssfvc.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    main()

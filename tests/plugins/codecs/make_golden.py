"""Makes ``golden/`` of a codec: a tiny checkpoint, a stream that it coded, and what the stream decodes to.

Run as ``python tests/plugins/codecs/make_golden.py CODEC``, and only for a new version of the stream format or of the
codec's tables: that old streams go on to decode is what the files are there to show.
"""

import json
import sys
from pathlib import Path

PLUGINS = Path(__file__).parents[1]
WIDTH, HEIGHT, COUNT, GOP = 40, 24, 6, 4


def folder(name) -> Path:
    return PLUGINS / name / "golden"


def choices(case):
    """Words of the command line that choose the tiny codec."""
    widths = [f"model.{option}={value}" for option, value in case.tests.SMALLEST.items()]
    coding = [f"codec={case.name}", f"codec.gop={GOP}", "codec.scene_cut=false"]
    return ["experiment=none", f"model={case.name}", *widths, *coding, "task=doctor"]


def main(name: str) -> None:
    import core
    from core.coding.encode import encode
    from core.media.writer import open_writer
    from tests.plugins.codecs.cases import CASES
    from tests.plugins.codecs.material import build_frames

    case, golden = CASES[name], folder(name)
    run = core.open_run(choices(case))
    assert run.device.target == "CPU"
    golden.mkdir(exist_ok=True)
    checkpoint = _checkpoint(run, case, golden / f"{name}.safetensors")
    video, stream = golden / "frames.y4m", golden / f"{name}.mdv"
    stream.unlink(missing_ok=True)
    with open_writer(video, width=WIDTH, height=HEIGHT, frame_rate=25) as writer:
        for frame in build_frames(COUNT, HEIGHT, WIDTH):
            writer.write(frame)
    loaded = run.codec(checkpoint)
    print(encode(video, stream, loaded).description)
    video.unlink()
    _describe(stream, loaded, golden / f"{name}.json")


def _checkpoint(run, case, path: Path) -> Path:
    from core.training.checkpoint import MODEL, Checkpoint, tensors_of

    network = case.smallest()
    weights = tensors_of(network, MODEL)
    checkpoint = Checkpoint(path, weights, run.model_section, run.model_plugin, {})
    checkpoint.with_tables(case.entry.tables(network)).save()
    return path


def _describe(stream: Path, loaded, record: Path) -> None:
    import numpy as np

    from core.coding.frames import StreamDecoder
    from core.stream import StreamReader

    with StreamReader(stream) as reader:
        packets = [
            {"type": p.type.name, "time": p.time, "symbols": p.symbols, "picture": p.picture} for p in reader
        ]
    with StreamDecoder(stream, loaded) as decoder:
        pictures = np.stack([frame.picture for frame in decoder.frames()])
    np.savez_compressed(stream.with_name("pictures.npz"), pictures=pictures)
    told = {"arithmetic": loaded.arithmetic, "frames": packets}
    record.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[3])]
    main(sys.argv[1])

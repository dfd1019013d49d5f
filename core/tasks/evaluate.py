"""``task=evaluate``: measures a trained network on held-out clips; table, JSON and pictures.

A codec is measured by real streams beside x264 with no more bytes, an upscaler beside simple floors.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.config import entry_section
from core.errors import ConfigError
from core.files import write_json
from core.hooks import FilePath, Split, TaskEntry, Upscaler
from core.options import Options, option
from core.progress import Meter
from core.selection import CodecSelection, selection_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.coding.codec import LoadedCodec
    from core.coding.evaluate import CodecEvaluation
    from core.run import Run
    from core.upscaling.evaluate import Evaluation

log = logging.getLogger(__name__)


@dataclass
class EvaluateConfig(Options):
    """Measure a trained network on held-out clips: a codec beside x264, an upscaler beside simple floors."""

    checkpoint: FilePath | None = None
    """Checkpoint to measure; for an upscaler, none measures fresh weights (the settings' ``weights``, where given)."""
    split: Split = Split.TEST
    """Part of the data set."""
    pictures: int = option(2, at_least=0)
    """Clips to draw."""
    estimated: bool = False
    """Of a codec: say as well what the float priors estimate for the rate."""


def _evaluate(config: EvaluateConfig, run: Run) -> float | None:
    """The score: of a codec dB above x264 with no more bytes, of an upscaler the first metric."""
    chosen = selection_of(run, config.checkpoint)
    if chosen is None:
        raise ConfigError("there is nothing to evaluate: give codec=… or upscaler=…, or an experiment=….")
    if isinstance(chosen, CodecSelection):
        return evaluate_codec(run, chosen.load(), config.split, config.pictures, config.estimated).score
    if not config.checkpoint and chosen.has_network:
        log.warning("No task.checkpoint is given: measuring %s.", run.settings.weights or "untrained weights")
    evaluation = evaluate_upscaler(run, chosen.build(), config.split, config.pictures)
    report(run, evaluation, config.split)
    return next(iter(evaluation.ours().values()), None)


def evaluate_codec(
    run: Run,
    loaded: LoadedCodec,
    split: Split,
    pictures: int,
    estimated: bool = False,
    others: Mapping[str, LoadedCodec] | None = None,
) -> CodecEvaluation:
    """Measure a codec on a split by real streams, with progress; print the table, write JSON and pictures.

    ``others`` are codecs that are measured on the same clips and shown beside it, by name.
    """
    from core.coding.evaluate import beside

    measured = {
        name: _code_split(
            run, other, split, pictures, estimated, run.output / name / "streams", f" by {name}"
        )
        for name, other in (others or {}).items()
    }
    ours = _code_split(run, loaded, split, pictures, estimated, run.output / "streams")
    evaluation = beside(ours, measured)
    _report_codec(run, loaded, evaluation, split)
    return evaluation


def _code_split(
    run: Run, loaded: LoadedCodec, split: Split, pictures: int, estimated: bool, folder: Path, by: str = ""
) -> CodecEvaluation:
    from core.coding.evaluate import evaluate

    source = run.source(split)
    with Meter(f"Coding ({split.value}){by}", len(source)) as meter:
        return evaluate(
            loaded,
            source,
            run.metrics(),
            folder,
            seed=run.settings.seed,
            keep=pictures,
            estimate=estimated,
            seen=meter.advance,
        )


def _report_codec(run: Run, loaded: LoadedCodec, evaluation: CodecEvaluation, split: Split) -> None:
    from core.report.coding import draw_codec_evaluation, print_codec_evaluation

    clips = evaluation.clips
    print_codec_evaluation(
        evaluation,
        f"{len(clips)} clips of {clips[0].frames} frames of split '{split.value}', GOP {loaded.gop or '∞'}",
    )
    encode, decode = evaluation.seconds()
    record = {
        "split": split.value,
        "rows": {name: asdict(row) for name, row in evaluation.rows.items()},
        "clips": [asdict(clip) for clip in clips],
        "estimated_bpp": evaluation.estimated_bpp,
        "encode_seconds": encode,
        "decode_seconds": decode,
        "peak_memory": evaluation.peak_memory,
        "score": evaluation.score,
        "conditions": _conditions(run, loaded),
    }
    write_json(run.output / "evaluation.json", record)
    _save(run, draw_codec_evaluation(evaluation))


def _conditions(run: Run, loaded: LoadedCodec) -> dict[str, Any]:
    """All that must agree before this result is compared with another."""
    from core import __version__
    from core.coding import anchor

    return {
        "codec": loaded.name,
        "fingerprint": loaded.fingerprint.hex(),
        "intra": loaded.intra,
        "arithmetic": loaded.arithmetic,
        "gop": loaded.gop,
        "scene_cut": loaded.scene_cut,
        "bpp": "8 x bytes of the stream file / (frames x unpadded pixels)",
        "psnr": "RGB, both rounded to 8 bits, mean over frames, then clips",
        "anchor": anchor.conditions(loaded.gop),
        "metrics": _metric_options(run),
        "dataset": entry_section(run.settings.dataset),
        "seed": run.settings.seed,
        "command": run.overrides,
        "versions": {
            "mindvideo": __version__,
            **{n: metadata.version(n) for n in ("mindspore", "av", "numpy")},
        },
    }


def evaluate_upscaler(run: Run, upscaler: Upscaler, split: Split, pictures: int) -> Evaluation:
    """Measure an upscaler on a split, with progress."""
    from core.upscaling.evaluate import evaluate

    source = run.source(split)
    with Meter(f"Evaluating ({split.value})", len(source)) as meter:
        return evaluate(
            upscaler,
            source,
            run.metrics(),
            seed=run.settings.seed,
            keep=pictures,
            seen=meter.advance,
        )


def report(run: Run, evaluation: Evaluation, split: Split) -> None:
    """Print the table and write ``evaluation.json`` and the pictures into the run's folder."""
    from core.report.tables import print_evaluation

    print_evaluation(evaluation, f"{evaluation.clips} clips of split '{split.value}', mean over frames")
    rows = [{"task": r.task.value, "method": r.method, **r.values} for r in evaluation.rows]
    record = {
        "split": split.value,
        "clips": evaluation.clips,
        "rows": rows,
        "metrics": _metric_options(run),
    }
    write_json(run.output / "evaluation.json", record)
    _save(run, draw(evaluation))


def draw(evaluation: Evaluation) -> dict[str, NDArray[np.uint8]]:
    """One comparison picture for each kept clip, by name; the detail is where ours differs most from the floor."""
    from core.report.pictures import comparison

    return {
        f"comparison_{index}": comparison(
            [
                ("low resolution, frame 0", example.low),
                ("bicubic + blend, frame 1", example.floor),
                ("ours, frame 1", example.ours),
                ("truth, frame 1", example.truth),
            ],
            abs(example.ours - example.floor).mean(axis=0),
        )
        for index, example in enumerate(evaluation.examples)
    }


def _metric_options(run: Run) -> dict[str, dict[str, Any]]:
    return {name: entry_section(section) for name, section in run.settings.metric.items()}


def _save(run: Run, pictures: dict[str, NDArray[np.uint8]]) -> None:
    from core.report.pictures import save_picture

    for name, picture in pictures.items():
        path = run.output / "pictures" / f"{name}.png"
        save_picture(picture, path)
        log.info("Picture: %s", path)


EVALUATE = TaskEntry(
    "evaluate", EvaluateConfig, _evaluate, needs=("dataset", "device"), takes=("codec", "upscaler")
)

"""``task=evaluate``: measures a trained network on held-out clips; table, JSON and pictures.

A codec is measured by real streams beside another one with no more bytes, an upscaler beside simple baselines.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import hooks
from core.config import entry_section
from core.errors import ConfigError, PluginError
from core.files import write_json
from core.hooks import FilePath, Split, TaskEntry, Upscaler
from core.options import Options, option
from core.progress import Meter
from core.selection import CodecSelection, options_of, selection_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.coding.codec import LoadedCodec
    from core.measure.evaluation import CodecEvaluation, UpscalerEvaluation
    from core.measure.rate_matching import RateMatcher
    from core.run import Run

log = logging.getLogger(__name__)


@dataclass
class EvaluateConfig(Options):
    """Measure a trained network on held-out clips: a codec beside x264, an upscaler beside simple baselines."""

    checkpoint: FilePath | None = None
    """Checkpoint to measure; for an upscaler, none measures fresh weights (the settings' ``weights``, where given)."""
    split: Split = Split.TEST
    """Part of the data set."""
    pictures: int = option(2, at_least=0)
    """Clips to draw."""
    estimated: bool = False
    """Also print the rate of a codec that the float priors estimate."""
    anchor: str | None = "x264"
    """Codec without a network that is shown beside a codec, with no more bytes for each clip; null for none."""
    anchor_options: dict[str, Any] = field(default_factory=dict)
    """Its options but for ``crf``, ``gop`` and ``subsampling``, which follow: ``+task.anchor_options.preset=slow``."""


def _evaluate(config: EvaluateConfig, run: Run) -> float | None:
    """The score: of a codec dB above the anchor with no more bytes, of an upscaler the first metric."""
    chosen = selection_of(run, config.checkpoint)
    if chosen is None:
        raise ConfigError("there is nothing to evaluate: give codec=… or upscaler=…, or an experiment=….")
    if isinstance(chosen, CodecSelection):
        return evaluate_codec(run, chosen.load(), config).score
    if not config.checkpoint and chosen.has_network:
        log.warning("No task.checkpoint is given: measuring %s.", run.settings.weights or "untrained weights")
    evaluation = evaluate_upscaler(run, chosen.build(), config)
    return next(iter(evaluation.ours().values()), None)


def evaluate_codec(
    run: Run, loaded: LoadedCodec, config: EvaluateConfig, others: Mapping[str, LoadedCodec] | None = None
) -> CodecEvaluation:
    """Measure a codec by real streams, with progress; print the table, write JSON and pictures.

    ``others`` are codecs that are measured on the same clips and shown beside it, by name. Raises `ConfigError` where
    the anchor cannot be one.
    """
    from core.measure.evaluation import with_others
    from core.report.evaluation import draw_examples, print_codec_evaluation

    anchor = _anchor(config, run)
    measured = {
        name: _evaluate_coded(run, other, config, None, run.output / name / "streams", f" by {name}")
        for name, other in (others or {}).items()
    }
    ours = _evaluate_coded(run, loaded, config, anchor, run.output / "streams")
    evaluation = with_others(ours, measured)
    clips, split = evaluation.clips, config.split.value
    title = f"{len(clips)} clips of {clips[0].frames} frames of split '{split}', GOP {loaded.gop or '∞'}"
    print_codec_evaluation(evaluation, title)
    record = {"split": split, **evaluation.to_json(), "conditions": _conditions(run, loaded, anchor)}
    write_json(run.output / "evaluation.json", record)
    _save(run, draw_examples(evaluation.examples))
    return evaluation


def _evaluate_coded(
    run: Run,
    loaded: LoadedCodec,
    config: EvaluateConfig,
    anchor: RateMatcher | None,
    folder: Path,
    by: str = "",
) -> CodecEvaluation:
    from core.measure.evaluation import evaluate_codec

    source = run.source(config.split)
    with Meter(f"Coding ({config.split.value}){by}", len(source)) as meter:
        return evaluate_codec(
            loaded,
            source,
            run.metrics(),
            folder,
            anchor=anchor,
            seed=run.settings.seed,
            pictures=config.pictures,
            estimate=config.estimated,
            seen=meter.advance,
        )


def _anchor(config: EvaluateConfig, run: Run) -> RateMatcher | None:
    from core.measure.rate_matching import RateMatcher

    if config.anchor is None:
        return None
    try:
        entry = run.registry.find("codec", config.anchor)
    except PluginError as error:
        raise ConfigError(f"task.anchor: {error}") from None
    assert isinstance(entry, hooks.CodecEntry)
    return RateMatcher(entry, options_of(entry, config.anchor_options, "task.anchor"))


def _conditions(run: Run, loaded: LoadedCodec, anchor: RateMatcher | None) -> dict[str, Any]:
    """All that must agree before this result is compared with another."""
    from core import __version__

    counted = "packets" if loaded.places_intra else "stream file"
    return {
        "codec": loaded.name,
        "fingerprint": loaded.fingerprint.hex(),
        "intra": loaded.intra,
        "arithmetic": loaded.arithmetic,
        "gop": loaded.gop,
        "scene_cut": loaded.scene_cut,
        "bpp": f"8 x bytes of the {counted} / (frames x unpadded pixels)",
        "psnr": "RGB, both rounded to 8 bits, mean over frames, then clips",
        "anchor": _anchor_conditions(anchor, loaded.gop) if anchor else None,
        "metrics": _metric_options(run),
        "dataset": entry_section(run.settings.dataset),
        "seed": run.settings.seed,
        "command": run.overrides,
        "versions": {
            "mindvideo": __version__,
            **{n: metadata.version(n) for n in ("mindspore", "av", "numpy")},
        },
    }


def _anchor_conditions(anchor: RateMatcher, gop: int) -> dict[str, Any]:
    return {
        "codec": anchor.name,
        **entry_section(anchor.options),
        "gop": gop,
        "crf": "found for each clip",
        "subsampling": "4:2:0 or 4:4:4, the better for each clip that it codes",
        "bytes": "packets, without container and SEI",
    }


def evaluate_upscaler(run: Run, upscaler: Upscaler, config: EvaluateConfig) -> UpscalerEvaluation:
    """Measure an upscaler, with progress; print the table, write JSON and pictures."""
    from core.measure.evaluation import evaluate_upscaler
    from core.report.evaluation import draw_examples, print_upscaler_evaluation

    source, split = run.source(config.split), config.split.value
    with Meter(f"Evaluating ({split})", len(source)) as meter:
        evaluation = evaluate_upscaler(
            upscaler,
            source,
            run.metrics(),
            seed=run.settings.seed,
            pictures=config.pictures,
            seen=meter.advance,
        )
    title = f"{len(evaluation.clips)} clips of split '{split}', mean over frames"
    print_upscaler_evaluation(evaluation, title)
    record = {"split": split, **evaluation.to_json(), "metrics": _metric_options(run)}
    write_json(run.output / "evaluation.json", record)
    _save(run, draw_examples(evaluation.examples))
    return evaluation


def _metric_options(run: Run) -> dict[str, dict[str, Any]]:
    return {name: entry_section(section) for name, section in run.settings.metric.items()}


def _save(run: Run, pictures: dict[str, NDArray[np.uint8]]) -> None:
    from core.report.pictures import save_picture

    for name, picture in pictures.items():
        path = run.output / "pictures" / f"{name}.png"
        save_picture(picture, path)
        log.info("Picture: %s", path)


EVALUATE = TaskEntry(
    "evaluate",
    EvaluateConfig,
    _evaluate,
    needs=("dataset", "device"),
    takes=("codec", "upscaler"),
    positional=("task.checkpoint",),
)

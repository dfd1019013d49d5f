"""The Python interface takes the words of the command line and gives the same parts."""

from pathlib import Path

import numpy as np
import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

import core
import core.errors
from core.errors import ConfigError
from core.hooks import Output, PictureFormat, Split
from core.training.checkpoint import MODEL, Checkpoint, tensors_of
from tests.app.test_training import TINY

WORDS = [*TINY, "device.mode=pynative"]


def test_parts_of_a_run(tmp_path: Path) -> None:
    run = core.open_run(WORDS, output=tmp_path)
    network = run.model()
    frames, low = run.source(Split.TEST).clip(0, np.random.default_rng(0))
    made = run.upscaler(network)(low[None, 0], low[None, 2], [Output.MIDDLE])
    assert made[Output.MIDDLE].shape == (1, *frames[1].shape)
    assert run.is_rank_zero
    assert list(run.metrics()) == ["psnr", "ssim"]


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    run = core.open_run(WORDS, output=tmp_path)
    path = tmp_path / "a.safetensors"
    Checkpoint(path, tensors_of(run.model(), MODEL), run.model_section, run.model_plugin, {}).save()
    assert run.model(path) is not None
    with pytest.raises(core.errors.CheckpointError, match=r"has model\.trunk_blocks=1, the settings have"):
        core.open_run([*WORDS, "model.trunk_blocks=2"]).model(path)


def test_mistakes_are_the_command_s_messages() -> None:
    with pytest.raises(ConfigError, match=r"(?s)2 problems.*no setting 'modle'.*model\.features"):
        core.open_run(["modle=1", "model.features=abc"])


def test_picture_codecs_of_intra_frames() -> None:
    """Those that need no options decode whatever is chosen; the others are asked for."""
    words, format = ["experiment=none", "task=doctor", "device.mode=pynative"], PictureFormat(16, 16)
    frame = np.random.default_rng(0).random((3, 16, 16), np.float32)
    payload = core.open_run([*words, "intra=png"]).intra().encode(frame, format, 0)
    hevc = core.open_run([*words, "intra.crf=3"]).intra()
    assert hevc.name == "hevc" and hevc.fingerprint == b""
    np.testing.assert_array_equal(np.rint(255 * hevc.decode(payload, format)), np.rint(255 * frame))
    with pytest.raises(core.errors.StreamError, match=r"give intra=ssfvc intra\.checkpoint="):
        hevc.decode(b"\x05ssfvc" + bytes(20), format)


def test_hydra_is_given_the_plugins_once():
    """It keeps what it gets for the whole process: each run opened would make the next one slower to compose."""
    core.open_run(["task=doctor"])
    before = Plugins.instance().discover(SearchPathPlugin)
    core.open_run(["task=doctor"])
    assert Plugins.instance().discover(SearchPathPlugin) == before
    assert sum(kind.__name__ == "MindvideoSearchPath" for kind in before) >= 1
